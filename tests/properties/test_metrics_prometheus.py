"""Answers about counters and histograms, against what Prometheus answered about the same histories.

`tests/golden/prometheus/*.json` has generated histories (restarts with and without start times,
gaps, one writer each) and the answers of the Prometheus named there: `increase` and `rate` with
start timestamps (`use-start-timestamps`); the same `anchored`, over samples of zero at the start
times (`created-timestamp-zero-ingestion`) with a look-back of 24 h; and `histogram_quantile` of
these. Ranges are [from, to), which Prometheus answered as (from - 1 ms, to - 1 ms].

Differences, each of which is computed here:
- `increase` and `rate` extrapolate to the bounds of the range; `extrapolated` does the same.
- Over nothing but samples of zero Prometheus answers 0 (percentiles: NaN); Seamark has no row.
- A start at the very time of the point before is a reset (as for `increase`), but leaves no sample
  of zero, so that `anchored` differs.
- Prometheus brings all histograms of a range to their coarsest scale, Seamark those that do not
  cancel out; and where a level falls between two buckets, rounding decides which one it takes.
"""

import itertools
import json
import math
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from tests.support.metric_reference import (
    LOOK_BACK_MS,
    Exponential,
    Total,
    added,
    at_scale,
    explicit_buckets,
    exponential_buckets,
    extrapolated,
    increase,
    percentile,
    within,
)
from tests.support.metric_store import MetricStore, attributes, nanos

