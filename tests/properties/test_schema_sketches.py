"""The sketch of the rollups: 1 % at any magnitude, any level, however states are merged."""

import math
import random

import pytest

from api.query.sketches import distinct
from seamark.wire.signals import Signal
from tests.support.schema_store import EngineStore, events_envelope

pytestmark = pytest.mark.integration


def quantile(store: EngineStore, expression: str) -> float:
    return float(store.text(f"SELECT quantileDD(0.01, 0.5)(toFloat64({expression}))"))


def test_the_engine_still_needs_the_shift_below_one() -> None:
    store = EngineStore()
    for value in (0.97, 0.5, 1e-3, 1e-9, -0.97):
        assert quantile(store, repr(value)) / value - 1 > 0.0099
        assert quantile(store, f"{value!r} * 0.99 / 1.01") == pytest.approx(value, rel=0.0101)


def test_values_of_any_size_are_within_one_percent() -> None:
    store = EngineStore().migrated()
    rng = random.Random(3)
    values = [math.exp(rng.uniform(-25, 34)) * rng.choice([1, -1]) for _ in range(900)]
    values += [0.0, 1.0, -1.0, 0.9999999, 0.99, 0.981, 1.0000001, 1.01, 1e15, -1e15]
    store.insert(
        Signal.EVENTS,
        [
            events_envelope([{"ts": 0, "name": f"n{at}", "value": value}])
            for at, value in enumerate(values)
        ],
    )
    rows = store.rows(
        "SELECT toUInt32(substring(name, 2)) AS at, quantilesDDMerge(0.01, 0.3)(value_sketch) "
        f"FROM {store.database}.events_1d GROUP BY at ORDER BY at"
    )
    assert [found[0] for _, found in rows] == pytest.approx(values, rel=0.0101, abs=1e-300)


def test_other_levels_than_stored_can_be_asked_for() -> None:
    store = EngineStore().migrated()
    for block in range(4):
        events = [{"ts": 0, "name": "n", "value": at + 1} for at in range(block, 1000, 4)]
        store.insert(Signal.EVENTS, [events_envelope(events)])
    levels = [0.0, 0.001, 0.25, 0.333, 0.75, 0.9, 0.999, 1.0]
    asked = ", ".join(map(str, levels))
    found = store.rows(
        f"SELECT quantilesDDMerge(0.01, {asked})(value_sketch) FROM {store.database}.events_1h"
    )[0][0]
    assert found == pytest.approx([math.floor(level * 999) + 1 for level in levels], rel=0.0101)


def test_sets_of_users_are_exact_to_10_000_and_within_1_percent_beyond() -> None:
    store = EngineStore().migrated()
    rng = random.Random(15)
    exact = [1, 16, 17, 100, 999, rng.randrange(1_000, 10_000), 10_000]
    more = [10_001, 20_000, rng.randrange(20_000, 60_000)]
    for block in range(3):
        events = [
            {"ts": 0, "name": f"n{size}", "userAnonId": f"{size}-{at % size}"}
            for size in (*exact, *more)
            for at in range(block * size // 3, size)
        ]
        store.insert(Signal.EVENTS, [events_envelope(events)])
    for resolution in ("1m", "1h", "1d"):
        rows = store.rows(
            f"SELECT toUInt32(substring(name, 2)) AS size, {distinct('users')}, "
            f"{distinct('sessions')}, sum(rows) FROM {store.database}.events_{resolution} "
            "GROUP BY size ORDER BY size"
        )
        assert [row[0] for row in rows] == sorted((*exact, *more))
        for size, users, sessions, stored in rows:
            assert users == (size if size in exact else pytest.approx(size, rel=0.01))
            assert users <= stored
            assert sessions == 0
