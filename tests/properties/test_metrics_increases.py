"""Laws of metrics, on the engine: increases are one sum at every resolution, percentiles of a
constant lie at the constant, and of an attribute that no point has nothing is answered as "".
"""

import itertools
import math
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.metric_reference import Total, increase
from tests.support.metric_store import MetricStore, as_sum, nanos

BASE: Final = 1_795_305_600_000  # 2026-11-22T00:00Z
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FEW: Final = settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_names = itertools.count(1)


@pytest.fixture(scope="module")
def store() -> MetricStore:
    return MetricStore.empty()


@st.composite
def one_writer(draw: st.DrawFn, starts: str, *, latest: int = 5 * HOUR) -> list[Total]:
    """Points of one writer: steps in time, gaps, and restarts, which new starts may tell."""
    time = BASE + draw(st.integers(1, HOUR))
    start = time - draw(st.sampled_from([1, 999, 90_000, HOUR, 3 * DAY]))
    total, points = draw(st.sampled_from([0, 7, 100_000])), []
    for _ in range(draw(st.integers(1, 14))):
        points.append(Total(time, 0 if starts == "none" else start, float(total)))
        gap = draw(st.sampled_from([1, 15_000, 60_000, 61_000, 20 * MINUTE, 90 * MINUTE]))
        if draw(st.integers(0, 4)) == 0:
            total = draw(st.integers(0, 50))
            if starts == "told":
                start = time + draw(st.integers(1, gap))
        else:
            total += draw(st.sampled_from([0, 1, 60]))
        time += gap
    return [point for point in points if point.time < BASE + latest]


@st.composite
def histories(draw: st.DrawFn) -> list[Total]:
    """Points in the order in which they arrive, some of them twice."""
    if draw(st.booleans()):
        points = [p for _ in range(draw(st.integers(1, 3))) for p in draw(one_writer("told"))]
    else:
        points = draw(one_writer(draw(st.sampled_from(["none", "constant"]))))
    again = draw(st.lists(st.sampled_from(points), max_size=3)) if points else []
    return draw(st.permutations(points + again))


def sums(store: MetricStore, name: str, from_: int, to: int, **more: Any) -> tuple[float, float]:
    """All increases of a range, and what the rates make of them."""
    found = store.ask(name, from_, to, ["sum", "rate"], **more).get((), [])
    seconds = (more.get("step_ms") or to - from_) / 1000
    return math.fsum(row[1] for row in found), math.fsum(row[2] * seconds for row in found)


@FEW
@given(points=histories(), blocks=st.integers(1, 3), minutes=st.tuples(*[st.integers(0, 359)] * 2))
def test_increases_are_one_sum_at_every_resolution(
    store: MetricStore, points: list[Total], blocks: int, minutes: tuple[int, int]
) -> None:
    name = f"total{next(_names)}"
    for place in range(blocks):
        if points[place::blocks]:
            store.insert([as_sum(name, points[place::blocks], 2)])
    whole = increase(points, BASE, BASE + DAY) or 0.0
    for step in (MINUTE, 5 * MINUTE, HOUR, DAY):
        found, by_rate = sums(store, name, BASE, BASE + DAY, step_ms=step)
        assert found == pytest.approx(whole), step
        assert by_rate == pytest.approx(whole), step
    assert sums(store, name, BASE, BASE + DAY, step_ms=HOUR, rows_of="1m")[0] == pytest.approx(
        whole
    )
    # any range, and ranges that meet: what one leaves the other has
    middle = BASE + minutes[0] * MINUTE
    for from_, to in ((BASE, middle), (middle, BASE + DAY)):
        if from_ < to:
            expected = increase(points, from_, to) or 0.0
            assert sums(store, name, from_, to)[0] == pytest.approx(expected)
    parts = [sums(store, name, a, b)[0] for a, b in ((BASE, middle), (middle, BASE + DAY)) if a < b]
    assert math.fsum(parts) == pytest.approx(whole)


TIMES: Final = st.integers(BASE + 1, BASE + 3 * HOUR)
STARTS: Final = st.integers(BASE - HOUR, BASE)
DELTAS: Final = st.sampled_from([0.0, 1.0, 5.5])


@FEW
@given(
    points=st.lists(st.builds(Total, TIMES, STARTS, DELTAS), min_size=1, max_size=20),
    data=st.data(),
)
def test_deltas_are_added_once_each(
    store: MetricStore, points: list[Total], data: st.DataObject
) -> None:
    name = f"delta{next(_names)}"
    again = data.draw(st.lists(st.sampled_from(points), max_size=4))
    store.insert([as_sum(name, points, 1)])
    if again:
        store.insert([as_sum(name, again, 1)])
    expected = math.fsum(p.value for p in {(p.time, p.start, p.value): p for p in points}.values())
    for step in (MINUTE, HOUR, DAY):
        assert sums(store, name, BASE, BASE + DAY, step_ms=step)[0] == pytest.approx(expected)


