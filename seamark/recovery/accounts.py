"""Do the counts agree? Pure: what was counted goes in, the differences come out.

By hour of receipt, org, app and signal:
    raw = stored = accepted − duplicate − dead-lettered   (the log drained up to the range's end)
    archived = stored = rows of the archive's live files  (the archive caught up)
    offered = accepted + rejected + sampled + limited
By hour (or day) of event time: rows of every rollup = raw rows of that time.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec


class Key(msgspec.Struct, frozen=True, order=True):
    """One line of the account. `hour`: epoch seconds of its beginning, by receipt."""

    signal: str
    org: str
    app: str
    hour: int


class Counts(msgspec.Struct, kw_only=True):
    """What was counted of it. `files`: None where there is no archive."""

    offered: int = 0
    accepted: int = 0
    rejected: int = 0
    sampled: int = 0
    limited: int = 0
    duplicate: int = 0
    dead_lettered: int = 0
    stored: int = 0
    archived: int = 0
    raw: int = 0
    files: int | None = None


class RollupKey(msgspec.Struct, frozen=True, order=True):
    """One line of a rollup. `begin`: epoch seconds of the hour or day, by event time."""

    signal: str
    table: str
    org: str
    app: str
    begin: int


class Difference(msgspec.Struct, frozen=True, order=True):
    """Two counts that ought to be the same. `at`: epoch seconds of the hour or day."""

    signal: str
    org: str
    app: str
    at: int
    what: str
    expected: int
    found: int


@dataclass(slots=True)
class Account:
    """Everything counted, and what the sinks still have to do (sentences)."""

    lines: dict[Key, Counts] = field(default_factory=dict)
    rollups: dict[RollupKey, tuple[int, int]] = field(default_factory=dict)
    under_way: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    archive_under_way: bool = False

    def line(self, key: Key) -> Counts:
        """The counts of a line, to be added to."""
        return self.lines.setdefault(key, Counts())


def differences(account: Account) -> list[Difference]:
    """All of them, sorted."""
    return sorted([*_of_lines(account), *_of_rollups(account.rollups)])


def _of_lines(account: Account) -> Iterable[Difference]:
    for key, n in account.lines.items():
        pairs = [
            (
                "offered ≠ accepted + rejected + sampled + limited",
                n.accepted + n.rejected + n.sampled + n.limited,
                n.offered,
            ),
            (
                "raw rows ≠ accepted − duplicate − dead_lettered",
                n.accepted - n.duplicate - n.dead_lettered,
                n.raw,
            ),
            ("ledger's stored ≠ raw rows", n.raw, n.stored),
        ]
        if n.files is not None and not account.archive_under_way:
            pairs.append(("rows of the archive's files ≠ raw rows", n.raw, n.files))
            pairs.append(("ledger's archived ≠ rows of the archive's files", n.files, n.archived))
        for what, expected, found in pairs:
            if expected != found:
                yield Difference(key.signal, key.org, key.app, key.hour, what, expected, found)


def _of_rollups(rollups: Mapping[RollupKey, tuple[int, int]]) -> Iterable[Difference]:
    for key, (raw, rolled) in rollups.items():
        if raw != rolled:
            what = f"{key.table} ≠ raw rows of that time"
            yield Difference(key.signal, key.org, key.app, key.begin, what, raw, rolled)
