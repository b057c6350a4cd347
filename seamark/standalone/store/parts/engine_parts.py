"""What the engine says of its parts, and putting one aside. Blocks; any call raises StoreError."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from seamark.service.clickhouse.errors import AWAY, TOO_LONG, TOO_MUCH
from seamark.service.clickhouse.quoting import identifier, literal
from seamark.standalone.store.engine import StoreEngine
from seamark.standalone.store.parts.inventory import Days, LostPart, PartRecord

DATABASE: Final = "seamark"
TABLE: Final = "damaged_parts"
_SQL: Final = files("seamark.standalone.store.parts")
_ACTIVE: Final = (_SQL / "active.sql").read_text("utf-8")
_ROWS: Final = (_SQL / "rows.sql").read_text("utf-8")
_TIMES: Final[Mapping[str, int]] = {
    "time": 0,
    "slot": 900,
    "minute": 60,
    "hour": 3600,
    "received_at": 0,
}
"""Columns that say when a row is of, the first that a table has; and how long its bucket is."""
_BUCKETS: Final[Mapping[str, int]] = {"_1m": 60, "_1h": 3600, "_1d": 86400}
_CODE: Final = re.compile(r"Code: (\d+)")
_PASSING: Final = (frozenset(TOO_MUCH) | frozenset(TOO_LONG) | frozenset(AWAY)) - {1001}
"""What a check says of memory, time and load, and not of the part. A part whose files are gone, cut
short or changed is anything: a flipped bit may be read as a length, a type, a codec."""


class EngineParts:
    """The parts of the database `seamark`."""

    def __init__(self, engine: StoreEngine) -> None:
        self._engine = engine
        self._times: dict[str, tuple[str, int]] = {}

    def active(self, known: Mapping[tuple[str, str], PartRecord]) -> dict[PartRecord, str]:
        """Every active part and its folder; the times of its rows as known, or read."""
        rows = self._rows(_ACTIVE, {"database": DATABASE})
        new: dict[str, list[str]] = {}
        for row in rows:
            if (row["table"], row["name"]) not in known:
                new.setdefault(row["table"], []).append(row["name"])
        times = {
            (table, name): found
            for table, names in new.items()
            for name, found in self._times_of(table, names).items()
        }
        parts: dict[PartRecord, str] = {}
        for row in rows:
            key = row["table"], row["name"]
            before = known.get(key)
            first, last = (before.first, before.last) if before else times.get(key, (0, 0))
            folder = row.pop("path")
            parts[PartRecord(**row, first=first, last=last)] = folder
        return parts

    def _times_of(self, table: str, names: Sequence[str]) -> dict[str, tuple[int, int]]:
        """First and last time of the rows of each part; nothing where it cannot be told."""
        column, bucket = self._time_of(table)
        if not column:
            return {}
        instant = f"toUnixTimestamp64Milli(toDateTime64({{}}({identifier(column)}), 3, 'UTC'))"
        try:
            rows = self._rows(
                f"SELECT _part AS part, intDiv({instant.format('min')}, 1000) AS first,"
                f" intDiv({instant.format('max')}, 1000) AS last"
                f" FROM {DATABASE}.{identifier(table)}"
                f" WHERE _part IN ({', '.join(map(literal, names))}) GROUP BY part",
                {},
            )
        except Exception:  # one of them cannot be read: the check that follows finds out which
            return {}
        return {row["part"]: (row["first"], row["last"] + bucket) for row in rows}

    def _time_of(self, table: str) -> tuple[str, int]:
        if table not in self._times:
            rows = self._rows(
                "SELECT name FROM system.columns WHERE database = {database:String}"
                " AND table = {table:String}",
                {"database": DATABASE, "table": table},
            )
            names = {row["name"] for row in rows}
            column = next((name for name in _TIMES if name in names), "")
            bucket = _BUCKETS.get(table[-3:], _TIMES.get(column, 0))
            self._times[table] = column, bucket
        return self._times[table]

    def damage(self, part: PartRecord) -> str:
        """What is wrong with a part's files; "" where nothing is, or it is no longer there."""
        rows = self._rows(
            f"CHECK TABLE {DATABASE}.{identifier(part.table)} PART {literal(part.name)}"
            " SETTINGS check_query_single_value_result = 0",
            {},
        )
        said = next((row["message"] for row in rows if not row["is_passed"]), "")
        found = _CODE.search(said)
        if not said or (found and int(found[1]) in _PASSING) or not self._is_active(part):
            return ""
        return str(said)[:300]

    def _is_active(self, part: PartRecord) -> bool:
        return bool(
            self._rows(
                "SELECT 1 AS found FROM system.parts WHERE database = {database:String}"
                " AND table = {table:String} AND name = {name:String} AND active",
                {"database": DATABASE, "table": part.table, "name": part.name},
            )
        )

    def write_failed(self) -> bool:
        """Whether the disk failed a write since the engine was opened.

        A part that it left unfinished is not to be put aside: opened anew, the engine goes back to
        the parts that were merged into it.
        """
        return self._engine.failed_writes() > 0

    def put_aside(self, part: PartRecord) -> None:
        """Take a part out of its table; its files stay in the folder `detached`."""
        self._run(
            f"ALTER TABLE {DATABASE}.{identifier(part.table)} DETACH PART {literal(part.name)}"
        )

    def differences(self) -> Days:
        """By raw table and day of receipt: rows that the ledger counts and that are not there."""
        rows = self._rows(_ROWS, {"database": DATABASE})
        return {(row["table"], row["partition"]): row["missing"] for row in rows if row["missing"]}

    def repaired(self, lost: Iterable[LostPart]) -> set[tuple[str, str, str, int]]:
        """Keys of those that were repaired; those that the table does not have are put into it.

        Nothing where there is no such table yet.
        """
        if not self._rows(
            "SELECT 1 AS found FROM system.tables WHERE database = {database:String}"
            " AND name = {table:String}",
            {"database": DATABASE, "table": TABLE},
        ):
            return set()
        rows = self._rows(
            "SELECT table, partition, part, toUnixTimestamp64Milli(since) AS since,"
            f" toUnixTimestamp64Milli(repaired_at) AS repaired FROM {DATABASE}.{TABLE} FINAL",
            {},
        )
        told = {
            (row["table"], row["partition"], row["part"], row["since"]): row["repaired"]
            for row in rows
        }
        self._tell([one for one in lost if one.key not in told])
        return {key for key, at in told.items() if at}

    def _tell(self, lost: Sequence[LostPart]) -> None:
        for one in lost:
            columns = {
                "table": literal(one.table),
                "partition": literal(one.partition),
                "part": literal(one.part),
                "what": literal(one.what),
                "detail": literal(one.detail),
                "rows": str(one.rows),
                "first": _instant(one.first * 1000),
                "last": _instant(one.last * 1000),
                "since": _instant(one.since_ms),
                "version": "1",
            }
            self._run(
                f"INSERT INTO {DATABASE}.{TABLE} ({', '.join(columns)})"
                f" SELECT {', '.join(columns.values())}"
            )

    def gone(self, one: LostPart) -> None:
        """A difference of counts that is no more: the store says so itself."""
        self._run(
            f"INSERT INTO {DATABASE}.{TABLE} SELECT * REPLACE (now64(3, 'UTC') AS repaired_at,"
            f" version + 1 AS version) FROM {DATABASE}.{TABLE} FINAL"
            f" WHERE table = {literal(one.table)}"
            f" AND partition = {literal(one.partition)} AND part = {literal(one.part)}"
            f" AND since = {_instant(one.since_ms)}"
        )

    def _rows(self, sql: str, params: Mapping[str, str]) -> list[dict[str, Any]]:
        handle = self._engine.handle()
        try:
            handle.set({"output_format_json_quote_64bit_integers": "0"})
            data = handle.run(sql, "JSONEachRow", params).data
        finally:
            handle.close()
        return [json.loads(line) for line in data.splitlines()]

    def _run(self, sql: str) -> None:
        handle = self._engine.handle()
        try:
            handle.run(sql)
        finally:
            handle.close()


def _instant(ms: int) -> str:
    return f"fromUnixTimestamp64Milli(toInt64({ms}), 'UTC')"
