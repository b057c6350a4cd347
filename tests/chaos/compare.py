"""The store, the archive and the ledger held against the oracle once everything has drained.

Each comparison returns differences as text. What an arena does not have is left out, and the
report says so.
"""

import asyncio
import math
import uuid
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import pyarrow.parquet

from seamark.wire.signals import Signal
from tests.chaos.arena import Arena
from tests.chaos.oracle import ITEM, REQUEST, Asked, Found, Kind, Oracle, differences

RAW = {
    Signal.EVENTS: ("events", "ifNull(value, 0)"),
    Signal.TRACES: ("spans", "duration_ns"),
    Signal.METRICS: ("metric_points", "ifNull(value, 0)"),
    Signal.LOGS: ("logs", "toFloat64OrZero(body)"),
}
"""Raw table of each signal, and the value that the oracle adds up."""
_ROLLUPS = (
    ("events", "name", "ifNull(value, 0)", "events_1{}", "value_sum", "mhd"),
    ("spans", "service", "duration_ns", "spans_1{}", "duration_sum", "mh"),
    ("metric_points", "name", "ifNull(value, 0)", "metrics_1{}", "sum", "mh"),
)
_MADE_OF_RAW = {
    "errors": (
        "SELECT * FROM (SELECT 'event' AS source, count() AS rows FROM seamark.events"
        " WHERE name IN ('exception', 'error') OR mapContains(attrs, 'exception.type')"
        " UNION ALL SELECT 'span', sum(arrayCount(n -> n = 'exception', events.name))"
        " FROM seamark.spans UNION ALL SELECT 'log', count() FROM seamark.logs"
        " WHERE mapContains(attrs, 'exception.type')) WHERE rows > 0 ORDER BY source",
        "SELECT source, count() FROM seamark.errors GROUP BY source ORDER BY source",
    ),
    "visits_15m": (
        "SELECT app, toUnixTimestamp(toStartOfFifteenMinutes(time)) AS slot,"
        " uniqExact(if(session_id != '', concat('s', session_id), concat('u', user_id))),"
        " countIf(name = 'page_view'), count() FROM seamark.events"
        " WHERE session_id != '' OR user_id != '' GROUP BY app, slot ORDER BY app, slot",
        "SELECT app, toUnixTimestamp(slot), uniqExact(key), sum(views), sum(events)"
        " FROM seamark.visits_15m GROUP BY app, slot ORDER BY app, slot",
    ),
}
"""Table that views make of raw rows: what it has to hold, and what it holds; rows are last."""
SHOWN = 20
"""At most so many differences of one comparison are written out."""


@dataclass(slots=True)
class Comparison:
    """What was compared: counts by table, differences, and what could not be compared."""

    counts: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def add(self, lines: list[str]) -> None:
        """Keep the first of `lines`, and say how many more there are."""
        self.differences += lines[:SHOWN]
        if len(lines) > SHOWN:
            self.differences.append(f"... and {len(lines) - SHOWN} more like that")


class Tables:
    """Questions to the store."""

    def __init__(self, session: aiohttp.ClientSession, arena: Arena) -> None:
        self._session = session
        self._store = arena.store

    async def ask(self, sql: str) -> list[list[str]]:
        """The rows of a query, as text."""
        headers = {"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": self._store.password}
        async with self._session.post(self._store.url, data=sql, headers=headers) as answer:
            text = await answer.text()
            assert answer.status == 200, f"{sql}\n{text}"
            return [line.split("\t") for line in text.splitlines()]


@asynccontextmanager
async def asking(arena: Arena) -> AsyncIterator[Tables]:
    """A connection to the arena's store."""
    timeout = aiohttp.ClientTimeout(total=120)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield Tables(session, arena)


async def compare(arena: Arena, oracle: Oracle) -> Comparison:
    """Hold everything that is stored against what was accepted, and against one another."""
    result = Comparison()
    result.add(oracle.surprises)
    async with asking(arena) as tables:
        await _raw(tables, oracle, result)
        await _oracle_in_ledger(tables, oracle, result)
        await _receipts(tables, oracle, result)
        await _dead_letters(tables, oracle, result)
        await books(tables, arena, result)
    return result


async def books(tables: Tables, arena: Arena, result: Comparison) -> None:
    """Rollups, ledger and archive compared with the raw rows of all senders."""
    await _rollups(tables, result)
    await _made_of_raw(tables, result)
    await _ledger(tables, result)
    if arena.has_archive():
        await _archive(tables, arena, result)
    else:
        result.left_out.append("archive")


