"""What is up, what is down, and since when. Fed by whoever notices; read by the health routes.

Between up and down there is *degraded*: something is missing, and the process does its work all the
same. A part that is down is survived while whatever stands in for it says so; a condition (a spool
that fills, load that is shed) is reported by name.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(slots=True)
class _Part:
    ready: bool
    since: float
    detail: str


@dataclass(slots=True)
class Health:
    """The parts a process depends on. A part is down until it is first reported up."""

    clock: Callable[[], float] = time.time
    _parts: dict[str, _Part] = field(default_factory=dict)
    _survived: dict[str, Callable[[], bool]] = field(default_factory=dict)
    _conditions: dict[str, _Part] = field(default_factory=dict)

    def expect(self, *names: str) -> None:
        """Declare parts that must be up before this process is ready."""
        for name in names:
            self._parts.setdefault(name, _Part(False, self.clock(), "starting"))

    def survive(self, *names: str, by: Callable[[], bool]) -> None:
        """Declare parts that may be down while `by()`: then the process is degraded, but ready."""
        for name in names:
            self._survived[name] = by

    def up(self, name: str) -> None:
        """Report a part as working; keeps `since` if it already was."""
        part = self._parts.get(name)
        if part is None or not part.ready:
            self._parts[name] = _Part(True, self.clock(), "")

    def down(self, name: str, detail: str) -> None:
        """Report a part as not working; keeps `since` if it already was down."""
        part = self._parts.get(name)
        if part is None or part.ready:
            self._parts[name] = _Part(False, self.clock(), detail)
        else:
            part.detail = detail

    def degrade(self, name: str, detail: str) -> None:
        """Report a condition the process works under; "" ends it. Keeps `since` while it lasts."""
        condition = self._conditions.get(name)
        if not detail:
            self._conditions.pop(name, None)
        elif condition is None:
            self._conditions[name] = _Part(True, self.clock(), detail)
        else:
            condition.detail = detail

    @property
    def ready(self) -> bool:
        """True when every part is up or survived."""
        return all(part.ready or self._survives(name) for name, part in self._parts.items())

    def _survives(self, name: str) -> bool:
        by = self._survived.get(name)
        return by is not None and by()

    def degraded(self) -> list[dict[str, object]]:
        """`[{"part", "since", "detail"}]`: what is missing or pressing, and is survived."""
        survived = {
            name: part
            for name, part in self._parts.items()
            if not part.ready and self._survives(name)
        }
        return [
            {"part": name, "since": part.since, "detail": part.detail}
            for name, part in sorted((survived | self._conditions).items())
        ]

    def report(self, *, optional: "Health | None" = None) -> dict[str, object]:
        """`{"status", "parts": [{"name", "ready", "since", "detail"?}], "degraded": […]}`.

        `status`: ok, degraded (ready all the same) or unavailable; `since`: epoch seconds.
        `optional` are parts that are never needed: those that are down degrade, and all are listed
        apart.
        """
        degraded = self.degraded()
        document: dict[str, object] = {}
        if optional is not None:
            document["optional"] = optional._rows()
            degraded += optional._missing() + optional.degraded()
        document |= {
            "status": ("degraded" if degraded else "ok") if self.ready else "unavailable",
            "parts": self._rows(),
            "degraded": degraded,
        }
        return document

    def _missing(self) -> list[dict[str, object]]:
        return [
            {"part": name, "since": part.since, "detail": part.detail}
            for name, part in sorted(self._parts.items())
            if not part.ready and not self._survives(name)
        ]

    def _rows(self) -> list[dict[str, object]]:
        rows: list[dict[str, object]] = []
        for name, part in sorted(self._parts.items()):
            row: dict[str, object] = {"name": name, "ready": part.ready, "since": part.since}
            if part.detail:
                row["detail"] = part.detail
            rows.append(row)
        return rows
