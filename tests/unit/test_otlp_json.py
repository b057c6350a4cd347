"""OTLP/JSON to protobuf: golden pairs, and the path of what is wrong."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from collector.receivers.otlp_check import dead_letters, examine_json
from collector.receivers.otlp_json import to_protobuf
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

GOLDEN = Path(__file__).parents[1] / "golden" / "otlp"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.signal.value)
def test_golden_json_means_its_protobuf(kind: Kind) -> None:
    body = (GOLDEN / f"{kind.signal.value}.json").read_bytes()
    meant = text_format.Parse((GOLDEN / f"{kind.signal.value}.txtpb").read_text(), kind.request())
    assert to_protobuf(kind, body) == meant.SerializeToString()


def _span(**members: object) -> bytes:
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [members]}]}]}).encode()


@pytest.mark.parametrize(
    ("member", "value", "says"),
    [
        ("traceId", "5b8z", "hexadecimal"),
        ("traceId", "5b8", "hexadecimal"),
        ("spanId", 12, "Expected `str`"),
        ("name", 5, "Expected `str"),
        ("kind", "SPAN_KIND_SERVER", "Expected `int"),
        ("startTimeUnixNano", "yesterday", "Expected `int"),
        ("startTimeUnixNano", -1, ">= 0"),
        ("startTimeUnixNano", str(2**64), "out of range"),
        ("droppedEventsCount", 2**32, "<= 4294967295"),
        ("attributes", {}, "Expected `array"),
        ("status", [], "Expected `object"),
    ],
)
def test_the_path_of_what_is_wrong(member: str, value: object, says: str) -> None:
    with pytest.raises(Rejected) as rejected:
        to_protobuf(TRACES, _span(**{member: value}))
    assert rejected.value.reason is Reason.MALFORMED
    assert rejected.value.field == f"$.resourceSpans[0].scopeSpans[0].spans[0].{member}"
    assert rejected.value.message.startswith(rejected.value.field + ": ")
    assert says in rejected.value.message


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"5",
        b"null",
        b'"x"',
        b"{} {}",
        b"\xff\xfe{}",
        b'{"resourceLogs":[{"schemaUrl":"\xff"}]}',
    ],
)
def test_what_is_not_a_json_request_is_malformed(body: bytes) -> None:
    with pytest.raises(Rejected) as rejected:
        to_protobuf(LOGS, body)
    assert rejected.value.reason is Reason.MALFORMED


LENIENT = [
    ("kind", '"SPAN_KIND_SERVER"', 2),
    ("kind", '"2"', 2),
    ("startTimeUnixNano", "1.796e18", 1_796_000_000_000_000_000),
    ("startTimeUnixNano", '"1.796e18"', 1_796_000_000_000_000_000),
    ("startTimeUnixNano", "1796000000000000001.0", 1_796_000_000_000_000_001),
    ("start_time_unix_nano", '"17"', 17),
    ("endTimeUnixNano", "18446744073709551615", 2**64 - 1),
    ("droppedAttributesCount", "3.0", 3),
    ("name", r'"half \ud83d"', "half \ufffd"),
    ("attributes", "[null]", []),
    ("status", "null", None),
    ("unknown", '{"x":[[]]}', None),
]


@pytest.mark.parametrize(("member", "value", "meant"), LENIENT)
def test_what_the_reference_collector_reads_is_read(member: str, value: str, meant: object) -> None:
    body = _span(traceId="01" * 16, spanId="02" * 8, HERE=1).decode()
    examined = examine_json(TRACES, body.replace('"HERE": 1', f'"{member}": {value}').encode())
    assert examined.outcome == Outcome(offered=1, accepted=1)
    request: Any = TRACES.request.FromString(examined.body)
    [span] = request.resource_spans[0].scope_spans[0].spans
    assert span.span_id == b"\2" * 8
    if meant is not None:
        name = re.sub("([A-Z])", lambda found: "_" + found[1].lower(), member)
        assert getattr(span, name) == meant


def test_a_byte_order_mark_is_passed_over() -> None:
    body = b"\xef\xbb\xbf" + _span(traceId="01" * 16, spanId="02" * 8)
    assert examine_json(TRACES, body).outcome == Outcome(offered=1, accepted=1)


def test_enums_of_every_signal_may_be_names() -> None:
    record = b'{"severityNumber":"SEVERITY_NUMBER_WARN"}'
    logs = b'{"resourceLogs":[{"scopeLogs":[{"logRecords":[%s]}]}]}' % record
    read: Any = LOGS.request.FromString(examine_json(LOGS, logs).body)
    assert read.resource_logs[0].scope_logs[0].log_records[0].severity_number == 13
    temporality = b'"aggregationTemporality":"AGGREGATION_TEMPORALITY_CUMULATIVE"'
    points = b'{"sum":{"dataPoints":[{"asInt":"1"},{"asInt":2}],%s}}' % temporality
    metrics = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[%s]}]}]}' % points
    found: Any = METRICS.request.FromString(examine_json(METRICS, metrics).body)
    sums = found.resource_metrics[0].scope_metrics[0].metrics[0].sum
    assert (sums.aggregation_temporality, len(sums.data_points)) == (2, 2)


def test_a_metric_that_cannot_be_read_costs_its_points_alone() -> None:
    bad = b'{"name":"bad","sum":{"aggregationTemporality":"DAILY","dataPoints":[{},{}]}}'
    good = b'{"name":"good","gauge":{"dataPoints":[{"asInt":1}]}}'
    body = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[%s,%s]}]}]}' % (bad, good)
    examined = examine_json(METRICS, body)
    assert examined.outcome == Outcome(offered=3, accepted=1, rejected={"malformed": 2})
    found = list(dead_letters(examined))
    assert [(x.index, x.name, x.original) for x in found] == [
        (0, "bad", b"{}"),
        (1, "bad", b"{}"),
    ]
    assert found[0].field.endswith("metrics[0].sum.aggregationTemporality")


def test_a_body_without_a_known_field_is_rejected_with_that_reason() -> None:
    for body in (b'{"resourceLogs":[]}', b'{"resource_logs":[{}]}', b'{"x":{"y":[[]]}}'):
        with pytest.raises(Rejected) as rejected:
            examine_json(TRACES, body)
        assert rejected.value.reason is Reason.MALFORMED
        assert "'resourceSpans'" in rejected.value.message
    assert examine_json(TRACES, b'{"resourceSpans":[],"x":1}').outcome == Outcome(0, 0)
    assert examine_json(TRACES, b"{}").outcome == Outcome(0, 0)


def test_names_in_snake_case_are_read_at_every_level() -> None:
    span = {"trace_id": "01" * 16, "span_id": "02" * 8, "start_time_unix_nano": "5"}
    body = {"resource_spans": [{"scope_spans": [{"spans": [span]}]}]}
    mixed = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    for document in (body, mixed):
        examined = examine_json(TRACES, json.dumps(document).encode())
        read: Any = TRACES.request.FromString(examined.body)
        assert read.resource_spans[0].scope_spans[0].spans[0].start_time_unix_nano == 5


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        (b'{"arrayValue":{"values":[' * 60 + b"{}" + b"]}}" * 60, 0),
        (b'{"kvlistValue":{"values":[{"value":' * 5000 + b"{}" + b"}]}}" * 5000, 0),
        (b'{"future":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 1),
    ],
    ids=["beyond protobuf", "beyond the parser", "in an unknown field"],
)
def test_deep_nesting_costs_one_item(value: bytes, accepted: int) -> None:
    body = _span(traceId="01" * 16, spanId="02" * 8, attributes=[{"key": "a", "value": "HERE"}])
    body = body.replace(
        b'"spans": [', b'"spans": [{"traceId":"%s","spanId":"%s"},' % (b"03" * 16, b"04" * 8)
    )
    examined = examine_json(TRACES, body.replace(b'"HERE"', value))
    assert (examined.outcome.offered, examined.outcome.accepted) == (2, 1 + accepted)
    assert list(examined.outcome.rejected) == ["nested_too_deep"] * (1 - accepted)
