"""One item that cannot be read (text that is not UTF-8, half an emoji, a value nested too deep):
the others of its request are stored, over every protocol.
"""

import json
import time
from typing import Any

import pytest

from collector.receivers.otlp_kinds import LOGS, TRACES
from seamark.wire.envelope import bytes_field
from tests.support.collector_process import CollectorProcess
from tests.support.otlp_sending import JSON, call, items, post
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration


def _records(seventh: bytes) -> bytes:
    texts = [seventh if place == 7 else b"line %d" % place for place in range(10)]
    records = [bytes_field(2, bytes_field(5, bytes_field(1, text))) for text in texts]
    return bytes_field(1, bytes_field(2, b"".join(records)))


def _bodies(log: NatsServer) -> list[str]:
    return [record.body.string_value for record in items(log, LOGS)]


EXPECTED = [f"line {place}" if place != 7 else "line \ufffd" for place in range(10)]


def test_text_that_is_not_utf_8(collector: CollectorProcess, log: NatsServer) -> None:
    answer = post(collector, LOGS, _records(b"line \xff"))
    assert answer.status == 200
    response: Any = LOGS.response.FromString(answer.body)
    assert "U+FFFD" in response.partial_success.error_message
    assert _bodies(log) == EXPECTED


def test_the_same_over_grpc(collector: CollectorProcess, log: NatsServer) -> None:
    response = call(collector, LOGS, _records(b"line \xff"))
    assert "U+FFFD" in response.partial_success.error_message
    assert _bodies(log) == EXPECTED


def test_half_an_emoji(collector: CollectorProcess, log: NatsServer) -> None:
    records = [
        {"timeUnixNano": str(time.time_ns()), "body": {"stringValue": f"line {place}"}}
        for place in range(10)
    ]
    document = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}
    body = json.dumps(document).encode().replace(b"line 7", b"line \\ud83d")
    assert post(collector, LOGS, body, content_type=JSON).status == 200
    assert _bodies(log) == EXPECTED


def _deep_spans() -> list[dict[str, Any]]:
    value: dict[str, Any] = {"stringValue": "leaf"}
    for _ in range(40):
        value = {"kvlistValue": {"values": [{"key": "k", "value": value}]}}
    good = {"traceId": "01" * 16, "spanId": "02" * 8, "name": "good"}
    return [good, {**good, "name": "deep", "attributes": [{"key": "deep", "value": value}]}]


def test_a_value_nested_too_deep(collector: CollectorProcess, log: NatsServer) -> None:
    answer = post(
        collector, TRACES, {"resourceSpans": [{"scopeSpans": [{"spans": _deep_spans()}]}]}
    )
    assert answer.status == 200
    assert answer.json["partialSuccess"]["rejectedSpans"] == "1"
    assert [span.name for span in items(log, TRACES)] == ["good"]


def test_a_value_nested_too_deep_over_grpc(collector: CollectorProcess, log: NatsServer) -> None:
    deep = bytes_field(1, b"leaf")
    for _ in range(40):
        deep = bytes_field(6, bytes_field(1, bytes_field(1, b"k") + bytes_field(2, deep)))
    ids = bytes_field(1, b"\1" * 16) + bytes_field(2, b"\2" * 8)
    bad = ids + bytes_field(9, bytes_field(1, b"deep") + bytes_field(2, deep))
    good = ids + bytes_field(5, b"good")
    body = bytes_field(1, bytes_field(2, bytes_field(2, bad) + bytes_field(2, good)))
    response = call(collector, TRACES, body)
    assert response.partial_success.rejected_spans == 1
    assert [span.name for span in items(log, TRACES)] == ["good"]
