"""What the manifest says of one file, and what the file says of itself in its footer. Pure.

Law of merging: counts and ledger rows of a merged file are the sums of those it was made of.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from seamark.wire.signals import Signal

LIVE: Final = "live"
REPLACED: Final = "replaced"
LEDGER_KEYS: Final = ("org", "app", "signal", "minute", "key_id")


class Count(msgspec.Struct, frozen=True, order=True):
    """Rows of one app and key that were received in one minute (seconds since the epoch)."""

    org: str
    app: str
    minute: int
    key_id: str
    rows: int


class ArchiveFile(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `archive_files`. Times are milliseconds since the epoch, UTC.

    `stream` is "" and the sequences are 0 for a merged file; of a file without rows the times are
    those of its ledger rows.
    """

    path: str
    signal: Signal
    rows: int
    bytes: int
    sha256: str
    min_received: int
    max_received: int
    min_time: int
    max_time: int
    written_at: int
    version: int
    stream: str = ""
    first_sequence: int = 0
    last_sequence: int = 0
    state: str = LIVE
    replaces: tuple[str, ...] = ()
    counts: tuple[Count, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into a file's footer beside its rows."""

    rows: int
    min_received: int
    max_received: int
    ledger: Sequence[Mapping[str, Any]]
    stream: str = ""
    first_sequence: int = 0
    last_sequence: int = 0
    replaces: Sequence[str] = ()

    def metadata(self) -> dict[str, str]:
        """As key-value metadata; all values are text."""
        found = {
            "seamark.stream": self.stream,
            "seamark.first": str(self.first_sequence),
            "seamark.last": str(self.last_sequence),
            "seamark.rows": str(self.rows),
            "seamark.min_received_ms": str(self.min_received),
            "seamark.max_received_ms": str(self.max_received),
            "seamark.ledger": json.dumps(self.ledger, separators=(",", ":")),
        }
        if self.replaces:
            found["seamark.replaces"] = json.dumps(list(self.replaces), separators=(",", ":"))
        return found


def ledger_of(metadata: Mapping[str, str]) -> list[dict[str, Any]]:
    """The ledger rows in a footer. Raises ValueError when they are unreadable."""
    found = json.loads(metadata.get("seamark.ledger", "[]"))
    if not isinstance(found, list):
        raise ValueError("seamark.ledger is no list")
    return found


def merge_ledgers(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One row for each key: numbers summed, maps of numbers summed by their keys."""
    merged: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = tuple(row[name] for name in LEDGER_KEYS)
        into = merged.setdefault(key, dict(zip(LEDGER_KEYS, key, strict=True)))
        for name, value in row.items():
            if name not in LEDGER_KEYS:
                into[name] = _sum(into.get(name), value)
    return [merged[key] for key in sorted(merged)]


def _sum(before: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        total = dict(before or {})
        for reason, count in value.items():
            total[reason] = total.get(reason, 0) + count
        return total
    return (before or 0) + value


def merge_counts(counts: Iterable[Count]) -> tuple[Count, ...]:
    """One for each key, rows summed."""
    merged: dict[tuple[str, str, int, str], int] = {}
    for count in counts:
        key = (count.org, count.app, count.minute, count.key_id)
        merged[key] = merged.get(key, 0) + count.rows
    return tuple(Count(*key, rows) for key, rows in sorted(merged.items()))
