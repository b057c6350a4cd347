"""OTLP/HTTP: answers by the dead letter of the specification."""

import json
from typing import Any

import pytest
from google.rpc import status_pb2

from collector.receivers import otlp_http
from collector.receivers.exchange import Receiver
from collector.receivers.otlp_export import sdk_of
from collector.receivers.otlp_kinds import KINDS, LOGS, TRACES, Kind
from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from tests.unit.otlp_ingest import LOG_AWAY, FakeIngest, head

PROTOBUF, JSON = "application/x-protobuf", "application/json"
TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))


def _receiver(ingest: FakeIngest, kind: Kind = TRACES) -> Receiver:
    return next(r for r in otlp_http.build(ingest) if r.path == kind.path)


def _spans(*trace_ids: bytes) -> bytes:
    request: Any = TRACES.request()
    spans = request.resource_spans.add().scope_spans.add().spans
    for trace_id in trace_ids:
        spans.add(trace_id=trace_id, span_id=SPAN)
    return bytes(request.SerializeToString())


def test_three_paths() -> None:
    paths = [receiver.path for receiver in otlp_http.build(FakeIngest())]
    assert paths == ["/v1/traces", "/v1/metrics", "/v1/logs"]


async def test_full_success_is_an_empty_response() -> None:
    ingest = FakeIngest()
    request = head(PROTOBUF, user_agent="OTel-OTLP-Exporter-Python/1.45.2")
    reply = await _receiver(ingest).accept(request, _spans(TRACE, TRACE))
    assert (reply.status, reply.body, reply.content_type) == (200, b"", PROTOBUF)
    assert ingest.admissions == [("otlp/http", ("OTel-OTLP-Exporter-Python", "1.45.2"))]
    appended = ingest.appended[0]
    assert (appended.signal, appended.body) == (Signal.TRACES, _spans(TRACE, TRACE))
    assert appended.outcome == Outcome(offered=2, accepted=2)


async def test_partial_success_counts_and_explains() -> None:
    ingest = FakeIngest()
    reply = await _receiver(ingest).accept(head(PROTOBUF), _spans(TRACE, b"", TRACE))
    response: Any = TRACES.response.FromString(reply.body)
    assert reply.status == 200
    assert response.partial_success.rejected_spans == 1
    assert "1 of 3 spans" in response.partial_success.error_message
    assert ingest.appended[0].body == _spans(TRACE, TRACE)


async def test_json_is_answered_in_json() -> None:
    spans = [{"traceId": TRACE.hex(), "spanId": SPAN.hex()}, {"traceId": "00", "spanId": ""}]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    ingest = FakeIngest()
    reply = await _receiver(ingest).accept(head("application/json; charset=utf-8"), body)
    assert (reply.status, reply.content_type) == (200, JSON)
    partial = json.loads(reply.body)["partialSuccess"]
    assert partial["rejectedSpans"] == "1"
    assert partial["errorMessage"]
    assert ingest.appended[0].body == _spans(TRACE)


async def test_a_remark_without_rejections_leaves_the_count_at_zero() -> None:
    record = {"traceId": "abcd", "body": {"stringValue": "x"}}
    body = json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}).encode()
    ingest = FakeIngest()
    reply = await _receiver(ingest, LOGS).accept(head(JSON), body)
    partial = json.loads(reply.body)["partialSuccess"]
    assert list(partial) == ["errorMessage"]
    assert ingest.appended[0].outcome == Outcome(offered=1, accepted=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("content_type", "body", "answer"),
    [(PROTOBUF, b"", b""), (JSON, b"", b"{}"), (JSON, b"{}", b"{}"), (PROTOBUF, b"\x0a\0", b"")],
)
async def test_nothing_is_a_success_that_leaves_no_trace(
    kind: Kind, content_type: str, body: bytes, answer: bytes
) -> None:
    ingest = FakeIngest()
    reply = await _receiver(ingest, kind).accept(head(content_type), body)
    assert (reply.status, reply.body, ingest.appended) == (200, answer, [])


async def test_all_rejected_still_reaches_the_ledger() -> None:
    ingest = FakeIngest()
    await _receiver(ingest).accept(head(PROTOBUF), _spans(b"", b"x"))
    assert ingest.appended[0].body == b""
    assert ingest.appended[0].outcome == Outcome(
        offered=2, accepted=0, rejected={"invalid_identifier": 2}
    )


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/protobuf", "json"])
async def test_another_content_type_is_415(content_type: str) -> None:
    receiver, request = _receiver(FakeIngest()), head(content_type)
    with pytest.raises(Rejected) as rejected:
        await receiver.accept(request, _spans(TRACE))
    reply = receiver.failure(request, rejected.value)
    assert (reply.status, reply.content_type) == (415, JSON)
    assert PROTOBUF in json.loads(reply.body)["message"]


async def test_failures_are_in_the_encoding_of_the_request() -> None:
    receiver = _receiver(FakeIngest())
    failure = Unavailable("the log is away", retry_after=4)
    binary = receiver.failure(head(PROTOBUF), failure)
    assert (binary.status, binary.content_type) == (503, PROTOBUF)
    assert binary.headers == {"Retry-After": "4"}
    assert status_pb2.Status.FromString(binary.body).message == "the log is away"
    text = receiver.failure(head(JSON), Rejected(Reason.MALFORMED, "bad", field="$.x"))
    assert (text.status, text.content_type) == (400, JSON)
    assert json.loads(text.body)["details"][1]["fieldViolations"][0]["field"] == "$.x"


async def test_an_unknown_key_is_refused_before_the_body_is_looked_at() -> None:
    with pytest.raises(Rejected) as rejected:
        await _receiver(FakeIngest()).accept(head(PROTOBUF, x_api_key="smk_no"), b"\xff")
    assert rejected.value.reason is Reason.UNKNOWN_KEY


async def test_what_the_log_did_not_take_is_not_answered_with_200() -> None:
    ingest = FakeIngest(failures=[LOG_AWAY])
    with pytest.raises(Unavailable):
        await _receiver(ingest).accept(head(PROTOBUF), _spans(TRACE))


@pytest.mark.parametrize(
    ("agent", "sdk"),
    [
        ("OTel-OTLP-Exporter-Python/1.45.2", ("OTel-OTLP-Exporter-Python", "1.45.2")),
        ("OTel-OTLP-Exporter-Go/1.2.3 grpc-go/1.60", ("OTel-OTLP-Exporter-Go", "1.2.3")),
        (
            "OpenTelemetry Collector Contrib/0.96.0 (linux/amd64)",
            ("OpenTelemetry Collector Contrib", "0.96.0"),
        ),
        ("Mozilla/5.0 (X11; Linux x86_64)", ("", "")),
        ("", ("", "")),
        ("x" * 5000, ("", "")),
    ],
)
def test_sdk_of_a_user_agent(agent: str, sdk: tuple[str, str]) -> None:
    assert sdk_of(agent) == sdk
