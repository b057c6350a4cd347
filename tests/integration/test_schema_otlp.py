"""OTLP, built with opentelemetry-proto, through the views: every field is in its column."""

import datetime
from typing import Any

import msgspec
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1 import metrics_pb2 as m
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from collector.receivers import otlp_kinds
from collector.receivers.otlp_nested import nested_values, write_as_json
from seamark.wire.signals import Signal
from tests.support.otlp_values import attributes, hexes, text, texts, type_codes, value
from tests.support.schema_store import RECEIVED_NS, EngineStore, envelope

pytestmark = pytest.mark.integration
NOW = RECEIVED_NS - 5_000_000_000
EVERY_KIND: dict[str, Any] = {
    "string": 'quote " slash / back \\ line\n ünï',
    "empty": "",
    "true": True,
    "false": False,
    "int": -(2**63),
    "zero": 0,
    "double": 1.5,
    "nan": float("nan"),
    "infinite": float("-inf"),
    "bytes": b"\x00\xff\x10",
    "none": None,
    "array": ["a/b", 'q"', 7, True, 2.5, None, b"\x01", float("inf")],
    "list": {"k": "v", 'key "2"': -1, "off": False},
    "deep": [["x", 1], {"in": {"ner": 1}}],
    "deep list": {"a": ["y"], "b": {"c": "d"}},
}
RESOURCE: dict[str, Any] = {
    "service.name": "shop",
    "host.name": "h1",
    "process.command_args": ["-v"],
}
SCOPE: dict[str, Any] = {"library": "http", "n": 3}


@pytest.fixture(scope="module")
def store() -> EngineStore:
    return EngineStore().migrated()


