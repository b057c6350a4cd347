"""Which partitions of the store have lost rows, and where those can be filled in from. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from seamark.recovery.tables import RAW, ROLLUPS
from seamark.wire.signals import Signal

MANIFEST: Final = "archive_files"
FORGOTTEN: Final = frozenset({"late_rows"})
"""Nothing is filled in: its rows only matter for minutes, to the cache of answers."""
LOG_ONLY: Final = frozenset({"receipts", "dead_letters"})
"""Of these the archive has nothing."""
NOWHERE: Final = frozenset({"dead_letter_replays"})
_EVERY: Final = frozenset(Signal)
_BEFORE: Final = timedelta(days=1)
"""A row's own time may be so much later than its receipt: a sender's clock, and the log's."""

Source = Literal["log", "archive", "manifest", "nothing"]


def _signals() -> Mapping[str, frozenset[Signal]]:
    found: dict[str, set[Signal]] = {table: {signal} for signal, table in RAW.items()}
    for signal, rollups in ROLLUPS.items():
        for rollup in rollups:
            found.setdefault(rollup.table, set()).add(signal)
    return {table: frozenset(signals) for table, signals in found.items()}


_OF_TABLE: Final = _signals()


@dataclass(frozen=True, slots=True, order=True)
class LostPartition:
    """A partition of a table, and how many rows of it are said to be lost."""

    table: str
    partition: str
    rows: int = 0

    @property
    def signals(self) -> frozenset[Signal]:
        """Whose rows it holds."""
        if self.table == MANIFEST or self.table in FORGOTTEN:
            return frozenset()
        return _OF_TABLE.get(self.table, _EVERY)

    @property
    def partition_id(self) -> str:
        """As the engine names it."""
        return "all" if self.partition == "tuple()" else self.partition.replace("-", "")

    @property
    def since(self) -> datetime | None:
        """What was received before this is not in it; None: nothing of the log's past is needed.

        Days are of receipt, months of the rows' own time; what has neither holds what is newest.
        """
        text = self.partition.strip("'")
        if len(text) == 10:
            begin = datetime.fromisoformat(text)
        elif len(text) == 6 and text.isdigit():
            begin = datetime(int(text[:4]), int(text[4:]), 1)  # made UTC below
        else:
            return None
        return begin.replace(tzinfo=UTC) - _BEFORE


def gathered(rows: Iterable[tuple[str, str, int]]) -> list[LostPartition]:
    """One for each table and partition, rows added up, sorted."""
    found: dict[tuple[str, str], int] = {}
    for table, partition, count in rows:
        found[table, partition] = found.get((table, partition), 0) + count
    return sorted(LostPartition(table, partition, n) for (table, partition), n in found.items())


def needed_since(lost: Sequence[LostPartition], signal: Signal) -> datetime | None:
    """From when on what was received is needed of a signal; None: nothing is."""
    of_signal = [one.since for one in lost if signal in one.signals]
    return min((since for since in of_signal if since is not None), default=None)


def source_of(lost: LostPartition, by_signal: Mapping[Signal, Source]) -> Source:
    """Where one partition comes from: the log if it has all of it, for all of its signals."""
    if lost.table == MANIFEST:
        return "manifest"
    sources = {by_signal[signal] for signal in lost.signals if signal in by_signal}
    if lost.table in FORGOTTEN or not sources:
        return "nothing"
    return "log" if sources == {"log"} else "archive"


def left(lost: LostPartition, source: Source) -> str:
    """Why a partition cannot be filled in; "" if it can."""
    if lost.table in NOWHERE:
        return (
            f"{lost.table} {lost.partition}: neither log nor archive tell when they were replayed"
        )
    if lost.table in LOG_ONLY and source == "archive":
        return f"{lost.table} {lost.partition}: the log no longer has it, and the archive never did"
    return ""
