"""Laws of the rollups, on the engine: they say what the raw rows say, whatever the blocks.

Random data goes in as a few blocks, because an insert costs more than its rows. The oracle is
Python's own arithmetic on what was sent.
"""

import math
import random
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from seamark.wire.signals import Signal
from tests.support.otlp_values import attributes
from tests.support.schema_store import FEW, RECEIVED_NS, EngineStore, envelope, events_envelope

pytestmark = pytest.mark.integration
RECEIVED_MS = RECEIVED_NS // 1_000_000
ERROR: Final = 0.01
SECONDS: Final = {"1m": 60, "1h": 3_600, "1d": 86_400}
Envelope = tuple[float, list[dict[str, Any]]]
"""Weight, events."""
EVENT_AGGREGATES: Final = (
    "sum(count), sum(rows), sum(value_count), sum(value_sum), min(value_min), max(value_max), "
    "uniqCombinedMerge(19)(users), uniqCombinedMerge(19)(sessions), "
    "quantilesDDMerge(0.01, 0.1, 0.5, 0.75, 0.99)(value_sketch)"
)
LEVELS: Final = (0.1, 0.5, 0.75, 0.99)


def random_envelopes(seed: int, count: int, heavy: bool) -> list[Envelope]:
    """Envelopes of 1 to 20 events; late ones reach days back, some have no value or user."""
    rng = random.Random(seed)

    def event() -> dict[str, Any]:
        made: dict[str, Any] = {
            "ts": RECEIVED_MS - rng.choice([0, 1_000, 61_000, 3_700_000, 2 * 86_400_000]),
            "name": rng.choice(["lcp", "click"]),
            "attrs": {"country": rng.choice(["DE", "US"]), "ignored": str(rng.random())},
        }
        if rng.random() < 0.8:
            made["value"] = rng.choice([0, -5.25, rng.lognormvariate(3, 2), rng.uniform(-1e6, 1e6)])
        if rng.random() < 0.9:
            made["userAnonId"] = f"u{rng.randrange(2_000 if heavy else 30)}"
            made["sessionId"] = f"s{rng.randrange(40)}"
        return made

    return [
        (rng.choice([1.0, 2.5, 10.0]), [event() for _ in range(rng.randint(1, 20))])
        for _ in range(count)
    ]


def encoded(envelopes: Sequence[Envelope]) -> list[bytes]:
    return [
        events_envelope(events, weight=weight, sent_ms=RECEIVED_MS) for weight, events in envelopes
    ]


def rank_value(values: list[float], level: float) -> float:
    """The value whose rank DDSketch looks for (its paper, section 2: rank q·(n-1), rounded)."""
    return sorted(values)[math.floor(level * (len(values) - 1) + 0.5)]


def close(found: float, values: list[float], level: float) -> bool:
    """Whether a sketch's answer is within its error of the value at that rank, or its neighbour."""
    ordered = sorted(values)
    rank = level * (len(values) - 1)
    near = {ordered[math.floor(rank)], ordered[math.ceil(rank)], rank_value(values, level)}
    return any(abs(found - value) <= ERROR * abs(value) * 1.0001 + 1e-9 for value in near)


def event_oracle(envelopes: Sequence[Envelope], seconds: int) -> dict[tuple[str, str, int], Any]:
    """(name, country, bucket) -> weights, weighted values, values, users, sessions."""
    found: dict[tuple[str, str, int], dict[str, Any]] = defaultdict(
        lambda: {"weights": [], "pairs": [], "users": set(), "sessions": set()}
    )
    for weight, events in envelopes:
        for event in events:
            bucket = event["ts"] // 1000 // seconds * seconds
            group = found[event["name"], event["attrs"]["country"], bucket]
            group["weights"].append(weight)
            if "value" in event:
                group["pairs"].append((weight, event["value"]))
            if "userAnonId" in event:
                group["users"].add(event["userAnonId"])
                group["sessions"].add(event["sessionId"])
    return found


def event_rows(store: EngineStore, resolution: str) -> dict[tuple[str, str, int], list[Any]]:
    rows = store.rows(
        f"SELECT name, dims['country'], toUnixTimestamp(time), {EVENT_AGGREGATES} "
        f"FROM {store.database}.events_{resolution} GROUP BY name, dims['country'], time"
    )
    return {(row[0], row[1], row[2]): list(row[3:]) for row in rows}


