"""Parts of an export from the store: a slice of time each, over HTTP straight to a file. Blocks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import clickhouse_connect
from clickhouse_connect.driver.exceptions import Error
from urllib3.exceptions import HTTPError

from api.exports.job import BAD_PATTERN, BEYOND, ExportJob, Failed
from api.exports.slices import Slice, cut, stretch_ms
from api.query.statement import Statement
from seamark.service.clickhouse.client import connect_options
from seamark.service.clickhouse.errors import BAD_PATTERN as BAD_PATTERN_CODE
from seamark.service.clickhouse.errors import ErrorClass, classify, code_in

_PIECE_BYTES: Final = 1024 * 1024
_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 4096
_PARQUET: Final = {
    "output_format_parquet_compression_method": "lz4",
    "output_format_parquet_string_as_string": 1,
    "output_format_parquet_parallel_encoding": 0,
    "date_time_output_format": "iso",
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 1,
    "output_format_json_escape_forward_slashes": 0,
}


class TooLarge(Exception):
    """This slice takes more than one may."""


class StoreParts:
    """The store, read-only. Raises Failed."""

    def __init__(self, job: ExportJob) -> None:
        self._job = job
        self._settings: dict[str, Any] = {
            "readonly": 1,
            "max_memory_usage": job.memory_bytes,
            "max_execution_time": job.slice_seconds,
            "cancel_http_readonly_queries_on_client_close": 1,
        }
        try:
            self._client = clickhouse_connect.get_client(
                **connect_options(job.store),
                database=job.store.database,
                compress=False,
                connect_timeout=5,
                send_receive_timeout=job.slice_seconds + 5,
                form_encode_query_params=True,
            )
        except Error as error:
            raise _away(str(error)) from error

    def ask(self, statement: Statement, **more: int) -> list[list[Any]]:
        """The rows of a small answer."""
        try:
            found = self._client.query(
                statement.sql, parameters={**statement.values, **more}, settings=self._settings
            )
        except Error as error:
            raise _failure(error) from error
        return [list(row) for row in found.result_rows]

    def structure(self, table: str) -> str:
        """Names and types of a table's columns, as the engine wants them."""
        found = self.ask(
            Statement(
                "SELECT name, type FROM system.columns WHERE database = currentDatabase()"
                " AND table = {t:String} ORDER BY position",
                {"t": table},
            )
        )
        return ", ".join(f"`{name}` {kind}" for name, kind in found)

    def slices(self) -> list[Slice]:
        """The range, cut by what is there now."""
        reading = self._job.reading
        since, until = reading.since_ms, reading.until_ms
        width = stretch_ms(since, until)
        counted = self.ask(reading.counts, since=since, until=until, width=width)
        return cut(
            [(int(stretch), int(rows)) for stretch, rows in counted],
            since_ms=since,
            until_ms=until,
            width_ms=width,
            most=self._job.slice_rows,
        )

    def fetch(self, wanted: Slice, most: int, part: Path) -> None:
        """Rows of a slice, at most so many, into a file. Raises TooLarge, Failed, OSError."""
        statement = self._job.reading.rows
        values: Mapping[str, Any] = {
            **statement.values, "since": wanted.since_ms, "until": wanted.until_ms, "most": most,
        }  # fmt: skip
        try:
            with part.open("wb") as target:
                for piece in self._pieces(statement.sql, values):
                    target.write(piece)
        except Error as error:
            raise _of_slice(_failure(error)) from error
        except HTTPError as error:
            raise _away(str(error)) from error
        _check(part)

    def _pieces(self, sql: str, values: Mapping[str, Any]) -> Iterator[bytes]:
        stream: Any = self._client.raw_stream(
            sql, parameters=dict(values), settings=self._settings | _PARQUET, fmt="Parquet"
        )
        try:
            while piece := stream.read(_PIECE_BYTES):
                yield piece
        finally:
            stream.close()

    def close(self) -> None:
        """Close the connection."""
        self._client.close()


def _check(part: Path) -> None:
    """A failure after the first bytes were sent comes as text behind them, or as nothing."""
    with part.open("rb") as opened:
        opened.seek(max(0, part.stat().st_size - _TAIL_BYTES))
        tail = opened.read()
    if tail.endswith(_MAGIC):
        return
    code = code_in(tail.decode(errors="replace"))
    raise _of_slice(_failure_of(code or None, "its answer broke off"))


def _of_slice(failure: Failed) -> Failed | TooLarge:
    return TooLarge(failure.message) if failure.reason == "too_much" else failure


def _failure(error: Error) -> Failed:
    return _failure_of(error.code, str(error)[:500])


def _failure_of(code: int | None, text: str) -> Failed:
    kind = classify(code)
    if kind is ErrorClass.TOO_MUCH:
        return Failed("too_much", BEYOND)
    if code == BAD_PATTERN_CODE:
        return Failed("invalid_filter", BAD_PATTERN)
    if kind is ErrorClass.AWAY:
        return _away(text)
    return Failed("internal", text)


def _away(text: str) -> Failed:
    return Failed("unavailable", f"The store does not answer: {text}"[:500])
