"""One connection to the engine, its errors in the words of a sink. Every call blocks."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from processors.blocks.reasons import OF_CLASS, SinkReason
from seamark.service.clickhouse.embedded import Connect, engine_at
from seamark.service.clickhouse.errors import classify, code_in
from seamark.service.clickhouse.quoting import literal
from seamark.service.nameless import nameless_file


class EngineFailed(Exception):
    """The engine said no. `code` is ClickHouse's, 0 for none."""

    def __init__(self, message: str) -> None:
        super().__init__(message[:500])
        self.code = code_in(message)

    @property
    def reason(self) -> SinkReason:
        """Why a block was not made: the engine's state, or the block."""
        found = OF_CLASS[classify(self.code)]
        return SinkReason.ENGINE if found.away else found


class EngineConnection:
    """For one call at a time. Raises EngineFailed throughout."""

    def __init__(self, connect: Connect) -> None:
        self._handle = connect()

    def command(self, sql: str) -> None:
        """Run a statement that answers nothing."""
        self.query(sql, "TabSeparated")

    def rows(self, sql: str) -> list[list[Any]]:
        """Rows of a query, as JSON has them."""
        return [
            msgspec.json.decode(line) for line in self.query(sql, "JSONCompactEachRow").splitlines()
        ]

    def query(self, sql: str, form: str, params: Mapping[str, str] | None = None) -> bytes:
        """A whole result in one of the engine's formats; `{name:Type}` is filled from `params`."""
        try:
            data: bytes = self._handle.query(sql, form, params=dict(params or {})).bytes()
        except Exception as error:
            raise EngineFailed(str(error)) from None
        return data or b""

    def insert(self, sql: str, form: str, pieces: Iterator[bytes]) -> None:
        """Insert formatted data, however it is cut. What `pieces` raises comes out as it is.

        Not by chdb's `send_insert`, which ends well whatever a table says of the last block.
        """
        with nameless_file(pieces) as path:
            self.command(f"{sql} FROM INFILE {literal(path)} COMPRESSION 'none' FORMAT {form}")

    def close(self) -> None:
        """Give it back. Nothing may run on it."""
        self._handle.close()


def connect_in(folder: Path) -> Connect:
    """As `engine_at`, of a folder that no other process has. `Connect` raises EngineFailed."""
    opened = engine_at(str(folder))

    def connect() -> Any:
        try:
            return opened()
        except Exception as error:
            raise EngineFailed(str(error)) from None

    return connect