async def _raw(tables: Tables, oracle: Oracle, result: Comparison) -> None:
    found: dict[str, list[Found]] = defaultdict(list)
    for table, value in RAW.values():
        rows = await tables.ask(
            f"SELECT attrs['{REQUEST}'], toString(receipt), count(), uniqExact(attrs['{ITEM}']),"
            f" sum({value}) FROM seamark.{table} GROUP BY 1, 2"
        )
        result.counts[table] = sum(int(row[2]) for row in rows)
        for request, receipt, count, distinct, total in rows:
            found[request].append(Found(receipt, int(count), int(distinct), float(total)))
    result.add(differences(oracle, found))
    # By receipt the numbers of events with ids can agree though one is lost and another doubled.
    rows = await tables.ask(
        f"SELECT attrs['{REQUEST}'] AS r, count(), uniqExact(attrs['{ITEM}'])"
        f" FROM seamark.events WHERE startsWith(r, '{Kind.OWN_IDS}-') GROUP BY r"
        " HAVING count() != uniqExact(attrs['" + ITEM + "'])"
    )
    result.add([f"{request}: {rows} events, {ids} different ids" for request, rows, ids in rows])


async def _rollups(tables: Tables, result: Comparison) -> None:
    """Every rollup agrees with the raw rows, by name (or service) and over all time."""
    for raw, by, value, pattern, total, sizes in _ROLLUPS:
        expected = await tables.ask(
            f"SELECT {by}, count(), sum({value}) FROM seamark.{raw} GROUP BY 1 ORDER BY 1"
        )
        for size in sizes:
            table = pattern.format(size)
            found = await tables.ask(
                f"SELECT {by}, sum(rows), sum({total}) FROM seamark.{table} GROUP BY 1 ORDER BY 1"
            )
            result.counts[table] = sum(int(row[1]) for row in found)
            if not _same(expected, found):
                result.add([f"{table}: {found}, {raw}: {expected}"])


def _same(expected: list[list[str]], found: list[list[str]]) -> bool:
    """The same names and counts; sums of fractions may differ by the order they were added in."""
    if [row[:2] for row in expected] != [row[:2] for row in found]:
        return False
    sums = zip(expected, found, strict=True)
    return all(math.isclose(float(a[2]), float(b[2]), rel_tol=1e-9) for a, b in sums)


async def _made_of_raw(tables: Tables, result: Comparison) -> None:
    """The tables of errors and visits hold of each row what their views are to make of it."""
    for table, (raw, made) in _MADE_OF_RAW.items():
        expected, found = await tables.ask(raw), await tables.ask(made)
        result.counts[table] = sum(int(row[-1]) for row in found)
        if expected != found:
            result.add([f"{table}: {found}, of raw rows: {expected}"])


async def _ledger(tables: Tables, result: Comparison) -> None:
    """The laws of the ledger, for every org, app, signal, minute and key."""
    laws = (
        "offered = accepted + arraySum(mapValues(rejected)) + sampled + limited",
        "accepted = stored + duplicate + dead_lettered",
        "archived = stored",
    )
    columns = (
        *("offered", "accepted", "sampled", "limited"),
        *("stored", "duplicate", "dead_lettered", "archived"),
    )
    sums = ", ".join(f"sum(l.{name}) AS {name}" for name in columns)
    for law in laws:
        rows = await tables.ask(
            "SELECT *  FROM (SELECT org, app, signal, minute, key_id,"
            f" sumMap(l.rejected) AS rejected, {sums}"
            " FROM seamark.ledger AS l GROUP BY org, app, signal, minute, key_id)"
            f" WHERE NOT ({law}) ORDER BY minute"
        )
        names = ("org", "app", "signal", "minute", "key", "rejected", *columns)
        result.add([f"ledger: not {law}: {dict(zip(names, row, strict=True))}" for row in rows])


