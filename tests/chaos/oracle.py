"""What was asked for, what was answered, and the laws that the store has to keep. Pure.

Every item of every request carries two attributes: `chaos.r`, the name of its request, and
`chaos.i`, its number within. So one query per table tells, for each request and receipt, how many
rows there are, how many different items, and what their values come to; and an item that is lost,
doubled, or stored though it was turned away is found by name.
"""

import enum
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from seamark.wire.signals import Signal

REQUEST = "chaos.r"
ITEM = "chaos.i"


class Kind(enum.StrEnum):
    """How a request names itself, which decides what may become of its retries."""

    IDENTIFIED = "batch"
    """A native batch with a `batchId`: exactly one receipt, however often it is sent."""
    OWN_IDS = "ids"
    """Native events with ids of their own, sent in several batches: each event once."""
    ANONYMOUS = "plain"
    """A native batch without any id: whole under each receipt; at most one receipt a try."""
    SPANS = "spans"
    POINTS = "points"
    LOGS = "logs"
    """OTLP has no ids: like anonymous batches, and the answer does not tell the receipt."""
    BAD_KEY = "badkey"
    """Sent with a key nobody has: 401, and not one row."""

    @property
    def signal(self) -> Signal:
        """The signal its items belong to."""
        return {
            Kind.SPANS: Signal.TRACES,
            Kind.POINTS: Signal.METRICS,
            Kind.LOGS: Signal.LOGS,
        }.get(self, Signal.EVENTS)


@dataclass(slots=True)
class Asked:
    """One request: `items` good ones whose values come to `total`, and `bad` ones to reject."""

    name: str
    kind: Kind
    items: int
    total: float
    bad: int = 0
    first_sent: float = 0.0
    """Monotonic seconds."""
    attempts: int = 0
    accepted: int = 0
    """Answers that said yes."""
    receipts: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a raw table under one request and receipt."""

    receipt: str
    rows: int
    distinct: int
    total: float


@dataclass(slots=True)
class Oracle:
    """All that was asked in one run."""

    asked: dict[str, Asked] = field(default_factory=dict)
    surprises: list[str] = field(default_factory=list)
    """Answers that no retry is meant for, as text."""
    statuses: Counter[int] = field(default_factory=Counter)
    """Answers by status; 0 = none came."""

    def add(self, asked: Asked) -> Asked:
        """Remember a request before it is sent for the first time."""
        self.asked[asked.name] = asked
        return asked

    @property
    def attempts(self) -> int:
        return sum(asked.attempts for asked in self.asked.values())

    @property
    def items(self) -> Counter[str]:
        """Accepted items by kind; what was sent twice counts once."""
        counted: Counter[str] = Counter()
        for asked in self.asked.values():
            counted[asked.kind] += asked.items * bool(asked.accepted)
        return counted

    @property
    def accepted(self) -> int:
        """Accepted items of every kind."""
        return self.items.total()

    def events(self) -> int:
        """Accepted native events."""
        counted = self.items
        return counted[Kind.IDENTIFIED] + counted[Kind.OWN_IDS] + counted[Kind.ANONYMOUS]


def broken(asked: Asked, found: Iterable[Found]) -> str:
    """Which law the rows of one request break, as text; "" when they keep all of them."""
    rows = list(found)
    if asked.kind is Kind.BAD_KEY:
        return f"{sum(row.rows for row in rows)} rows of a request without a key" if rows else ""
    if not asked.accepted:
        if any(row.rows != row.distinct for row in rows):
            return f"never accepted, and doubled: {_listed(rows)}"
        return ""
    if asked.kind is Kind.OWN_IDS:
        whole = Found(
            "any",
            sum(row.rows for row in rows),
            sum(row.distinct for row in rows),
            sum(row.total for row in rows),
        )
        return "" if _whole(asked, whole) else f"accepted {asked.items}, found {_listed(rows)}"
    if missing := asked.receipts - {row.receipt for row in rows}:
        return f"accepted {asked.items} as {sorted(missing)}, found {_listed(rows)}"
    most = 1 if asked.kind is Kind.IDENTIFIED else asked.attempts
    if not 1 <= len(rows) <= most:
        return f"{len(rows)} receipts after {asked.attempts} tries: {_listed(rows)}"
    if faulty := [row for row in rows if not _whole(asked, row)]:
        return f"accepted {asked.items}, found {_listed(faulty)}"
    return ""


def differences(oracle: Oracle, found: Mapping[str, list[Found]]) -> list[str]:
    """Every request whose rows break a law, and every row that nobody asked for."""
    lines = [
        f"{name}: {problem}"
        for name, asked in oracle.asked.items()
        if (problem := broken(asked, found.get(name, ())))
    ]
    strange = [name for name in found if name not in oracle.asked]
    return lines + [f"{name!r}: rows that nobody sent: {_listed(found[name])}" for name in strange]


def _whole(asked: Asked, row: Found) -> bool:
    return row.rows == row.distinct == asked.items and row.total == asked.total


def _listed(rows: Iterable[Found]) -> str:
    texts = [
        f"{row.receipt}: {row.rows} rows, {row.distinct} different, sum {row.total:g}"
        for row in rows
    ]
    return "; ".join(texts) or "nothing"
