"""The manifest: the table `archive_files` in the store, over HTTP.

Whatever is inserted together is there together (one insert, one partition, one part) and once,
whatever is tried again, by its token.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp
import msgspec

from processors.archive.files import ArchiveFile, Count
from processors.archive.layout import token_in
from processors.blocks.proof import LastBlock
from processors.blocks.reasons import SinkReason
from processors.blocks.sink import SinkUnavailable
from seamark.service.clickhouse.client import HttpClient, RequestFailed
from seamark.service.clickhouse.quoting import array, parameter
from seamark.service.connections import StoreSettings
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS: Final = -2_208_988_800_000  # 1900-01-01
_LAST_MS: Final = 10_413_791_999_999  # 2299-12-31: what a DateTime64 can show
_TIMES: Final = ("min_received", "max_received", "min_time", "max_time", "written_at")
_LAST_BLOCK: Final = Path(__file__).with_name("last_block.sql").read_text()
_COUNTS: Final = ("org", "app", "minute", "key_id", "rows")
_INSERT: Final = {
    name: value for name, value in INSERT_SETTINGS.items() if name != "format_schema"
} | {"date_time_input_format": "basic"}


class Manifest:
    """Reads and writes the manifest. Raises SinkUnavailable throughout."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: StoreSettings, *, timeout_seconds: float
    ) -> None:
        self._client = HttpClient(session, settings, timeout_seconds=timeout_seconds)
        self._database = settings.database
        self._table = f"{settings.database}.archive_files"

    async def add(self, files: Sequence[ArchiveFile], *, token: str) -> None:
        """Insert rows, all or none, once per token."""
        body = b"\n".join(msgspec.json.encode(_row(file)) for file in files)
        query = {**_INSERT, "query": f"INSERT INTO {self._table} FORMAT JSONEachRow"}
        await self._post(query | {"insert_deduplication_token": token}, body)

    async def named(self, signal: Signal, name: str) -> list[ArchiveFile]:
        """Files of all hours whose path ends in this name, live or replaced."""
        sql = (
            f"SELECT {_columns()} FROM {self._table} FINAL "
            "WHERE signal = {signal:String} AND endsWith(path, {name:String}) ORDER BY path"
        )
        rows = await self._ask(sql, signal=signal.value, name=f"/{name}")
        return [_file(row) for row in rows]

    async def small(self, *, below_bytes: int, limit: int) -> list[ArchiveFile]:
        """Live files smaller than that, in folders with more than one of them, oldest first."""
        sql = (
            f"SELECT {_columns()}, count() OVER (PARTITION BY folder) AS beside "
            f"FROM (SELECT *, substring(path, 1, length(path) - position(reverse(path), '/')) "
            f"AS folder FROM {self._table} FINAL "
            "WHERE state = 'live' AND bytes < {below:UInt64}) "
            "QUALIFY beside > 1 ORDER BY min_received, path LIMIT {limit:UInt64}"
        )
        return [_file(row) for row in await self._ask(sql, below=below_bytes, limit=limit)]

    async def files(self, signal: Signal, paths: Sequence[str]) -> list[ArchiveFile]:
        """What is known of these paths; those that are not known are left out."""
        sql = (
            f"SELECT {_columns()} FROM {self._table} FINAL "
            "WHERE signal = {signal:String} AND path IN {paths:Array(String)} ORDER BY path"
        )
        found = await self._ask(sql, signal=signal.value, paths=array(paths))
        return [_file(row) for row in found]

    async def last_block(self, stream: str) -> LastBlock | None:
        """The stream's newest block, by the name of one of its files; None without one."""
        for row in await self._ask(_LAST_BLOCK, stream=stream):
            first, last = int(row["first_sequence"]), int(row["last_sequence"])
            if token := token_in(row["path"], stream, first=first, last=last):
                return LastBlock(token, int(row["written_ms"]))
        return None

    async def _ask(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        query = {
            "database": self._database,
            "default_format": "JSONEachRow",
            "output_format_json_quote_64bit_integers": "0",
        } | {f"param_{name}": parameter(value) for name, value in parameters.items()}
        text = await self._post(query, sql.encode())
        return [msgspec.json.decode(line) for line in text.splitlines()]

    async def _post(self, query: dict[str, str], body: bytes) -> bytes:
        try:
            return await self._client.post(body, query)
        except RequestFailed as error:
            # Never the block's fault: a manifest of any block is small.
            reason = SinkReason.TIMEOUT if error.timeout else SinkReason.STORE_AWAY
            raise SinkUnavailable(f"the manifest: {error}", reason=reason) from error


def _columns() -> str:
    plain = [
        name
        for name in ArchiveFile.__struct_fields__
        if name not in _TIMES and name not in ("counts", "signal")
    ]
    times = [f"toUnixTimestamp64Milli({name}) AS {name}_ms" for name in _TIMES]
    counts = [
        f"arrayMap(m -> toUnixTimestamp(m), counts.{name}) AS counts_{name}"
        if name == "minute"
        else f"counts.{name} AS counts_{name}"
        for name in _COUNTS
    ]
    return ", ".join([*plain, "signal", *times, *counts])


def _file(row: dict[str, Any]) -> ArchiveFile:
    counts = zip(*(row[f"counts_{name}"] for name in _COUNTS), strict=True)
    fields = {name: row[name] for name in ArchiveFile.__struct_fields__ if name in row}
    return ArchiveFile(
        **fields
        | {name: row[f"{name}_ms"] for name in _TIMES}
        | {
            "signal": Signal(row["signal"]),
            "replaces": tuple(row["replaces"]),
            "counts": tuple(Count(*count) for count in counts),
        }
    )


def _row(file: ArchiveFile) -> dict[str, Any]:
    row: dict[str, Any] = {
        name: getattr(file, name) for name in file.__struct_fields__ if name != "counts"
    }
    row |= {name: _instant(row[name]) for name in _TIMES}
    row |= {f"counts.{name}": [getattr(count, name) for count in file.counts] for name in _COUNTS}
    return row


def _instant(ms: int) -> str:
    moment = _EPOCH + timedelta(milliseconds=max(_FIRST_MS, min(_LAST_MS, ms)))
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03d}"
