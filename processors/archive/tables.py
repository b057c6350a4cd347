"""The tables a block goes through on its way to a file, made by the migrations themselves.

Of what the migrations make only the input tables are kept, and the views that fill a raw table or
the ledger from them; these are made again over tables in memory, which hold one block. The views
that count `stored` and `archived` are left out: a store that is rebuilt from the files will have
those run again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from processors.archive.connection import EngineConnection
from provisioning.clickhouse.migrate import migrate
from provisioning.clickhouse.variant import Variant
from seamark.wire.signals import Signal, input_table

RAW_TABLE: Final[Mapping[Signal, str]] = {
    Signal.EVENTS: "events",
    Signal.TRACES: "spans",
    Signal.METRICS: "metric_points",
    Signal.LOGS: "logs",
}
LEDGER: Final = "ledger"
_TARGET: Final = re.compile(r"\sTO\s+(?:`?\w+`?\.)?`?(\w+)`?")
Columns = Sequence[tuple[str, str]]
"""Names and types, in order."""


def prepare(connection: EngineConnection, *, source: str, block: str) -> Mapping[str, Columns]:
    """Make the databases: `source` with the input tables, `block` with raw tables and ledger.

    Returns the columns of the tables in `block`. Takes seconds. Raises EngineFailed.
    """
    migrate(_SchemaStore(connection), variant=Variant.EMBEDDED, database=source)
    views = connection.rows(
        "SELECT name, create_table_query, as_select FROM system.tables "
        f"WHERE database = '{source}' AND engine = 'MaterializedView'"
    )
    inputs = [input_table(signal) for signal in Signal]
    targets = sorted({*RAW_TABLE.values(), LEDGER})
    connection.command(f"CREATE DATABASE {block} ENGINE = Atomic")
    for table in targets:
        connection.command(f"CREATE TABLE {block}.{table} AS {source}.{table} ENGINE = Memory")
    for name, _, _ in views:
        connection.command(f"DROP VIEW {source}.{name} SYNC")
    for name, create, select in views:
        found = _TARGET.search(str(create))
        target = found[1] if found else ""
        if target in targets and any(_reads(str(select), source, table) for table in inputs):
            connection.command(
                f"CREATE MATERIALIZED VIEW {block}.{name} TO {block}.{target} AS {select}"
            )
    tables = connection.rows(f"SELECT name FROM system.tables WHERE database = '{source}'")
    for (name,) in tables:
        if name not in inputs:
            connection.command(f"DROP TABLE {source}.{name} SYNC")
    return {table: _columns(connection, block, table) for table in targets}


def aggregate(name: str, kind: str) -> str:
    """How a column of the ledger, as `l`, is summed up over one key."""
    found = re.match(r"SimpleAggregateFunction\((\w+),", kind)
    return f"{found[1]}(l.{name}) AS {name}" if found else f"l.{name} AS {name}"


def _columns(connection: EngineConnection, database: str, table: str) -> Columns:
    found = connection.rows(
        f"SELECT name, type FROM system.columns WHERE database = '{database}' "
        f"AND table = '{table}' ORDER BY position"
    )
    return [(str(name), str(kind)) for name, kind in found]


def _reads(select: str, database: str, table: str) -> bool:
    return re.search(rf"\bFROM\s+`?{database}`?\.`?{table}`?(?!\w)", select) is not None


class _SchemaStore:
    """The engine as the runner of migrations sees a store."""

    def __init__(self, connection: EngineConnection) -> None:
        self._connection = connection

    def command(self, sql: str) -> object:
        """Run a statement that answers nothing."""
        self._connection.command(sql)
        return None

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Run a query and return its rows."""
        return self._connection.rows(sql)
