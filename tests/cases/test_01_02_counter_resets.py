"""Counters that restart: within a row of a rollup, and without start times."""

import pytest

from tests.support.metric_reference import Total
from tests.support.metric_store import MetricStore, as_sum

HOUR, MINUTE = 3_600_000, 60_000
BASE = 1_795_305_600_000
STEPS = [MINUTE, 5 * MINUTE, HOUR, 24 * HOUR]


@pytest.fixture(scope="module")
def store() -> MetricStore:
    return MetricStore.empty()


@pytest.mark.parametrize("step_ms", STEPS)
def test_a_restart_within_an_hour(store: MetricStore, step_ms: int) -> None:
    name = f"restart{step_ms}"
    points = [(0, 10, -1), (20, 1000, -1), (30, 5, 29), (59, 900, 29)]
    totals = [Total(BASE + m * MINUTE, BASE + s * MINUTE, v) for m, v, s in points]
    store.insert([as_sum(name, totals, 2)])
    rows = store.ask(name, BASE - 24 * HOUR, BASE + 24 * HOUR, ["sum"], step_ms=step_ms)[()]
    assert sum(row[1] for row in rows) == 10 + 990 + 5 + 895


@pytest.mark.parametrize("step_ms", STEPS)
def test_totals_without_start_times(store: MetricStore, step_ms: int) -> None:
    name = f"bare{step_ms}"
    for minute, value in enumerate((100, 110, 130, 5, 25)):
        store.insert([as_sum(name, [Total(BASE + minute * MINUTE, 0, value)], 2)])
    rows = store.ask(name, BASE, BASE + 24 * HOUR, ["sum"], step_ms=step_ms)[()]
    assert sum(row[1] for row in rows) == 10 + 20 + 5 + 20
