"""The store's engine: connections, statements, results.

One engine per process, opened once and closed once (each cycle costs about 1 MB), never forked
after. Every request gets a handle of its own, which costs 0.15 ms and saves undoing what was SET on
it: a handle on which `readonly` was set cannot be used for anything else. All calls block, and
release the GIL while the engine works; none belongs on the event loop.
"""

import os
from collections.abc import Generator, Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from seamark.service.clickhouse.embedded import Connect, engine_at
from seamark.service.clickhouse.quoting import literal
from seamark.service.nameless import nameless_file
from seamark.standalone.store.failures import StoreError, engine_error
from seamark.standalone.store.folder import StoreFolder

_FAILED_WRITES: Final = (
    "SELECT sum(value) FROM system.events WHERE event = 'WriteBufferFromFileDescriptorWriteFailed'"
)
LIKE_A_SERVER: Final = {"implicit_select": "0", "allow_introspection_functions": "0"}
"""Settings in which chdb's defaults differ from a server's."""


class Handle:
    """One connection to the engine, for one call at a time. Raises StoreError throughout."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def set(self, settings: Mapping[str, str]) -> None:
        """Change settings for this handle; `readonly` last, because it ends all changing."""
        ordinary = {k: v for k, v in settings.items() if k != "readonly"}
        for group in (ordinary, {k: v for k, v in settings.items() if k == "readonly"}):
            if group:
                pairs = ", ".join(f"{name}={literal(value)}" for name, value in group.items())
                self.run(f"SET {pairs}")

    def run(
        self, sql: str, output: str = "TabSeparated", params: Mapping[str, str] | None = None
    ) -> "EngineResult":
        """Carry out a statement and hold its whole result."""
        try:
            return EngineResult(self._connection.query(sql, output, params=dict(params or {})))
        except Exception as error:
            raise _failure(error) from None

    def stream(
        self, sql: str, output: str, params: Mapping[str, str]
    ) -> Generator[bytes, None, None]:
        """The result of a SELECT in pieces, each formatted by itself. Closing it cancels."""
        try:
            with self._connection.send_query(sql, output, params=dict(params)) as pieces:
                for piece in pieces:
                    yield piece.bytes()
        except Exception as error:
            raise _failure(error) from None

    def insert(
        self, sql: str, form: str, pieces: Iterable[bytes], *, settings: str = ""
    ) -> tuple[int, int]:
        """Insert formatted data; `sql` ends before SETTINGS and FORMAT. Rows and bytes written.

        How the data is cut into pieces changes nothing; when `pieces` raises, nothing is inserted.
        When the engine raises, parts that are already complete stay: only the same token again
        makes it whole. Not by chdb's `send_insert`, which ends well whatever a table or a view says
        of the last block: a full disk, too many parts, a violated constraint.
        """
        try:
            with nameless_file(pieces) as path:
                done = EngineResult(
                    self._connection.query(
                        f"{sql}\nFROM INFILE {literal(path)} COMPRESSION 'none'\n"
                        f"{settings}\nFORMAT {form}"
                    )
                )
        except Exception as error:
            raise _failure(error) from None
        return done.rows_written, done.bytes_written

    def classify(self, sql: str) -> tuple[str, int]:
        """What a text would do (READ_ONLY, MUTATING, CONTROL, UNKNOWN, …), how many statements."""
        found = self._connection._conn.classify_query(sql)
        return found["query_class"].name, int(found["statement_count"])

    def close(self) -> None:
        """Give the handle back to the engine, with its temporary tables."""
        self._connection.close()


class EngineResult:
    """A whole result."""

    def __init__(self, result: Any) -> None:
        self.data: bytes = result.bytes() or b""
        self.rows_read: int = result.storage_rows_read()
        self.bytes_read: int = result.storage_bytes_read()
        self.result_rows: int = result.rows_read()
        self.rows_written: int = result.rows_written()
        self.bytes_written: int = result.bytes_written()


class StoreEngine:
    """The opened engine."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._root = Handle(connect())
        row = self._root.run("SELECT version(), timezone()").data.decode().rstrip("\n")
        self.version, _, self.timezone = row.partition("\t")

    def handle(self) -> Handle:
        """A new handle, with chdb's defaults."""
        return Handle(self._connect())

    def kill(self, tag: str) -> None:
        """Cancel what runs with `tag` at the end of its log_comment; nothing if nothing does."""
        condition = f"endsWith(Settings['log_comment'], {literal(tag)})" if tag else "1"
        handle = self.handle()
        try:
            handle.run(f"KILL QUERY WHERE {condition} ASYNC")
        finally:
            handle.close()

    def failed_writes(self) -> int:
        """How many writes to files have failed since the engine was opened.

        chdb says nothing of them: an insert or a merge whose files the disk did not take ends well,
        and leaves a part with files that are empty or cut short.
        """
        return int(self._ask(_FAILED_WRITES))

    def broken_parts(self) -> int:
        """How many parts were put aside because they were broken when the engine opened them.

        All tables are loaded when this returns.
        """
        return int(
            self._ask(
                "SELECT count() FROM system.detached_parts WHERE startsWith(reason, 'broken')"
            )
        )

    def _ask(self, sql: str) -> str:
        handle = self.handle()
        try:
            return handle.run(sql).data.decode().rstrip("\n")
        finally:
            handle.close()

    def close(self) -> None:
        """Close the engine. All other handles must be closed, and no query may run."""
        self._root.close()


def open_engine(folder: StoreFolder) -> StoreEngine:
    """Import chdb and open the folder, which this process holds and has repaired.

    Changes the working directory to the schemas' folder, which is where the engine looks up
    `format_schema`, and which keeps its file names away from everything else. Takes about a
    second, longer with many parts. Raises StoreError.
    """
    connect = engine_at(f"{folder.engine}?config-file={quote(str(folder.config))}")
    os.chdir(folder.schemas)
    try:
        return StoreEngine(connect)
    except Exception as error:
        raise _failure(error) from None


def _failure(error: Exception) -> StoreError:
    return error if isinstance(error, StoreError) else engine_error(str(error))