def exponential(value: float, count: int, scale: int) -> dict[str, Any]:
    """An exponential histogram of one value, so many times."""
    shape: dict[str, Any] = {"count": count, "sum": value * count, "scale": scale, "zeroCount": 0}
    if value == 0:
        return shape | {"zeroCount": count}
    index = math.ceil(math.log2(abs(value)) * 2.0**scale) - 1
    side = "positive" if value > 0 else "negative"
    return shape | {side: {"offset": index, "bucketCounts": [count]}}


def explicit(value: float, count: int) -> dict[str, Any]:
    """An explicit histogram of the same, with bounds as SDKs have them."""
    bounds = [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 1000.0]
    counts = [0] * (len(bounds) + 1)
    counts[next((i for i, bound in enumerate(bounds) if value <= bound), len(bounds))] = count
    return {"count": count, "sum": value * count, "explicitBounds": bounds, "bucketCounts": counts}


VALUES: Final = st.one_of(
    st.floats(1e-3, 1e5), st.floats(-1e5, -1e-3), st.sampled_from([0.0, 5.0, 100.0, 1024.0, -1.0])
)


@FEW
@given(
    value=VALUES,
    counts=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    scales=st.lists(st.sampled_from([20, 12, 8, 6]), min_size=4, max_size=4),
    temporality=st.sampled_from([1, 2]),
    bounded=st.booleans(),
    is_exponential=st.booleans(),
)
def test_percentiles_of_a_constant(
    store: MetricStore, value: float, counts: list[int], scales: list[int],
    temporality: int, bounded: bool, is_exponential: bool,
) -> None:  # fmt: skip
    name = f"constant{next(_names)}"
    scales = sorted(scales, reverse=True)
    points, total = [], 0
    for place, more in enumerate(counts):
        total = total + more if temporality == 2 else more
        shape = (
            exponential(value, total, scales[place]) if is_exponential else explicit(value, total)
        )
        times = {
            "timeUnixNano": nanos(BASE + (place + 1) * 40 * MINUTE),
            "startTimeUnixNano": nanos(BASE),
        }
        points.append(times | shape | ({"min": value, "max": value} if bounded else {}))
    kind = "exponentialHistogram" if is_exponential else "histogram"
    store.insert(
        [{"name": name, kind: {"aggregationTemporality": temporality, "dataPoints": points}}]
    )
    for step in (MINUTE, HOUR, DAY):
        rows = store.ask(name, BASE, BASE + DAY, ["count", "p1", "p50", "p99"], step_ms=step)[()]
        assert sum(row[1] for row in rows) == sum(counts)
        for row in rows:
            for found in row[2:]:
                if bounded:
                    assert found == pytest.approx(value, rel=1e-9)
                elif is_exponential:
                    assert found == pytest.approx(value, rel=2.0**2.0**-6 - 1 + 1e-9)
                elif value > 1000:
                    assert found == 1000  # the last bound there is
                else:
                    bounds = [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 1000.0]
                    upper = next(bound for bound in bounds if value <= bound)
                    lower = max((bound for bound in bounds if bound < upper), default=upper)
                    assert lower <= found <= upper


def test_without_bounds_there_are_no_percentiles(store: MetricStore) -> None:
    times = {"timeUnixNano": nanos(BASE + MINUTE), "startTimeUnixNano": nanos(BASE)}
    shapes: list[dict[str, Any]] = [{"bucketCounts": [5]}, {"bucketCounts": []}]
    for place, shape in enumerate(shapes):
        for temporality in (1, 2):
            name = f"bare{place}{temporality}"
            point = times | {"count": 5, "sum": 50.0} | shape
            data = {"aggregationTemporality": temporality, "dataPoints": [point]}
            store.insert([{"name": name, "histogram": data}])
            asked = ["count", "avg", "p50", "p99"]
            assert store.ask(name, BASE, BASE + HOUR, asked)[()] == [[BASE, 5, 10, None, None]]


def test_running_totals_have_no_percentiles(store: MetricStore) -> None:
    store.insert([as_sum("running", [Total(BASE + MINUTE, BASE, 5.0)], 2)])
    asked = ["sum", "p50", "min", "max", "last"]
    assert store.ask("running", BASE, BASE + HOUR, asked)[()] == [[BASE, 5, None, None, None, 5]]


def test_points_without_a_recorded_value_are_no_resets(store: MetricStore) -> None:
    times = {"startTimeUnixNano": nanos(BASE)}
    points = [
        times | {"timeUnixNano": nanos(BASE + MINUTE), "count": 5, "bucketCounts": [5]},
        times | {"timeUnixNano": nanos(BASE + 2 * MINUTE), "flags": 1},
        times | {"timeUnixNano": nanos(BASE + 3 * MINUTE), "count": 7, "bucketCounts": [7]},
    ]
    data = {"aggregationTemporality": 2, "dataPoints": points}
    store.insert([{"name": "stale", "histogram": data}])
    assert store.ask("stale", BASE, BASE + HOUR, ["count"])[()] == [[BASE, 7]]