def instant(ns: int) -> str:
    """DateTime64(9) as ClickHouse writes it."""
    whole, rest = divmod(ns, 10**9)
    moment = datetime.datetime.fromtimestamp(whole, datetime.UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{rest:09d}"


def resource() -> Resource:
    return Resource(attributes=attributes(RESOURCE), dropped_attributes_count=4)


def scope() -> InstrumentationScope:
    return InstrumentationScope(
        name="lib", version="1.2", attributes=attributes(SCOPE), dropped_attributes_count=5
    )


def logged(kind: otlp_kinds.Kind, body: bytes) -> bytes:
    """A request as the log has it, without the checks of the collector."""
    request = kind.request.FromString(body)
    write_as_json(nested_values(kind, request))
    return request.SerializeToString()


AROUND = {
    "org": "acme",
    "app": "shop",
    "receipt": "018f0000-0000-7000-8000-000000000001",
    "received_at": "2026-11-22 03:04:00.123",
    "weight": 2.5,
    "key_id": "k1",
    "service": "shop",
    "resource_attrs": texts(RESOURCE),
    "resource_attr_types": type_codes(RESOURCE),
    "resource_dropped_attrs": 4,
    "resource_schema_url": "https://schema/r",
    "scope_name": "lib",
    "scope_version": "1.2",
    "scope_attrs": texts(SCOPE),
    "scope_attr_types": type_codes(SCOPE),
    "scope_dropped_attrs": 5,
    "scope_schema_url": "https://schema/s",
}


def stored(store: EngineStore, table: str, order: str) -> list[dict[str, Any]]:
    """Rows of a table with binary columns in hexadecimal."""
    replaced = {
        "spans": "hex(trace_id) AS trace_id, hex(span_id) AS span_id, "
        "hex(parent_span_id) AS parent_span_id, "
        "arrayMap(x -> hex(x), links.trace_id) AS `links.trace_id`, "
        "arrayMap(x -> hex(x), links.span_id) AS `links.span_id`",
        "logs": "hex(trace_id) AS trace_id, hex(span_id) AS span_id",
        "metric_points": "arrayMap(x -> hex(x), exemplars.trace_id) AS `exemplars.trace_id`, "
        "arrayMap(x -> hex(x), exemplars.span_id) AS `exemplars.span_id`",
    }[table]
    return store.records(
        f"SELECT * REPLACE({replaced}) FROM {store.database}.{table} ORDER BY {order}"
    )


def test_a_span_with_everything_set(store: EngineStore) -> None:
    event = Span.Event(time_unix_nano=NOW + 1, name="exception", attributes=attributes(EVERY_KIND))
    event.dropped_attributes_count = 6
    link = Span.Link(
        trace_id=b"T" * 16, span_id=b"S" * 8, trace_state="l=1", attributes=attributes(EVERY_KIND)
    )
    link.dropped_attributes_count = 7
    link.flags = 0x101
    full = Span(
        trace_id=bytes(range(16)),
        span_id=bytes(range(8)),
        trace_state="a=b",
        parent_span_id=b"parent!!",
        flags=0x301,
        name="GET /x",
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=NOW,
        end_time_unix_nano=NOW + 123_456_789,
        attributes=attributes(EVERY_KIND),
        dropped_attributes_count=1,
        events=[event, Span.Event(time_unix_nano=NOW + 2, name="second")],
        dropped_events_count=2,
        links=[link],
        dropped_links_count=3,
        status=Status(message="broken", code=Status.STATUS_CODE_ERROR),
    )
    bare = Span(name="zz", start_time_unix_nano=NOW + 1, end_time_unix_nano=NOW)
    odd = Span(
        trace_id=b"too short",
        span_id=b"much too long for a span",
        name="zzz",
        start_time_unix_nano=2**64 - 1,
        end_time_unix_nano=2**64 - 1,
        links=[Span.Link(trace_id=b"x" * 20, span_id=b"y")],
    )
    odd.kind = 77  # type: ignore[assignment]
    odd.status.code = -3  # type: ignore[assignment]
    body = ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=resource(),
                schema_url="https://schema/r",
                scope_spans=[
                    ScopeSpans(
                        scope=scope(), schema_url="https://schema/s", spans=[full, bare, odd]
                    )
                ],
            ),
            ResourceSpans(scope_spans=[ScopeSpans(), ScopeSpans(spans=[Span(name="zzzz")])]),
            ResourceSpans(resource=resource()),
        ]
    ).SerializeToString()
    store.insert(
        Signal.TRACES, [envelope(Signal.TRACES, logged(otlp_kinds.TRACES, body), weight=2.5)]
    )
    first, second, third, fourth = stored(store, "spans", "name")
    assert first == AROUND | {
        "time": instant(NOW),
        "duration_ns": 123_456_789,
        "duration_flag": 0,
        "trace_id": bytes(range(16)).hex().upper(),
        "span_id": bytes(range(8)).hex().upper(),
        "parent_span_id": b"parent!!".hex().upper(),
        "trace_state": "a=b",
        "name": "GET /x",
        "kind": "server",
        "status": "error",
        "status_message": "broken",
        "attrs": texts(EVERY_KIND),
        "attr_types": type_codes(EVERY_KIND),
        "dropped_attrs": 1,
        "events.time": [instant(NOW + 1), instant(NOW + 2)],
        "events.name": ["exception", "second"],
        "events.attrs": [texts(EVERY_KIND), {}],
        "events.attr_types": [type_codes(EVERY_KIND), ""],
        "events.dropped_attrs": [6, 0],
        "dropped_events": 2,
        "links.trace_id": hexes([b"T" * 16], 16),
        "links.span_id": hexes([b"S" * 8], 8),
        "links.trace_state": ["l=1"],
        "links.attrs": [texts(EVERY_KIND)],
        "links.attr_types": [type_codes(EVERY_KIND)],
        "links.dropped_attrs": [7],
        "links.flags": [0x101],
        "dropped_links": 3,
        "flags": 0x301,
    }
    assert (second["duration_ns"], second["kind"], second["status"]) == (0, "unspecified", "unset")
    assert second["parent_span_id"] == "00" * 8
    assert third["time"] == instant(2**63 - 1)
    assert (third["kind"], third["status"], third["duration_ns"]) == ("77", "-3", 0)
    assert [row["duration_flag"] for row in (second, third)] == [1, 0]
    assert third["trace_id"] == hexes([b"too short"], 16)[0]
    assert third["span_id"] == hexes([b"much too long for a span"], 8)[0]
    assert third["links.trace_id"] == hexes([b"x" * 20], 16)
    assert third["links.span_id"] == hexes([b"y"], 8)
    assert (fourth["service"], fourth["resource_attrs"], fourth["scope_name"]) == ("", {}, "")
    assert store.text(f"SELECT count() FROM {store.database}.spans") == "4"
    assert store.text(f"SELECT sum(rows) FROM {store.database}.spans_1m") == "4"


BODY: dict[str, Any] = {
    "message": "every level is read",
    "list": {"two": {"three": 3, "four": {"five": 5}}, "array": [1, [2, [3]]]},
    "bytes": b"\x00",
}


