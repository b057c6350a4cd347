"""What is up, what is down, and since when. Fed by whoever notices; read by the health routes."""

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

    def expect(self, *names: str) -> None:
        """Declare parts that must be up before this process is ready."""
        for name in names:
            self._parts.setdefault(name, _Part(False, self.clock(), "starting"))

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

    @property
    def ready(self) -> bool:
        """True when every part is up."""
        return all(part.ready for part in self._parts.values())

    def report(self) -> dict[str, object]:
        """`{"status", "parts": [{"name", "ready", "since", "detail"?}]}`; since: epoch seconds."""
        parts: list[dict[str, object]] = []
        for name, part in sorted(self._parts.items()):
            row: dict[str, object] = {"name": name, "ready": part.ready, "since": part.since}
            if part.detail:
                row["detail"] = part.detail
            parts.append(row)
        return {"status": "ok" if self.ready else "unavailable", "parts": parts}
