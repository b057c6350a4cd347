"""Blocks into Parquet files, and Parquet files into one.

The rows of a file are made by the very views that make the raw rows of the store (`tables.py`);
there is no second truth.

The engine's own Parquet writer, not pyarrow's. Measured for 100,000 events and spans, zstd level 3,
beside the conversion's 1.4 and 4.5 µs: 1.1 and 1.7 µs against 1.4 to 3.0 and 2.1 to 3.1, and a
peak of 450 and 800 MB against 670 and 1060; a sixth more bytes on disk. The types come out the
same: UUID, timestamps in UTC, maps, fixed binary. The footer's metadata is added by `footer.py`.

All calls block, and release the GIL while the engine works; none belongs on the event loop. One
thread makes blocks, another merges; each has a connection.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from processors.archive.codec import ArchiveCodec, making, merging
from processors.archive.connection import EngineConnection, EngineFailed
from processors.archive.files import LEDGER_KEYS, Count
from processors.archive.inflate import UnreadableFrame, inflated
from processors.archive.layout import HOUR_SECONDS, Hour
from processors.archive.tables import LEDGER, RAW_TABLE, Columns, aggregate, prepare
from seamark.service.clickhouse.embedded import Connect
from seamark.service.clickhouse.errors import REFUSED
from seamark.service.clickhouse.quoting import literal
from seamark.wire.signals import Signal, input_table

_HOUR_MS = HOUR_SECONDS * 1000
MEMORY_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Made:
    """One Parquet file, without metadata yet: the rows of a block received in one hour.

    Times are milliseconds since the epoch; without rows, those of the ledger's minutes.
    """

    hour: Hour
    file: Path
    rows: int
    min_received: int
    max_received: int
    min_time: int
    max_time: int
    counts: tuple[Count, ...]
    ledger: Sequence[Mapping[str, Any]]


class ArchiveEngine:
    """Databases, tables and settings on an engine that `connect` reaches. Made in some seconds.

    `database`: the names of two databases of its own begin with it. `memory_bytes`: the most that
    one statement, and the rows of one block, may take.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        codec: ArchiveCodec,
        memory_bytes: int = MEMORY_BYTES,
        database: str = "seamark",
    ) -> None:
        self._connect = connect
        self._memory_bytes = memory_bytes
        self._database = database
        self._block = f"{database}_block"
        self._making = EngineConnection(connect)
        self._merging = EngineConnection(connect)
        self._making.command(f"SET {_listed(making(codec, memory_bytes=memory_bytes))}")
        self._merging.command(f"SET {_listed(merging(codec))}")
        self._columns = prepare(self._making, source=database, block=self._block)

    def columns(self, signal: Signal) -> Columns:
        """Names and types of a signal's raw rows, in order."""
        return self._columns[RAW_TABLE[signal]]

    def make(self, signal: Signal, payloads: Sequence[bytes], folder: Path) -> list[Made]:
        """Files of one block, in `folder`, under names of their own; none for a block of nothing.

        Raises Unreadable, EngineFailed, OSError.
        """
        try:
            self._insert(signal, payloads)
            return [self._hour(signal, hour, folder) for hour in self._hours(signal)]
        finally:
            for table in (RAW_TABLE[signal], LEDGER):
                self._making.command(f"TRUNCATE TABLE {self._block}.{table}")

    def merge(self, signal: Signal, inputs: Sequence[Path], output: Path) -> int:
        """Write the rows of Parquet files, all in one folder, into one; returns how many.

        The same inputs give the same bytes. Columns that an older file lacks are filled with their
        defaults. Raises EngineFailed.
        """
        columns = literal(", ".join(f"`{name}` {kind}" for name, kind in self.columns(signal)))
        names = ",".join(path.name for path in inputs)
        source = f"{inputs[0].parent}/{{{names}}}" if len(inputs) > 1 else str(inputs[0])
        self._merging.command(
            f"INSERT INTO FUNCTION file({literal(str(output))}, 'Parquet', {columns}) "
            f"SELECT * FROM file({literal(source)}, 'Parquet', {columns})"
        )
        ((rows,),) = self._merging.rows(
            f"SELECT count() FROM file({literal(str(output))}, 'Parquet', {columns})"
        )
        return int(rows)

    def cancel(self) -> None:
        """Make whatever runs fail. For a process that has to end."""
        connection = EngineConnection(self._connect)
        try:
            connection.command("KILL QUERY WHERE 1 ASYNC")
        finally:
            connection.close()

    def close(self) -> None:
        """Close the connections. Nothing may run."""
        self._making.close()
        self._merging.close()

    def _insert(self, signal: Signal, payloads: Sequence[bytes]) -> None:
        sql = f"INSERT INTO {self._database}.{input_table(signal)}"
        for chunk in inflated(payloads):
            try:
                self._making.insert(sql, "Protobuf", chunk)
            except EngineFailed as error:
                if error.code in REFUSED:
                    raise UnreadableFrame(REFUSED[error.code].lower(), str(error)) from None
                raise
            self._check_size()

    def _check_size(self) -> None:
        """Raise EngineFailed when the rows of the block so far take more than they may."""
        ((size_bytes,),) = self._making.rows(
            f"SELECT sum(total_bytes) FROM system.tables WHERE database = '{self._block}'"
        )
        if int(size_bytes or 0) > self._memory_bytes:
            raise EngineFailed(
                f"Code: 241. DB::Exception: the rows of a block take {size_bytes} bytes, more than "
                f"{self._memory_bytes} (SEAMARK_ARCHIVE_ENGINE_BYTES)"
            )

    def _hours(self, signal: Signal) -> list[int]:
        """The hours of receipt, by rows and by ledger: an envelope may only count."""
        hours = self._making.rows(
            f"SELECT intDiv(toUnixTimestamp64Milli(received_at), {_HOUR_MS}) AS hour "
            f"FROM {self._block}.{RAW_TABLE[signal]} UNION DISTINCT "
            f"SELECT intDiv(toUnixTimestamp(minute), {HOUR_SECONDS}) FROM {self._block}.{LEDGER}"
        )
        return sorted(int(hour) for (hour,) in hours)

    def _hour(self, signal: Signal, hour: int, folder: Path) -> Made:
        rows_of_hour = (
            f"FROM {self._block}.{RAW_TABLE[signal]} "
            f"WHERE intDiv(toUnixTimestamp64Milli(received_at), {_HOUR_MS}) = {hour}"
        )
        file = folder / f"{uuid.uuid4().hex}.parquet"
        file.write_bytes(self._making.query(f"SELECT * {rows_of_hour}", "Parquet"))
        ends = ", ".join(
            f"toUnixTimestamp64Milli(toDateTime64({end}({column}), 3, 'UTC'))"
            for column in ("received_at", "time")
            for end in ("min", "max")
        )
        ((rows, *times),) = self._making.rows(f"SELECT count(), {ends} {rows_of_hour}")
        ledger, minutes = self._ledger(hour)
        if not rows:
            times = [min(minutes), max(minutes)] * 2
        first, last, earliest, latest = (int(time) for time in times)
        return Made(
            hour=Hour(signal, hour),
            file=file,
            rows=int(rows),
            min_received=first,
            max_received=last,
            min_time=earliest,
            max_time=latest,
            counts=self._counts(rows_of_hour),
            ledger=ledger,
        )

    def _counts(self, rows_of_hour: str) -> tuple[Count, ...]:
        found = self._making.rows(
            "SELECT org, app, toUnixTimestamp(toStartOfMinute(toDateTime(received_at, 'UTC'))) "
            f"AS minute, key_id, count() {rows_of_hour} GROUP BY ALL ORDER BY ALL"
        )
        return tuple(Count(*row) for row in found)

    def _ledger(self, hour: int) -> tuple[list[dict[str, Any]], list[int]]:
        """The rows of the block's ledger in one hour, and their minutes (ms since the epoch)."""
        columns = ", ".join(aggregate(name, kind) for name, kind in self._columns[LEDGER])
        keys = ", ".join(LEDGER_KEYS)
        found = self._making.query(
            f"SELECT {columns}, 1000 * toUnixTimestamp(minute) AS minute_ms "
            f"FROM {self._block}.{LEDGER} AS l "
            f"WHERE intDiv(toUnixTimestamp(l.minute), {HOUR_SECONDS}) = {hour} "
            f"GROUP BY {keys} ORDER BY {keys}",
            "JSONEachRow",
        )
        rows = [msgspec.json.decode(line, type=dict[str, Any]) for line in found.splitlines()]
        return rows, [int(row.pop("minute_ms")) for row in rows]


def _listed(settings: Mapping[str, str]) -> str:
    return ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())
