"""What answers about OpenTelemetry metrics have to be, in plain Python: the oracle of the tests.

Counters follow the data model (https://opentelemetry.io/docs/specs/otel/metrics/data-model/):
points of one series with one start are one run, which begins at zero at its start. Where a start is
missing, and where a total falls, Prometheus defines the increase.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

LOOK_BACK_MS: Final = 24 * 3_600_000
"""How long before a range a point may lie that the first point of the range continues."""
FINEST_SCALE: Final = 8
Bucket = tuple[float, float, bool]
"""Lower bound, upper bound, and whether values lie exponentially within."""


@dataclass(frozen=True)
class Exponential:
    """Observations by index on both sides of zero, at one scale."""

    scale: int
    zero: int = 0
    positive: Mapping[int, int] = field(default_factory=dict)
    negative: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Total:
    """A cumulative point: times in ms (`start` 0: missing), the total, and what else it carries."""

    time: int
    start: int
    value: float
    sum: float = 0.0
    counts: tuple[int, ...] = ()
    exponential: Exponential | None = None


@dataclass(frozen=True)
class Gain:
    """What one point adds: `after` less `before` (None: everything counts)."""

    after: Total
    before: Total | None

    @property
    def value(self) -> float:
        """Increase of the total."""
        return self.after.value - (self.before.value if self.before else 0.0)


def gains(points: Sequence[Total], since: int) -> list[Gain]:
    """What each point of one series adds, in order of time; points that add nothing are left out.

    `since` (ms): a run that began before it and has no point before its first one is counted from
    that point.
    """
    last_of_run: dict[int, Total] = {}
    last: Total | None = None
    found = []
    distinct = {(p.time, p.start, p.value): p for p in points}
    for _, point in sorted(distinct.items(), key=lambda item: item[0]):
        run = point.start if 0 < point.start <= point.time else 0
        before = last_of_run.get(run)
        if before is not None:
            gain = Gain(point, before if point.value >= before.value else None)
        elif run in (0, point.time) or (last and last.time == run and last.start == 0):
            # no start, or an unknown one: it goes on where the series stood, if it stood anywhere
            base = last if run else None
            gain = Gain(point, base if base and point.value >= base.value else None)
            if base is None:
                gain = Gain(point, point)
        else:
            gain = Gain(point, None if run >= since else point)
        found.append(gain)
        last_of_run[run] = last = point
    return found


def increase(points: Sequence[Total], from_: int, to: int) -> float | None:
    """Increase over [from_, to); None without points in it."""
    shown = [gain.value for gain in within(points, from_, to)]
    return math.fsum(shown) if shown else None


def extrapolated(points: Sequence[Total], from_: int, to: int) -> float | None:
    """Prometheus' `increase` with start timestamps, of one writer's points, over [from_, to).

    It looks at the points in the range alone and stretches what they say to its bounds:
    https://prometheus.io/docs/prometheus/latest/querying/functions/#increase
    """
    # Prometheus' ranges are open at their start and closed at their end, in whole milliseconds
    from_, to = from_ - 1, to - 1
    shown = sorted((p for p in points if from_ < p.time <= to), key=lambda p: p.time)
    if not shown:
        return None
    first, last = shown[0], shown[-1]
    raw = last.value - first.value
    for before, point in itertools.pairwise(shown):
        if point.value < before.value or _begins_anew(before, point):
            raw += before.value
    to_start, to_end = (first.time - from_) / 1000, (to - last.time) / 1000
    sampled = (last.time - first.time) / 1000
    spacing = sampled / (len(shown) - 1) if len(shown) > 1 else 0.0
    threshold = spacing * 1.1
    if from_ < first.start < first.time:
        to_start, sampled, raw = 0.0, (last.time - first.start) / 1000, raw + first.value
    elif len(shown) == 1:
        return None
    else:
        if to_start >= threshold:
            to_start = spacing / 2
        if raw > 0 and first.value >= 0:
            to_start = min(to_start, sampled * first.value / raw)
    if to_end >= threshold:
        to_end = spacing / 2
    return raw * (sampled + to_start + to_end) / sampled


def _begins_anew(before: Total, point: Total) -> bool:
    if point.start in (before.start, 0) or point.start >= point.time:
        return False
    if point.start == before.time:
        return 0 < before.start < before.time
    return point.start > before.time


def within(points: Sequence[Total], from_: int, to: int) -> list[Gain]:
    """What the points in [from_, to) add."""
    known = [p for p in points if from_ - LOOK_BACK_MS <= p.time < to]
    return [g for g in gains(known, from_ - LOOK_BACK_MS) if g.after.time >= from_]


def explicit_buckets(bounds: Sequence[float], counts: Sequence[int]) -> dict[Bucket, int]:
    """Buckets of an explicit histogram; without bounds there is one, which has none."""
    edges = [-math.inf, *bounds, math.inf]
    return {(edges[i], edges[i + 1], False): count for i, count in enumerate(counts) if count}


def exponential_buckets(found: Exponential, threshold: float) -> dict[Bucket, int]:
    """Buckets of an exponential histogram; its zero bucket lies on the sides that have others."""
    buckets: dict[Bucket, int] = {}
    if found.zero:
        lower = -threshold if found.negative or not found.positive else 0.0
        upper = threshold if found.positive or not found.negative else 0.0
        buckets[lower, upper, False] = found.zero
    for index, count in found.positive.items():
        buckets[_power(index, found.scale), _power(index + 1, found.scale), True] = count
    for index, count in found.negative.items():
        buckets[-_power(index + 1, found.scale), -_power(index, found.scale), True] = count
    return {bucket: count for bucket, count in buckets.items() if count}


def at_scale(found: Exponential, scale: int) -> Exponential:
    """The same at a coarser scale, not finer than `FINEST_SCALE`."""
    shift = found.scale - min(scale, found.scale, FINEST_SCALE)
    sides = (_shifted(side, shift) for side in (found.positive, found.negative))
    return Exponential(found.scale - shift, found.zero, *sides)


def added(parts: Sequence[tuple[int, Exponential]]) -> Exponential:
    """The sum of histograms, each times its sign, at the coarsest scale of them."""
    scale = min((part.scale for _, part in parts), default=FINEST_SCALE)
    zero, positive, negative = 0, dict[int, int](), dict[int, int]()
    for sign, part in parts:
        coarse = at_scale(part, scale)
        zero += sign * coarse.zero
        for into, side in ((positive, coarse.positive), (negative, coarse.negative)):
            for index, count in side.items():
                into[index] = into.get(index, 0) + sign * count
    kept = [{i: n for i, n in side.items() if n > 0} for side in (positive, negative)]
    return Exponential(min(scale, FINEST_SCALE), zero, *kept)


def percentile(
    buckets: Mapping[Bucket, int],
    level: float,
    *,
    least: float | None = None,
    most: float | None = None,
) -> float | None:
    """The value below which `level` of the observations lie; None where no bound tells.

    Observations lie evenly within a bucket, and exponentially within one of an exponential
    histogram. `least` and `most` are what is known of all of them. Where the level falls between
    two buckets, it is the end of the lower one; from the median on, and in exponential histograms,
    the beginning of the upper one.
    """
    placed = sorted((bucket, count) for bucket, count in buckets.items() if count > 0)
    total, passed = sum(count for _, count in placed), 0
    above = level >= 0.5 and any(exponential for (_, _, exponential), _ in placed)
    for (lower, upper, exponential), count in placed:
        passed += count
        if passed < level * total or (above and passed == level * total != total):
            continue
        share = (level * total - (passed - count)) / count
        value = _within(lower, upper, share, exponential, least, most)
        if value is not None and least is not None:
            value = max(value, least)
        return min(value, most) if value is not None and most is not None else value
    return None


def _within(
    lower: float, upper: float, share: float, exponential: bool,
    least: float | None, most: float | None,
) -> float | None:  # fmt: skip
    if exponential:
        return lower * float((upper / lower) ** share)
    if math.isinf(lower) and math.isinf(upper):
        if least is None or most is None:
            return None
        lower, upper = least, most
    if math.isinf(upper):
        return lower if most is None else most
    if math.isinf(lower):
        lower = least if least is not None else (0.0 if upper > 0 else upper)
    return lower + (upper - lower) * share


def _power(index: int, scale: int) -> float:
    return float(2.0 ** (index * 2.0**-scale))


def _shifted(side: Mapping[int, int], shift: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for index, count in side.items():
        found[index >> shift] = found.get(index >> shift, 0) + count
    return found