GOLDEN: Final = Path(__file__).parents[1] / "golden" / "prometheus"
HOUR: Final = 3_600_000
LEVELS: Final = {"p25": 0.25, "p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99}
TIE: Final = 1e-9
"""How far a level is moved to take the other of two buckets."""


def golden(name: str) -> Any:
    return json.loads((GOLDEN / f"{name}.json").read_text())


def close(found: float | None, expected: Any) -> bool:
    """Whether two answers are one; nothing, 0 over samples of zero, and NaN are alike."""
    if expected in (None, 0, "NaN") and found in (None, 0):
        return True
    if found is None or expected in (None, "NaN"):
        return False
    return math.isclose(found, expected, rel_tol=1e-6, abs_tol=1e-9)


@pytest.fixture(scope="module")
def store() -> MetricStore:
    """All histories, their points in any order and some of them twice, in many blocks."""
    made = MetricStore.empty()
    rng = random.Random(9)
    points = [
        (kind, history, point)
        for kind in ("counters", "classic_histograms", "native_histograms")
        for history in golden(kind)["histories"]
        for point in history["points"]
    ]
    points += rng.sample(points, len(points) // 10)
    rng.shuffle(points)
    for begin in range(0, len(points), 1500):
        made.insert([as_metric(*each) for each in points[begin : begin + 1500]])
    return made


def as_metric(kind: str, history: Any, point: Sequence[Any]) -> dict[str, Any]:
    """A point as OTLP/JSON; the history is an attribute."""
    shared = {
        "timeUnixNano": nanos(point[0]),
        "startTimeUnixNano": nanos(point[1]),
        "attributes": attributes({"history": history["id"]}),
    }
    if kind == "counters":
        data = {"isMonotonic": True, "dataPoints": [shared | {"asDouble": point[2]}]}
        return {"name": kind, "sum": {"aggregationTemporality": 2, **data}}
    if kind == "classic_histograms":
        more = {"count": sum(point[2]), "bucketCounts": point[2], "sum": 0.0}
        data = {"dataPoints": [shared | more | {"explicitBounds": history["bounds"]}]}
        return {"name": kind, "histogram": {"aggregationTemporality": 2, **data}}
    more = {
        "count": point[4] + sum(point[6]) + sum(point[8]),
        "sum": point[2],
        "scale": point[3],
        "zeroCount": point[4],
        "zeroThreshold": history["zero_threshold"],
        "positive": {"offset": point[5], "bucketCounts": point[6]},
        "negative": {"offset": point[7], "bucketCounts": point[8]},
    }
    data = {"dataPoints": [shared | more]}
    return {"name": kind, "exponentialHistogram": {"aggregationTemporality": 2, **data}}


def totals(kind: str, history: Any) -> list[Total]:
    """The points of a history as the reference takes them."""
    found = []
    for time, start, *rest in history["points"]:
        if kind == "counters":
            found.append(Total(time, start, rest[0]))
        elif kind == "classic_histograms":
            found.append(Total(time, start, sum(rest[0]), counts=tuple(rest[0])))
        else:
            positive = {rest[3] + i: n for i, n in enumerate(rest[4]) if n}
            negative = {rest[5] + i: n for i, n in enumerate(rest[6]) if n}
            exponential = Exponential(rest[1], rest[2], positive, negative)
            count = rest[2] + sum(rest[4]) + sum(rest[6])
            found.append(Total(time, start, count, rest[0], exponential=exponential))
    return found


def test_there_are_enough_histories_of_each_kind() -> None:
    kinds = ("counters", "classic_histograms", "native_histograms")
    found = {kind: len(golden(kind)["histories"]) for kind in kinds}
    assert sum(found.values()) >= 500
    assert min(found.values()) >= 150


def test_counters_increase_as_in_prometheus(store: MetricStore) -> None:
    document = golden("counters")
    for place, (from_, to) in enumerate(document["ranges"]):
        answers = [
            store.ask("counters", from_, to, ["sum", "rate"], group_by=["history"], rows_of=rows_of)
            for rows_of in (("1m", "1h") if (to - from_) % HOUR == from_ % HOUR == 0 else ("1m",))
        ]
        for history in document["histories"]:
            expected = history["answers"][place]
            points = totals("counters", history)
            stretched = extrapolated(points, from_, to)
            assert close(stretched, expected["increase"]), history["id"]
            exact = increase(points, from_, to)
            if not any(a.time == b.start for a, b in itertools.pairwise(points)):
                assert close(exact, expected["increase_anchored"]), history["id"]
            for answer in answers:
                ((_, found, rate),) = answer.get((history["id"],), [[0, None, None]])
                assert close(found, exact), (history["id"], found, exact)
                assert close(rate, exact and exact / ((to - from_) / 1000)), history["id"]


@pytest.mark.parametrize("kind", ["classic_histograms", "native_histograms"])
def test_percentiles_are_those_of_prometheus(store: MetricStore, kind: str) -> None:
    document = golden(kind)
    explained = 0
    for place, (from_, to) in enumerate(document["ranges"]):
        answer = store.ask(kind, from_, to, ["count", *LEVELS], group_by=["history"])
        for history in document["histories"]:
            expected = history["answers"][place]
            points = totals(kind, history)
            ((_, count, *found),) = answer.get((history["id"],), [[0] + [None] * 6])
            assert close(count, expected["count_anchored"]), (history["id"], count, expected)
            for (name, level), value in zip(LEVELS.items(), found, strict=True):
                if not close(value, expected[name]):
                    explained += 1
                    others = explanations(kind, history, points, (from_, to), level)
                    mine = percentile(buckets_of(kind, history, points, (from_, to)), level)
                    assert close(value, mine) or value in others, (history["id"], name, value)
                    assert any(close(other, expected[name]) for other in others), (
                        history["id"],
                        name,
                        value,
                        expected[name],
                    )
    assert explained < 20  # of 4,500


def buckets_of(
    kind: str, history: Any, points: Sequence[Total], range_: tuple[int, int], *, scale: int = 99
) -> dict[tuple[float, float, bool], int]:
    """What was observed in a range, by bucket, at a scale or the finest there is."""
    added_by = within(points, *range_)
    if kind == "classic_histograms":
        counts = [0] * (len(history["bounds"]) + 1)
        for gain in added_by:
            for i, count in enumerate(gain.after.counts):
                counts[i] += count - (gain.before.counts[i] if gain.before else 0)
        return explicit_buckets(history["bounds"], counts)
    parts = [(1, g.after.exponential) for g in added_by if g.after.exponential]
    parts += [(-1, g.before.exponential) for g in added_by if g.before and g.before.exponential]
    return exponential_buckets(at_scale(added(parts), scale), history["zero_threshold"])


def explanations(
    kind: str, history: Any, points: Sequence[Total], range_: tuple[int, int], level: float
) -> list[float | None]:
    """What Prometheus may answer: of the other bucket, or at the coarsest scale of the range."""
    shown = [p for p in points if range_[0] - LOOK_BACK_MS <= p.time < range_[1] and p.exponential]
    scales = [p.exponential.scale for p in shown if p.exponential]
    return [
        percentile(buckets_of(kind, history, points, range_, scale=scale), level + moved)
        for scale in {99, *scales}
        for moved in (-TIE, 0, TIE)
    ]