@FEW
@given(st.integers(0, 2**32), st.booleans())
def test_event_rollups_are_the_oracles(seed: int, heavy: bool) -> None:
    store = EngineStore().migrated()
    envelopes = random_envelopes(seed, 150, heavy)
    for part in (envelopes[:100], envelopes[100:]):
        store.insert(Signal.EVENTS, encoded(part))
    raw = store.rows(
        "SELECT count(), sum(weight), sum(weight * value), min(value), max(value) "
        f"FROM {store.database}.events"
    )[0]
    for resolution, seconds in SECONDS.items():
        expected = event_oracle(envelopes, seconds)
        found = event_rows(store, resolution)
        assert found.keys() == expected.keys()
        for key, group in expected.items():
            count, rows, value_count, value_sum, low, high, users, sessions, levels = found[key]
            values = [value for _, value in group["pairs"]]
            assert rows == len(group["weights"])
            assert count == math.fsum(group["weights"])
            assert value_count == math.fsum(weight for weight, _ in group["pairs"])
            assert value_sum == pytest.approx(
                math.fsum(weight * value for weight, value in group["pairs"]), rel=1e-9, abs=1e-6
            )
            assert (low, high) == ((min(values), max(values)) if values else (None, None))
            assert users == pytest.approx(len(group["users"]), rel=0.07 if heavy else 0)
            assert sessions == len(group["sessions"])
            for level, at_level in zip(LEVELS, levels, strict=True) if values else ():
                assert close(at_level, values, level), (key, level, at_level)
        whole = store.rows(
            "SELECT sum(rows), sum(count), sum(value_sum), min(value_min), max(value_max) "
            f"FROM {store.database}.events_{resolution}"
        )[0]
        assert whole == pytest.approx(raw, rel=1e-9)


def event_state(store: EngineStore) -> dict[str, Any]:
    """Everything that a question could see, of every table that events reach."""
    state: dict[str, Any] = {
        resolution: {
            key: [
                pytest.approx(value, rel=1e-9) if type(value) is float else value for value in row
            ]
            for key, row in event_rows(store, resolution).items()
        }
        for resolution in SECONDS
    }
    state["events"] = store.rows(f"SELECT count(), sum(cityHash64(*)) FROM {store.database}.events")
    state["ledger"] = store.rows(f"SELECT sum(requests), sum(offered) FROM {store.database}.ledger")
    return state


@FEW
@given(st.integers(0, 2**32))
def test_blocks_do_not_matter_and_a_token_counts_once(seed: int) -> None:
    envelopes = encoded(random_envelopes(seed, 60, heavy=False))
    whole, parted = EngineStore().migrated(), EngineStore().migrated()
    whole.insert(Signal.EVENTS, envelopes, token="a")
    before = event_state(whole)
    whole.insert(Signal.EVENTS, envelopes, token="a")
    assert event_state(whole) == before
    # the other way round, in three blocks, each sent twice, and merged by the engine
    for token, part in enumerate((envelopes[40:], envelopes[10:40], envelopes[:10])):
        parted.insert(Signal.EVENTS, part, token=f"t{token}")
        parted.insert(Signal.EVENTS, part, token=f"t{token}")
    assert event_state(parted) == before
    for resolution in SECONDS:
        parted.command(f"OPTIMIZE TABLE {parted.database}.events_{resolution} FINAL")
    assert event_state(parted) == before
    whole.insert(Signal.EVENTS, envelopes, token="another")
    assert event_state(whole)["events"][0][0] == 2 * before["events"][0][0]


def spans_request(seed: int, count: int) -> tuple[ExportTraceServiceRequest, list[Span]]:
    rng = random.Random(seed)
    spans = []
    for _ in range(count):
        start = RECEIVED_NS - rng.choice([0, 10**9, 70 * 10**9, 4_000 * 10**9])
        status = rng.choice([Status.STATUS_CODE_UNSET, Status.STATUS_CODE_ERROR])
        spans.append(
            Span(
                trace_id=rng.randbytes(16),
                span_id=rng.randbytes(8),
                name=rng.choice(["GET /a", "GET /b"]),
                kind=Span.SPAN_KIND_SERVER,
                start_time_unix_nano=start,
                end_time_unix_nano=start + int(rng.lognormvariate(17, 2)),
                status=Status(code=status),
            )
        )
    request = ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=Resource(attributes=attributes({"service.name": "shop"})),
                scope_spans=[ScopeSpans(spans=spans)],
            )
        ]
    )
    return request, spans


