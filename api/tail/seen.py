"""What a tail has shown, so that each record comes once and late ones still come. Pure.

Blocks of different partitions land in any order, so a record may be stored behind others that were
received after it. A tail therefore looks again at everything since its *floor*: `overlap_ms` before
the newest request it knows, or before now if that is earlier; never more than `REACH_MS` ago. What
it knows since the floor it remembers by request, with the ids of the records that it showed.

A request is stored in one piece. Should one grow all the same, what was not shown of it is.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from api.query.log_following import ArrivalRow, ArrivedRow, Cursor

REACH_MS: Final = 15 * 60_000
"""How far back a tail ever looks for what is late."""
CURSOR_MS: Final = 2 * REACH_MS
"""How old a cursor may be. One of a tail that shows nothing is up to `REACH_MS` old."""


@dataclass(frozen=True, slots=True)
class New:
    """Requests whose records are to be read, and how many records are passed over."""

    arrivals: Sequence[ArrivalRow]
    skipped: int


@dataclass(slots=True)
class _Known:
    records: int
    shown: tuple[str, ...] = ()


class Seen:
    """What one tail knows. Memory: what it showed since its floor, as ids."""

    def __init__(self, *, overlap_ms: int, now_ms: int) -> None:
        self._overlap_ms = overlap_ms
        self._known: dict[tuple[int, str], _Known] = {}
        self._newest = Cursor(now_ms)
        self._floor_ms = now_ms - overlap_ms

    @property
    def floor_ms(self) -> int:
        """Since when to look for requests."""
        return self._floor_ms

    @property
    def cursor(self) -> Cursor:
        """How far everything is shown, for someone who comes back."""
        newest = max(self._newest, Cursor(self._floor_ms + self._overlap_ms))
        return Cursor(newest.received_ms, newest.receipt, self._within(newest))

    def begin(self, rows: Iterable[ArrivalRow]) -> None:
        """Take what is there as shown."""
        for row in rows:
            self._know(row)

    def news(self, rows: Iterable[ArrivalRow], *, most: int) -> New:
        """What to read next, in order: the newest requests, of at most `most` records together.

        One request alone may have more. What is passed over is known from then on.
        """
        fresh: list[tuple[ArrivalRow, int]] = []
        for row in sorted(rows):
            known = self._known.get((row.received_ms, row.receipt))
            more = row.records - (known.records if known else 0)
            if more > 0 and row.received_ms >= self._floor_ms:
                fresh.append((row, more))
        total = sum(more for _, more in fresh)
        skipped = first = 0
        while total - skipped > most and first < len(fresh) - 1:
            row, more = fresh[first]
            self._know(row)
            skipped += more
            first += 1
        return New([row for row, _ in fresh[first:]], skipped)

    def show(self, arrivals: Iterable[ArrivalRow], read: Sequence[ArrivedRow]) -> list[ArrivedRow]:
        """Of the records that were read of these requests, those not shown before; all are known.

        Of the records of one request that are equal in everything, each is shown.
        """
        before: Counter[str] = Counter()
        for row in arrivals:
            known = self._known.get((row.received_ms, row.receipt))
            before.update(known.shown if known else ())
            self._know(row)
        shown = []
        for record in read:
            if before[record.id] > 0:
                before[record.id] -= 1
                continue
            shown.append(record)
        ids: dict[tuple[int, str], list[str]] = {}
        for record in read:
            ids.setdefault((record.received_ms, record.receipt), []).append(record.id)
        for key, own in ids.items():
            self._known[key].shown = tuple(own)
        return shown

    def since(self, cursor: Cursor, rows: Iterable[ArrivalRow]) -> tuple[list[ArrivalRow], int]:
        """For a client that comes back: what it lacks of what is known here, and how much it
        missed.

        `rows`: requests since `overlap_ms` before its cursor. What it lacks and is not known here
        is not among it: it is new to every client. Missed is what landed behind its cursor after it
        left.
        """
        lacking, within = [], 0
        for row in sorted(rows):
            if cursor.covers(row):
                within += row.records
            elif row.received_ms < self._floor_ms or (row.received_ms, row.receipt) in self._known:
                lacking.append(row)
        return lacking, max(within - cursor.records, 0)

    def move(self, now_ms: int) -> None:
        """Set the floor for the next look, and forget what lies before it."""
        reached = min(self._newest.received_ms, now_ms) - self._overlap_ms
        floor = max(self._floor_ms, reached, now_ms - REACH_MS)
        if floor > self._floor_ms:
            self._floor_ms = floor
            self._known = {key: known for key, known in self._known.items() if key[0] >= floor}

    def _know(self, row: ArrivalRow) -> None:
        known = self._known.setdefault((row.received_ms, row.receipt), _Known(0))
        known.records = row.records
        if not self._newest.covers(row):
            self._newest = Cursor(row.received_ms, row.receipt)

    def _within(self, newest: Cursor) -> int:
        since_ms = newest.received_ms - self._overlap_ms
        return sum(known.records for key, known in self._known.items() if key[0] >= since_ms)
