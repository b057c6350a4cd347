"""Ten observations of 100 in one bucket at scale 20, cumulative, without min and max."""

import math

import pytest

from tests.support.metric_store import MetricStore, nanos

HOUR = 3_600_000
BASE = 1_795_305_600_000


def test_percentiles_lie_in_the_bucket() -> None:
    store = MetricStore.empty()
    point = {
        "timeUnixNano": nanos(BASE),
        "startTimeUnixNano": nanos(BASE - 60_000),
        **{"count": "10", "sum": 1000.0, "scale": 20, "zeroCount": "0"},
        "positive": {"offset": math.ceil(math.log2(100) * 2**20) - 1, "bucketCounts": ["10"]},
    }
    data = {"aggregationTemporality": 2, "dataPoints": [point]}
    store.insert([{"name": "exp", "exponentialHistogram": data}])
    ((_, count, *percentiles),) = store.ask(
        "exp", BASE, BASE + HOUR, ["count", "p25", "p50", "p95"]
    )[()]
    assert count == 10
    assert percentiles == [pytest.approx(100, rel=0.01)] * 3