async def _oracle_in_ledger(tables: Tables, oracle: Oracle, result: Comparison) -> None:
    """The ledger has at least what the oracle knows: every accepted and every rejected item."""
    rows = await tables.ask(
        "SELECT signal, sum(accepted), arraySum(mapValues(sumMap(rejected)))"
        " FROM seamark.ledger GROUP BY signal"
    )
    written = {signal: (int(accepted), int(rejected)) for signal, accepted, rejected in rows}
    least: Counter[str] = Counter()
    rejected = 0
    for asked in oracle.asked.values():
        if asked.accepted:
            least[asked.kind.signal] += asked.items
            rejected += asked.bad
    for signal, items in least.items():
        result.counts[f"ledger {signal}"] = written.get(signal, (0, 0))[0]
        if written.get(signal, (0, 0))[0] < items:
            result.add([f"ledger: {signal} accepted {written.get(signal)}, the clients {items}"])
    if written.get(Signal.EVENTS, (0, 0))[1] < rejected:
        result.add([f"ledger: rejected {written.get(Signal.EVENTS)}, the clients {rejected}"])


async def _receipts(tables: Tables, oracle: Oracle, result: Comparison) -> None:
    """Every answered receipt can be looked up."""
    rows = await tables.ask("SELECT DISTINCT toString(receipt) FROM seamark.receipts")
    known = {row[0] for row in rows}
    result.counts["receipts"] = len(known)
    result.add(
        [
            f"{asked.name}: receipt {receipt} is not among the receipts"
            for asked in oracle.asked.values()
            for receipt in asked.receipts - known
        ]
    )


async def _dead_letters(tables: Tables, oracle: Oracle, result: Comparison) -> None:
    """What was rejected is kept as dead letters, once each, up to the limit."""
    rows = await tables.ask(
        "SELECT toString(receipt), count(), uniqExact(index) FROM seamark.dead_letters"
        " WHERE signal = 'events' AND reason != 'refused_by_store' GROUP BY 1"
    )
    kept = {receipt: (int(count), int(distinct)) for receipt, count, distinct in rows}
    result.counts["dead letters"] = sum(count for count, _ in kept.values())
    lines = []
    for asked in _with_bad_events(oracle):
        (receipt,) = asked.receipts
        count, distinct = kept.pop(receipt, (0, 0))
        if count != distinct or count > asked.bad:
            lines.append(f"{asked.name}: {asked.bad} rejected, dead_letters {count}, of {distinct}")
        result.counts["rejected"] = result.counts.get("rejected", 0) + asked.bad
    lines += [
        f"receipt {receipt}: dead_letters {count} of nobody" for receipt, count in kept.items()
    ]
    counted = await tables.ask(
        "SELECT sum(dead_letters) FROM seamark.ledger WHERE signal = 'events'"
    )
    result.counts["dead_letters in the ledger"] = int(counted[0][0])
    result.add(lines)


def _with_bad_events(oracle: Oracle) -> list[Asked]:
    return [asked for asked in oracle.asked.values() if asked.bad and asked.accepted]


async def _archive(tables: Tables, arena: Arena, result: Comparison) -> None:
    """Rows in the live files of the archive are the raw rows, by signal and receipt."""
    rows = await tables.ask(
        "SELECT signal, path, sum(rows) FROM (SELECT signal, path, rows, state"
        " FROM seamark.archive_files FINAL) WHERE state = 'live' GROUP BY 1, 2"
    )
    archived: dict[str, Counter[str]] = defaultdict(Counter)
    lines = []
    for signal, path, count in rows:
        file = arena.archive / path
        if not file.exists():
            lines.append(f"archive: {path} is live and does not exist")
            continue
        receipts = await asyncio.to_thread(_receipts_of, str(file))
        archived[signal].update(receipts)
        if receipts.total() != int(count):
            lines.append(f"archive: {path} holds {receipts.total()} rows, its manifest {count}")
    for signal, (table, _) in RAW.items():
        found = await tables.ask(
            f"SELECT toString(receipt), count() FROM seamark.{table} GROUP BY 1"
        )
        raw = Counter({receipt: int(count) for receipt, count in found})
        result.counts[f"archived {signal}"] = archived[signal].total()
        lines += [
            f"archive: {signal} receipt {receipt}: {archived[signal][receipt]} rows,"
            f" raw {raw[receipt]}"
            for receipt in sorted(raw.keys() | archived[signal].keys())
            if raw[receipt] != archived[signal][receipt]
        ]
    result.add(lines)


def _receipts_of(path: str) -> Counter[str]:
    column = pyarrow.parquet.read_table(path, columns=["receipt"], partitioning=None)["receipt"]
    return Counter(
        str(uuid.UUID(bytes=value)) if isinstance(value, bytes) else str(value)
        for value in column.to_pylist()
    )
