"""OTLP/JSON to protobuf: golden pairs, and the path of what is wrong."""

import json
from pathlib import Path

import pytest
from google.protobuf import text_format

from collector.receivers.otlp_check import examine
from collector.receivers.otlp_json import to_protobuf
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
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


@pytest.mark.parametrize(
    "escaped", [b"\\ud800", b"\\udc00x", b"\\ud834\\ud834"], ids=["high", "low", "two"]
)
def test_half_a_surrogate_pair_is_malformed(escaped: bytes) -> None:
    body = _span(name="HERE").replace(b"HERE", escaped)
    with pytest.raises(Rejected) as rejected:
        to_protobuf(TRACES, body)
    assert rejected.value.reason is Reason.MALFORMED


def test_a_null_in_a_list_is_malformed() -> None:
    with pytest.raises(Rejected) as rejected:
        to_protobuf(METRICS, b'{"resourceMetrics":[null]}')
    assert rejected.value.field == "$.resourceMetrics[0]"


def test_original_field_names_are_unknown_names() -> None:
    assert to_protobuf(TRACES, b'{"resource_spans":[{}],"x":{"y":[[]]}}') == b""


@pytest.mark.parametrize(
    "value",
    [
        b'{"arrayValue":{"values":[' * 60 + b"{}" + b"]}}" * 60,
        b'{"kvlistValue":{"values":[{"value":' * 5000 + b"{}" + b"}]}}" * 5000,
        b'{"future":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["beyond protobuf", "beyond the parser", "in an unknown field"],
)
def test_deep_nesting_is_refused_as_such(value: bytes) -> None:
    body = _span(attributes=[{"key": "a", "value": "HERE"}]).replace(b'"HERE"', value)
    with pytest.raises(Rejected) as rejected:
        examine(TRACES, to_protobuf(TRACES, body))
    assert rejected.value.reason is Reason.TOO_DEEP