@FEW
@given(st.integers(0, 2**32))
def test_span_rollups_are_the_oracles(seed: int) -> None:
    store = EngineStore().migrated()
    first, spans = spans_request(seed, 400)
    second, more = spans_request(seed + 1, 100)
    for token, (request, weight) in enumerate(((first, 1.0), (first, 1.0), (second, 4.0))):
        body = envelope(Signal.TRACES, request.SerializeToString(), weight=weight)
        store.insert(Signal.TRACES, [body], token=str(max(token, 1)))
    for resolution in ("1m", "1h"):
        seconds = SECONDS[resolution]
        groups: dict[tuple[Any, ...], list[tuple[float, Span]]] = defaultdict(list)
        for weight, span in [(1.0, span) for span in spans] + [(4.0, span) for span in more]:
            bucket = span.start_time_unix_nano // 10**9 // seconds * seconds
            failed = span.status.code == Status.STATUS_CODE_ERROR
            groups[bucket, span.name, "error" if failed else "unset"].append((weight, span))
        rows = store.rows(
            "SELECT toUnixTimestamp(time), operation, status, sum(count), sum(rows), sum(errors), "
            "sum(duration_sum), min(duration_min), max(duration_max), "
            "quantilesDDMerge(0.01, 0.1, 0.5, 0.75, 0.99)(duration_sketch), hex(any(trace_id)) "
            f"FROM {store.database}.spans_{resolution} WHERE service = 'shop' AND kind = 'server' "
            "GROUP BY time, operation, status"
        )
        assert len(rows) == len(groups)
        for row in rows:
            members = groups[row[0], row[1], row[2]]
            took = [span.end_time_unix_nano - span.start_time_unix_nano for _, span in members]
            assert row[3] == sum(weight for weight, _ in members)
            assert row[4] == len(members)
            assert row[5] == (row[3] if row[2] == "error" else 0)
            weights = [weight for weight, _ in members]
            assert row[6] == pytest.approx(
                math.fsum(map(math.prod, zip(weights, took, strict=True)))
            )
            assert (row[7], row[8]) == (min(took), max(took))
            for level, found in zip(LEVELS, row[9], strict=True):
                assert close(found, [float(value) for value in took], level)
            assert bytes.fromhex(row[10]) in {span.trace_id for _, span in members}


def metrics_body(metrics: list[m.Metric], host: str = "h1") -> bytes:
    return ExportMetricsServiceRequest(
        resource_metrics=[
            m.ResourceMetrics(
                resource=Resource(attributes=attributes({"service.name": "shop", "host": host})),
                scope_metrics=[m.ScopeMetrics(metrics=metrics)],
            )
        ]
    ).SerializeToString()


def number_points(seed: int, count: int) -> list[m.NumberDataPoint]:
    rng = random.Random(seed)
    times = rng.sample(range(7_200), count)
    return [
        m.NumberDataPoint(
            time_unix_nano=RECEIVED_NS - seconds * 10**9,
            as_double=rng.choice([rng.uniform(-10, 10), 0.0, math.nan, math.inf]),
            attributes=attributes({"cpu": rng.choice("01"), "b": "x"}),
        )
        for seconds in times
    ]


