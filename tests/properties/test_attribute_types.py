"""Attributes in answers and exports have the types and values they were sent with.

Events go through the collector's own decoding; spans, their events and links, log records and
their resources are OTLP.
"""

import itertools
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from api.query.export_columns import shown
from collector.admission.native.decode import decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import Window, validate
from collector.receivers.otlp_check import examine
from collector.receivers.otlp_kinds import LOGS, TRACES
from seamark.wire.signals import Signal
from tests.support.otlp_values import attributes
from tests.support.people_events import MINUTE, NOW
from tests.support.questions_stack import Answers, answering, envelope

pytestmark = pytest.mark.integration
NUMBERS = itertools.count(1)
INTEGERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([2**53 + 1, -(2**53) - 1, 0])
DOUBLES = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [5.0, -0.0, 1e22, -4.322072349913683e16]
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12) | (
    st.sampled_from(["5", "5.0", "true", "null", "[1]", '{"a":1}', '"', "\\", "nan", "1e5", "/"])
)
SCALARS = TEXTS | INTEGERS | DOUBLES | st.booleans()
KEYS = st.sampled_from(["a", "b", "Z", "é", 'k"q', "\U0001f600", "\ue000", "a.b", "_"])
FLAT = st.dictionaries(KEYS, SCALARS, max_size=6)
NESTED = st.dictionaries(
    KEYS,
    SCALARS | st.lists(SCALARS, max_size=3) | st.dictionaries(KEYS, SCALARS, max_size=3),
    max_size=6,
)


def typed(of: Any) -> Any:
    """A value with its type beside it, so that 5, 5.0, "5" and true are four; -0.0 is not 0.0.

    Numbers inside arrays and objects are those of the stored JSON text, whose whole doubles below
    2^53 have no fraction: they compare as numbers.
    """
    return (type(of).__name__, repr(of)) if not isinstance(of, list | dict) else of


def types(of: dict[str, Any]) -> dict[str, Any]:
    return {key: typed(item) for key, item in of.items()}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering(Path(tmp_path_factory.mktemp("types")), [], now_ms=NOW) as running:
        yield running


def insert(answers: Answers, signal: Signal, body: bytes) -> None:
    sent = envelope(signal, body, org="acme", app="shop", received_ms=NOW, sent_ms=NOW)
    answers.runner.run(answers.store.insert(signal, [sent]))


def get(answers: Answers, path: str) -> Any:
    return answers.runner.run(answers.ask.get(path))


@settings(max_examples=15, deadline=None)
@given(attrs=FLAT, device=FLAT)
def test_of_events(answers: Answers, attrs: dict[str, Any], device: dict[str, Any]) -> None:
    name = f"e{next(NUMBERS)}"
    event = {"ts": NOW, "name": "tap", "id": name, "attrs": attrs, "device": device}
    event |= {"attrTypes": [7], "deviceTypes": "nnn"}  # a sender has no say in them
    batch = decode(json.dumps({"events": [event], "batchId": name}).encode())
    validated = validate(batch, window=Window(), names=EventNames())
    assert validated.outcome.accepted == 1, validated.errors
    insert(answers, Signal.EVENTS, validated.events_json)
    [found] = get(answers, f"/v1/events/{name}")["events"]
    assert types(found["attributes"]) == types(attrs)
    assert types(found["device"]) == types(device)


@settings(max_examples=15, deadline=None)
@given(own=NESTED, resource=NESTED, of_event=NESTED, of_link=NESTED)
def test_of_spans_and_log_records(
    answers: Answers,
    own: dict[str, Any],
    resource: dict[str, Any],
    of_event: dict[str, Any],
    of_link: dict[str, Any],
) -> None:
    number = next(NUMBERS)
    at, trace = (NOW - 1000) * 1_000_000 + number, number.to_bytes(16, "big")
    traces, logs = ExportTraceServiceRequest(), ExportLogsServiceRequest()
    resource_spans, resource_logs = traces.resource_spans.add(), logs.resource_logs.add()
    for holder in (resource_spans, resource_logs):
        holder.resource.attributes.extend(attributes(resource))
    span = resource_spans.scope_spans.add().spans.add(
        trace_id=trace, span_id=b"12345678", start_time_unix_nano=at, end_time_unix_nano=at
    )
    span.attributes.extend(attributes(own))
    span.events.add(name="x", attributes=attributes(of_event))
    span.links.add(trace_id=trace, span_id=b"87654321", attributes=attributes(of_link))
    resource_logs.scope_logs.add().log_records.add(
        time_unix_nano=at, trace_id=trace, attributes=attributes(own)
    )
    insert(answers, Signal.TRACES, examine(TRACES, traces.SerializeToString()).body)
    insert(answers, Signal.LOGS, examine(LOGS, logs.SerializeToString()).body)
    [found] = get(answers, f"/v1/traces/{trace.hex()}")["spans"]
    assert types(found["attributes"]) == types(own)
    assert types(found["resourceAttributes"]) == types(resource)
    assert types(found["events"][0]["attributes"]) == types(of_event)
    assert types(found["links"][0]["attributes"]) == types(of_link)
    question = {"from": NOW - MINUTE, "to": NOW + 1, "traceId": trace.hex()}
    [record] = answers("/v1/query/logs", "acme", question)["logs"]
    assert types(record["attributes"]) == types(own)
    assert types(record["resourceAttributes"]) == types(resource)
    sql = shown(Signal.TRACES, "attrs", "csv", guard=True)
    where = f"trace_id = unhex('{trace.hex()}')"
    cell = answers.runner.run(
        answers.store.run(f"SELECT {sql} FROM seamark.spans AS r WHERE {where} FORMAT RawBLOB")
    )
    assert types(msgspec.json.decode(cell)) == types(own)


def test_numbers_that_json_has_not_are_text_and_integers_have_all_digits(answers: Answers) -> None:
    logs = ExportLogsServiceRequest()
    given: dict[str, Any] = {
        "nan": math.nan,
        "up": math.inf,
        "down": -math.inf,
        "big": 2**63 - 1,
        "none": None,
    }
    given["bytes"] = b"\x00\xff"
    record = (
        logs.resource_logs.add()
        .scope_logs.add()
        .log_records.add(time_unix_nano=NOW * 1_000_000, trace_id=b"\xff" * 16)
    )
    record.attributes.extend(attributes(given))
    insert(answers, Signal.LOGS, logs.SerializeToString())
    question = {"from": NOW - MINUTE, "to": NOW + 1, "traceId": "ff" * 16}
    [found] = answers("/v1/query/logs", "acme", question)["logs"]
    assert found["attributes"] == {
        "nan": "nan", "up": "inf", "down": "-inf", "big": 9223372036854775807, "none": None,
        "bytes": "AP8=",
    }  # fmt: skip
    filtered = {**question, "filters": [{"key": "attr.big", "value": 2**63 - 1}]}
    assert len(answers("/v1/query/logs", "acme", filtered)["logs"]) == 1
