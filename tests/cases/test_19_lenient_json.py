"""OTLP/JSON as scripts write it and as the reference Collector takes it: enums by name, integers
with an exponent, a byte order mark, names in snake_case; a body without a known field is refused.
"""

import json

import pytest

from collector.receivers.otlp_kinds import TRACES
from tests.support.collector_process import CollectorProcess
from tests.support.otlp_sending import JSON, items, post
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
START = 1_796_000_000_000_000_000


def _body(**members: object) -> bytes:
    span = {"traceId": "01" * 16, "spanId": "02" * 8, "startTimeUnixNano": str(START), **members}
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


def test_what_the_reference_collector_takes(collector: CollectorProcess, log: NatsServer) -> None:
    named = _body(name="enum", kind="SPAN_KIND_SERVER", status={"code": "STATUS_CODE_OK"})
    exponent = _body(name="exponent", startTimeUnixNano="@").replace(b'"@"', b"1.796e18")
    marked = b"\xef\xbb\xbf" + _body(name="mark")
    snake = (
        _body(name="snake")
        .replace(b"resourceSpans", b"resource_spans")
        .replace(b"traceId", b"trace_id")
        .replace(b"startTimeUnixNano", b"start_time_unix_nano")
    )
    for body in (named, exponent, marked, snake):
        answer = post(collector, TRACES, body, content_type=JSON)
        assert (answer.status, answer.body) == (200, b"{}")
    found = {span.name: span for span in items(log, TRACES)}
    assert set(found) == {"enum", "exponent", "mark", "snake"}
    assert {span.start_time_unix_nano for span in found.values()} == {START}
    assert (found["enum"].kind, found["enum"].status.code) == (2, 1)


def test_a_body_without_a_known_field(collector: CollectorProcess) -> None:
    answer = post(collector, TRACES, {"resourceLogs": [{}]})
    assert answer.status == 400
    assert "resourceSpans" in answer.json["message"]