def test_log_records(store: EngineStore) -> None:
    full = LogRecord(
        time_unix_nano=NOW,
        observed_time_unix_nano=NOW + 9,
        severity_number=17,  # type: ignore[arg-type]
        severity_text="ERROR",
        body=value(BODY),
        attributes=attributes(EVERY_KIND),
        dropped_attributes_count=2,
        flags=1,
        trace_id=b"T" * 16,
        span_id=b"S" * 8,
        event_name="order.failed",
    )
    others = [
        LogRecord(observed_time_unix_nano=NOW + 1, body=value("plain"), event_name="1"),
        LogRecord(body=value([1, "a", [2, {"b": [3, {"c": [4]}]}]]), event_name="2"),
        LogRecord(body=value(b"\x00\x01"), event_name="3"),
        LogRecord(body=value(float("nan")), event_name="4"),
        LogRecord(event_name="5"),
        LogRecord(body=value(False), event_name="6"),
    ]
    body = ExportLogsServiceRequest(
        resource_logs=[
            ResourceLogs(
                resource=resource(),
                schema_url="https://schema/r",
                scope_logs=[
                    ScopeLogs(
                        scope=scope(), schema_url="https://schema/s", log_records=[full, *others]
                    )
                ],
            )
        ]
    ).SerializeToString()
    body = logged(otlp_kinds.LOGS, body)
    store.insert(Signal.LOGS, [envelope(Signal.LOGS, body, weight=2.5)])
    *rest, first = stored(store, "logs", "event_name")
    assert first == AROUND | {
        "time": instant(NOW),
        "observed_time": instant(NOW + 9),
        "severity_number": 17,
        "severity_text": "ERROR",
        "body": text(BODY),
        "event_name": "order.failed",
        "trace_id": hexes([b"T" * 16], 16)[0],
        "span_id": hexes([b"S" * 8], 8)[0],
        "flags": 1,
        "attrs": texts(EVERY_KIND),
        "attr_types": type_codes(EVERY_KIND),
        "dropped_attrs": 2,
    }
    assert msgspec.json.decode(first["body"])["list"]["two"]["three"] == 3
    deep = [1, "a", [2, {"b": [3, {"c": [4]}]}]]
    assert [row["body"] for row in rest] == ["plain", text(deep), "AAE=", "nan", "", "false"]
    assert rest[0]["time"] == instant(NOW + 1)
    assert rest[1]["time"] == instant(RECEIVED_NS // 10**6 * 10**6)


def exemplar() -> list[m.Exemplar]:
    return [
        m.Exemplar(
            filtered_attributes=attributes(EVERY_KIND),
            time_unix_nano=NOW + 3,
            as_double=1.25,
            span_id=b"S" * 8,
            trace_id=b"T" * 16,
        ),
        m.Exemplar(time_unix_nano=NOW + 4, as_int=-4),
    ]


TIMES: dict[str, Any] = {"start_time_unix_nano": NOW - 10, "time_unix_nano": NOW}
METRICS = [
    m.Metric(
        name="a",
        description="d",
        unit="By",
        metadata=attributes(EVERY_KIND),
        gauge=m.Gauge(
            data_points=[
                m.NumberDataPoint(
                    **TIMES,
                    attributes=attributes(EVERY_KIND),
                    as_double=0.5,
                    flags=1,
                    exemplars=exemplar(),
                )
            ]
        ),
    ),
    m.Metric(
        name="b",
        sum=m.Sum(
            aggregation_temporality=m.AGGREGATION_TEMPORALITY_CUMULATIVE,
            is_monotonic=True,
            data_points=[m.NumberDataPoint(**TIMES, as_int=2**60 + 1, exemplars=exemplar())],
        ),
    ),
    m.Metric(
        name="c",
        histogram=m.Histogram(
            aggregation_temporality=m.AGGREGATION_TEMPORALITY_DELTA,
            data_points=[
                m.HistogramDataPoint(
                    **TIMES,
                    attributes=attributes({"k": "v"}),
                    count=6,
                    sum=0.0,
                    bucket_counts=[1, 2, 3],
                    explicit_bounds=[1.0, 2.5],
                    exemplars=exemplar(),
                    flags=2,
                    min=-1.0,
                    max=0.0,
                ),
                m.HistogramDataPoint(**TIMES, count=0),
            ],
        ),
    ),
    m.Metric(
        name="d",
        exponential_histogram=m.ExponentialHistogram(
            aggregation_temporality=m.AGGREGATION_TEMPORALITY_DELTA,
            data_points=[
                m.ExponentialHistogramDataPoint(
                    **TIMES,
                    attributes=attributes({"k": "v"}),
                    count=15,
                    sum=2.0,
                    scale=-2,
                    zero_count=5,
                    zero_threshold=0.125,
                    flags=3,
                    exemplars=exemplar(),
                    min=1.0,
                    positive=m.ExponentialHistogramDataPoint.Buckets(
                        offset=-3, bucket_counts=[4, 3]
                    ),
                    negative=m.ExponentialHistogramDataPoint.Buckets(offset=2, bucket_counts=[3]),
                )
            ],
        ),
    ),
    m.Metric(
        name="e",
        summary=m.Summary(
            data_points=[
                m.SummaryDataPoint(
                    **TIMES,
                    attributes=attributes({"k": "v"}),
                    count=3,
                    sum=7.5,
                    flags=1,
                    quantile_values=[
                        m.SummaryDataPoint.ValueAtQuantile(quantile=0.5, value=2.0),
                        m.SummaryDataPoint.ValueAtQuantile(quantile=1.0, value=4.0),
                    ],
                )
            ]
        ),
    ),
]
EMPTY_POINT: dict[str, Any] = {
    "description": "", "unit": "", "metadata": {}, "monotonic": False,
    "temporality": "unspecified", "value": None, "value_int": None, "count": 0, "sum": None,
    "min": None, "max": None, "bounds": [], "bucket_counts": [], "scale": 0, "zero_count": 0,
    "zero_threshold": 0, "positive_offset": 0, "positive_counts": [], "negative_offset": 0,
    "negative_counts": [], "quantiles": [], "quantile_values": [], "flags": 0, "attrs": {},
    "attr_types": "",
    "time": instant(NOW), "start_time": instant(NOW - 10),
}  # fmt: skip
EXEMPLARS = {
    "exemplars.time": [instant(NOW + 3), instant(NOW + 4)],
    "exemplars.value": [1.25, -4],
    "exemplars.value_int": [None, -4],
    "exemplars.trace_id": hexes([b"T" * 16, b""], 16),
    "exemplars.span_id": hexes([b"S" * 8, b""], 8),
    "exemplars.attrs": [texts(EVERY_KIND), {}],
}
NO_EXEMPLARS: dict[str, Any] = {name: [] for name in EXEMPLARS}


def test_metric_points_of_every_kind(store: EngineStore) -> None:
    body = ExportMetricsServiceRequest(
        resource_metrics=[
            m.ResourceMetrics(
                resource=resource(),
                schema_url="https://schema/r",
                scope_metrics=[
                    m.ScopeMetrics(scope=scope(), schema_url="https://schema/s", metrics=METRICS),
                    m.ScopeMetrics(metrics=[m.Metric(name="nothing")]),
                ],
            )
        ]
    ).SerializeToString()
    store.insert(
        Signal.METRICS, [envelope(Signal.METRICS, logged(otlp_kinds.METRICS, body), weight=2.5)]
    )
    rows = stored(store, "metric_points", "name, count DESC")
    for row in rows:  # JSON has no sign of a float that is a whole number
        row["value"] = None if row["value"] is None else float(row["value"])
    series = [row.pop("series") for row in rows]
    assert len(set(series)) == 6
    common = AROUND | EMPTY_POINT
    assert rows == [
        common | EXEMPLARS | {
            "type": "gauge", "name": "a", "description": "d", "unit": "By",
            "metadata": texts(EVERY_KIND), "attrs": texts(EVERY_KIND), "value": 0.5, "flags": 1,
            "attr_types": type_codes(EVERY_KIND),
        },
        common | EXEMPLARS | {
            "type": "sum", "name": "b", "temporality": "cumulative", "monotonic": True,
            "value": float(2**60 + 1), "value_int": 2**60 + 1,
        },
        common | EXEMPLARS | {
            "type": "histogram", "name": "c", "temporality": "delta", "attrs": {"k": "v"},
            "attr_types": "s",
            "count": 6, "sum": 0, "min": -1, "max": 0, "bounds": [1, 2.5],
            "bucket_counts": [1, 2, 3], "flags": 2,
        },
        common | NO_EXEMPLARS | {"type": "histogram", "name": "c", "temporality": "delta"},
        common | EXEMPLARS | {
            "type": "exponential_histogram", "name": "d", "temporality": "delta",
            "attrs": {"k": "v"}, "attr_types": "s", "count": 15,
            "sum": 2, "min": 1, "scale": -2, "zero_count": 5,
            "zero_threshold": 0.125, "positive_offset": -3, "positive_counts": [4, 3],
            "negative_offset": 2, "negative_counts": [3], "flags": 3,
        },
        common | NO_EXEMPLARS | {
            "type": "summary", "name": "e", "attrs": {"k": "v"}, "attr_types": "s", "count": 3,
            "sum": 7.5,
            "flags": 1, "quantiles": [0.5, 1], "quantile_values": [2, 4],
        },
    ]  # fmt: skip
