"""When rows were last stored late: read once for all who ask at one time, per range and scope."""

import asyncio
from typing import TypeVar

import msgspec
import pytest

from api.late_rows import SETTLE_MS, LateRows
from api.query.statement import Statement
from api.query.timerange import TimeRange
from api.reasons import QuestionReason
from api.store import Rows
from seamark.wire.failures import Unavailable

R = TypeVar("R")
NOW = 1_795_343_040_123
RANGE = TimeRange(NOW - 7_200_000, NOW - 3_600_000)


class LateStore:
    """A store in which rows were stored late at `stored_ms`."""

    def __init__(self) -> None:
        self.stored_ms = 0
        self.asked: list[Statement] = []
        self.away = False

    async def ask(self, statement: Statement, row: type[R]) -> Rows[R]:
        self.asked.append(statement)
        await asyncio.sleep(0)
        if self.away:
            raise Unavailable("away", reason=QuestionReason.UNAVAILABLE)
        found = [[self.stored_ms, NOW]]
        return Rows(msgspec.convert(found, list[row]), 1, 1)  # type: ignore[valid-type]


async def test_a_reading_is_shared_for_its_seconds_by_equal_ranges() -> None:
    store, now = LateStore(), [0.0]
    late = LateRows(store, shared_seconds=1.0, clock=lambda: now[0])

    async def read(app: str = "") -> int | None:
        return await late.last_stored_ms(RANGE, ["events"], org="acme", app=app)

    assert await asyncio.gather(*(read() for _ in range(5))) == [0] * 5
    assert len(store.asked) == 1
    await read("shop")
    assert len(store.asked) == 2
    now[0] = 1.5
    store.stored_ms = NOW - SETTLE_MS
    assert await read() == NOW - SETTLE_MS
    assert len(store.asked) == 3


async def test_rows_stored_just_now_may_not_all_be_seen() -> None:
    store = LateStore()
    store.stored_ms = NOW - SETTLE_MS + 1
    late = LateRows(store, shared_seconds=0.0)
    assert await late.last_stored_ms(RANGE, [], org="acme", app="") is None


async def test_a_failed_reading_is_not_shared() -> None:
    store = LateStore()
    store.away = True
    late = LateRows(store, shared_seconds=60.0)
    with pytest.raises(Unavailable):
        await late.last_stored_ms(RANGE, [], org="acme", app="")
    store.away = False
    assert await late.last_stored_ms(RANGE, [], org="acme", app="") == 0


async def test_only_its_scope_signals_and_hours_are_read() -> None:
    store = LateStore()
    late = LateRows(store, shared_seconds=0.0)
    await late.last_stored_ms(RANGE, ["metrics", "events"], org="acme", app="shop")
    sql, values = store.asked[0].sql, store.asked[0].values.values()
    assert "org = {p0:String} AND app = {p1:String}" in sql
    assert "signal IN ({p4:String}, {p5:String})" in sql
    assert {"acme", "shop", "events", "metrics"} <= set(values)
