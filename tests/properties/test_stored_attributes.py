"""Every stored attribute of log records, spans and native events has a spelling that finds it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from operator import eq, ge, gt, le, lt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from seamark.wire.signals import Signal
from tests.support.people_events import MINUTE, NOW
from tests.support.questions_stack import Answers, answering, envelope

pytestmark = pytest.mark.integration
KEYS = [
    "app", "service", "name", "kind", "status", "severity_text", "event_name", "scope_name", "org",
    "attr", "attr.app", "resource", "resource.name", "scope.version", "body", "time", "country",
    "it's", "{p0:String}", "a\\b", "%_", "☠", "é" * 60, "k" * 300, "a.b.c", " ", "x'] OR 1=1 --",
]  # fmt: skip
VALUES = [
    "",
    "1",
    "1.0",
    "-2.5",
    "true",
    "[1,2]",
    "it's",
    "{p1:String}",
    "☠ \\",
    "x" * 200,
    "9007199254740993",
]
PLACES = ("attr", "resource", "scope")
Attributes = dict[str, str]


@dataclass(frozen=True)
class Item:
    """A record and a span of the same attributes, by where they are."""

    name: str
    attributes: dict[str, Attributes]


def make(count: int) -> list[Item]:
    rng = random.Random(8)

    def some() -> Attributes:
        return {key: rng.choice(VALUES) for key in rng.sample(KEYS, 6)}

    return [Item(f"item {place}", {where: some() for where in PLACES}) for place in range(count)]


MADE = make(40)


def key_values(attributes: Attributes) -> list[KeyValue]:
    return [KeyValue(key=k, value=AnyValue(string_value=v)) for k, v in attributes.items()]


def bodies() -> Iterator[tuple[Signal, bytes]]:
    logs, traces = ExportLogsServiceRequest(), ExportTraceServiceRequest()
    for place, item in enumerate(MADE):
        at = (NOW - 1000 + place) * 1_000_000
        resource_logs, resource_spans = logs.resource_logs.add(), traces.resource_spans.add()
        for holder in (resource_logs, resource_spans):
            holder.resource.attributes.extend(key_values(item.attributes["resource"]))
        scope_logs, scope_spans = resource_logs.scope_logs.add(), resource_spans.scope_spans.add()
        for scope in (scope_logs.scope, scope_spans.scope):
            scope.attributes.extend(key_values(item.attributes["scope"]))
        own = key_values(item.attributes["attr"])
        scope_logs.log_records.add(
            time_unix_nano=at, body=AnyValue(string_value=item.name), attributes=own
        )
        scope_spans.spans.add(
            trace_id=(place + 1).to_bytes(16, "big"), span_id=(place + 1).to_bytes(8, "big"),
            name=item.name, start_time_unix_nano=at, end_time_unix_nano=at, attributes=own,
        )  # fmt: skip
    yield Signal.LOGS, logs.SerializeToString()
    yield Signal.TRACES, traces.SerializeToString()


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = Path(tmp_path_factory.mktemp("keys"))
    envelopes = [
        (signal, [envelope(signal, body, org="acme", app="shop", received_ms=NOW)])
        for signal, body in bodies()
    ]
    with answering(folder, envelopes, now_ms=NOW) as running:
        yield running


def found(answers: Answers, filters: list[Any]) -> tuple[set[str], set[str]]:
    """Names of the records and of the spans that the filters find."""
    question = {"from": NOW - MINUTE, "to": NOW + 1, "limit": 500, "filters": filters}
    logs = answers("/v1/query/logs", "acme", question)["logs"]
    traces = answers("/v1/query/traces", "acme", question)["traces"]
    return {log["body"] for log in logs}, {trace["rootName"] for trace in traces}


stored = st.sampled_from(
    [
        (where, key, value)
        for item in MADE
        for where, attributes in item.attributes.items()
        for key, value in attributes.items()
    ]
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(attribute=stored)
def test_every_stored_attribute_can_be_found(
    answers: Answers, attribute: tuple[str, str, str]
) -> None:
    where, key, value = attribute
    expected = {item.name for item in MADE if item.attributes[where].get(key, "") == value}
    names, spans = found(answers, [{"key": f"{where}.{key}", "value": value}])
    assert (names, spans) == (expected, expected)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    attribute=stored,
    op=st.sampled_from(["<", "<=", ">", ">=", "="]),
    number=st.sampled_from([1, 1.0, -2.5, 0, 2**53 - 1, 2**53, 2**53 + 1, 2**53 + 2]),
)
def test_numbers_compare_as_numbers(
    answers: Answers, attribute: tuple[str, str, str], op: str, number: float
) -> None:
    where, key, _ = attribute
    numbers = {"1": 1, "1.0": 1, "-2.5": -2.5, "9007199254740993": 2**53 + 1}
    compare = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}[op]
    values = [(item.name, numbers.get(item.attributes[where].get(key, ""))) for item in MADE]
    expected = {name for name, value in values if value is not None and compare(value, number)}
    names, spans = found(answers, [{"key": f"{where}.{key}", "op": op, "value": number}])
    assert (names, spans) == (expected, expected)


def test_attributes_of_a_native_event_have_spellings_too(answers: Answers) -> None:
    events = [
        {
            "ts": NOW,
            "id": "e-1",
            "name": "tap",
            "sessionId": "s-1",
            "attrs": {"name": "n1", "country": "XX"},
        },
        {
            "ts": NOW,
            "id": "e-2",
            "name": "tap",
            "sessionId": "s-2",
            "attrs": {"app": "a2"},
            "device": {"os": "d2"},
        },
    ]
    body = msgspec.json.encode(events)
    sent = envelope(Signal.EVENTS, body, org="acme", app="shop", received_ms=NOW, sent_ms=NOW)
    answers.runner.run(answers.store.insert(Signal.EVENTS, [sent]))
    for key, value in (("attr.name", "n1"), ("attr.country", "XX"), ("attr.app", "a2"),
                       ("device.os", "d2")):  # fmt: skip
        step = {"name": "tap", "filters": [{"key": key, "value": value}]}
        question = {"steps": [step, step], "from": NOW - MINUTE, "to": NOW + 1}
        [funnel] = answers("/v1/query/funnel", "acme", question)["funnels"]
        assert funnel["steps"][0]["people"] == 1, key


NOWHERE = st.text("abcdefgh.", min_size=4, max_size=10).map(lambda text: f"no{text}z")
RANGE = {"from": NOW - MINUTE, "to": NOW + 1}


def questions_with(key: str) -> list[tuple[str, dict[str, Any]]]:
    """Every kind of question with a key in each place that takes one."""
    filters = [{"key": key, "value": "x"}]
    step = {"name": "tap", "filters": filters}
    return [
        ("logs", {"filters": filters}),
        ("logs/histogram", {"filters": [{"key": key, "op": "!exists"}]}),
        ("traces", {"filters": filters}),
        ("services", {"filters": filters}),
        ("timeseries", {"metric": "tap", "filters": filters}),
        ("timeseries", {"metric": "tap", "groupBy": [key]}),
        ("top", {"metric": "tap", "by": key}),
        ("top", {"metric": "tap", "by": "page", "filters": filters}),
        ("funnel", {"steps": [step, "tap"]}),
        ("funnel", {"steps": ["tap", "tap"], "groupBy": key}),
        ("retention", {"start": step, "return": "tap"}),
        ("sessions", {"filters": filters}),
        ("sessions", {"groupBy": key}),
        ("paths", {"start": "/", "filters": filters}),
        ("errors", {"filters": filters}),
    ]


@settings(max_examples=5, deadline=None, derandomize=True)
@given(key=NOWHERE)
def test_a_key_that_is_nowhere_is_never_answered_as_empty_text(answers: Answers, key: str) -> None:
    for path, body in questions_with(key):
        answer = answers.runner.run(
            answers.ask.post(f"/v1/query/{path}", {**RANGE, **body}, status=400)
        )
        reason = answer["error"]["reason"]
        assert reason in ("unknown_attribute", "not_a_dimension"), (path, body, answer)