@FEW
@given(st.integers(0, 2**32))
def test_gauge_rollups_are_the_oracles(seed: int) -> None:
    store = EngineStore().migrated()
    points = number_points(seed, 300)
    for part in (points[200:], points[:200]):
        gauge = m.Metric(name="load", unit="1", gauge=m.Gauge(data_points=part))
        store.insert(Signal.METRICS, [envelope(Signal.METRICS, metrics_body([gauge]), weight=2.0)])
    for resolution in ("1m", "1h"):
        seconds = SECONDS[resolution]
        groups: dict[tuple[Any, ...], list[m.NumberDataPoint]] = defaultdict(list)
        for point in points:
            cpu = point.attributes[0].value.string_value
            groups[point.time_unix_nano // 10**9 // seconds * seconds, cpu].append(point)
        rows = store.rows(
            "SELECT toUnixTimestamp(time), dims['cpu'], sum(rows), sum(count), sum(sum), min(min), "
            "max(max), max(last), "
            "quantilesDDMerge(0.01, 0.1, 0.5, 0.75, 0.99)(sketch), uniqExact(series), any(dims) "
            f"FROM {store.database}.metrics_{resolution} WHERE name = 'load' AND type = 'gauge' "
            "AND service = 'shop' AND unit = '1' GROUP BY time, dims['cpu']"
        )
        assert len(rows) == len(groups)
        for row in rows:
            members = sorted(groups[row[0], row[1]], key=lambda point: point.time_unix_nano)
            finite = [point.as_double for point in members if math.isfinite(point.as_double)]
            assert (row[2], row[3]) == (len(members), 2.0 * len(finite))
            assert row[4] == pytest.approx(2.0 * math.fsum(finite), abs=1e-9)
            assert row[5:7] == ([min(finite), max(finite)] if finite else [None, None])
            if finite:
                last = [point for point in members if math.isfinite(point.as_double)][-1]
                assert row[7] == [last.time_unix_nano, last.as_double]
                for level, found in zip(LEVELS, row[8], strict=True):
                    assert close(found, finite, level)
            assert row[9] == 1
            assert row[10] == {"b": "x", "cpu": row[1], "host": "h1"}


def test_counters_of_two_senders_are_two_series() -> None:
    store = EngineStore().migrated()
    for host, offset in (("h1", 0), ("h2", 1_000)):
        points = [
            m.NumberDataPoint(
                start_time_unix_nano=RECEIVED_NS - 10**12,
                time_unix_nano=RECEIVED_NS - second * 10**9,
                as_int=offset + 100 - second,
                attributes=attributes({"a": "1", "b": "2"} if second % 2 else {"b": "2", "a": "1"}),
            )
            for second in range(90)
        ]
        total = m.Metric(
            name="requests",
            sum=m.Sum(data_points=points, is_monotonic=True, aggregation_temporality=2),  # type: ignore[arg-type]
        )
        store.insert(Signal.METRICS, [envelope(Signal.METRICS, metrics_body([total], host))])
    rows = store.rows(
        "SELECT run, maxMap(points) AS p, max(last), any(temporality), any(monotonic) "
        f"FROM {store.database}.metrics_1h GROUP BY series, run, time ORDER BY time, p"
    )
    start = RECEIVED_NS - 10**12
    for row, offset in zip(rows, (0, 1_000), strict=True):
        expected = [
            [RECEIVED_NS - second * 10**9, start, offset + 100 - second]
            for second in reversed(range(90))
        ]
        last = [RECEIVED_NS, offset + 100]
        assert row == [start, [expected, [0] * 90], last, "cumulative", True]


def histogram_point(bounds: list[float], counts: list[int], at: int) -> m.HistogramDataPoint:
    return m.HistogramDataPoint(
        time_unix_nano=RECEIVED_NS - at * 10**9,
        count=sum(counts),
        sum=float(sum(counts)),
        bucket_counts=counts,
        explicit_bounds=bounds,
        min=float(at),
        max=float(at) + 1,
    )


def test_histograms_merge_by_bound() -> None:
    store = EngineStore().migrated()
    points = [
        histogram_point([1, 5], [1, 2, 3], 1),
        histogram_point([1, 10], [10, 20, 30], 2),
        histogram_point([], [7], 2),
        histogram_point([], [], 3),
    ]
    exponential = m.ExponentialHistogramDataPoint(
        time_unix_nano=RECEIVED_NS,
        count=21,
        scale=1,
        zero_count=6,
        zero_threshold=0.25,
        positive=m.ExponentialHistogramDataPoint.Buckets(offset=1, bucket_counts=[1, 2, 3]),
        negative=m.ExponentialHistogramDataPoint.Buckets(offset=0, bucket_counts=[4, 5]),
    )
    metrics = [
        m.Metric(
            name=f"{name}-{temporality}",
            histogram=m.Histogram(data_points=part, aggregation_temporality=temporality),  # type: ignore[arg-type]
        )
        for name, part in (("explicit", points),)
        for temporality in (1, 2)
    ] + [
        m.Metric(
            name="exponential",
            exponential_histogram=m.ExponentialHistogram(
                data_points=[exponential], aggregation_temporality=m.AGGREGATION_TEMPORALITY_DELTA
            ),
        )
    ]
    for metric in metrics:
        store.insert(Signal.METRICS, [envelope(Signal.METRICS, metrics_body([metric]))])
    rows = {
        row[0]: row[1:]
        for row in store.rows(
            "SELECT name, sum(rows), min(min), max(max), sumMap(buckets), min(first_buckets), "
            "max(last_buckets), max(zero_threshold), maxMap(points) "
            f"FROM {store.database}.metrics_1h GROUP BY name"
        )
    }
    lowest, rest = [127, "-inf", 1], "inf"
    merged = [
        [lowest, [127, "-inf", "inf"], [127, 1, 5], [127, 1, 10], [127, 5, rest], [127, 10, rest]],
        [11, 7, 2, 20, 3, 30],
    ]
    nothing = [0, [], []]
    at = [RECEIVED_NS - seconds * 10**9 for seconds in (1, 2, 3)]
    each = [
        [[at[2], 0, 0], [at[1], 0, 7], [at[1], 0, 60], [at[0], 0, 6]],
        [0, 7, 60, 6],
    ]
    assert rows["explicit-1"] == [4, 1, 4, merged, nothing, nothing, 0, each]
    first = [at[2], [], []]
    latest = [at[0], [lowest, [127, 1, 5], [127, 5, "inf"]], [1, 2, 3]]
    assert rows["explicit-2"] == [4, 1, 4, [[], []], first, latest, 0, each]
    buckets = [[1, 0, -1], [1, 1, -1], [1, 1, 1], [1, 2, 1], [1, 3, 1], [126, 0, 0]]
    assert rows["exponential"][3] == [buckets, [4, 5, 1, 2, 3, 6]]
    assert rows["exponential"][6] == 0.25
