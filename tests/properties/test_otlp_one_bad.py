"""One bad item of N leaves N-1, in every encoding of every signal, and the items add up."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.receivers.otlp_check import Examined, dead_letters, examine, examine_json
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from seamark.wire.envelope import bytes_field
from seamark.wire.reasons import Reason

TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))
MARK = "marked"
"""Stands in the item that is made bad, as the value of its attribute."""
LEVELS = 40
names = st.lists(st.text(max_size=5).filter(lambda t: MARK not in t), min_size=2, max_size=6)


def _groups(kind: Kind, count: int) -> tuple[Any, list[Any]]:
    """A request of so many items over two resources, and the items."""
    request: Any = kind.request()
    items = []
    for place in range(count):
        if place in (0, count // 2):
            resource: Any = getattr(request, request.DESCRIPTOR.fields[0].name).add()
            resource.resource.attributes.add(key="service.name").value.string_value = "web"
            scopes: Any = getattr(resource, resource.DESCRIPTOR.fields[1].name)
            scope = scopes.add()
            scope.scope.name = "lib"
        if kind is TRACES:
            items.append(scope.spans.add(trace_id=TRACE, span_id=SPAN, kind=2))
        elif kind is LOGS:
            items.append(scope.log_records.add(severity_number=9))
        elif place % 2:
            items.append(scope.metrics.add(name="m").sum.data_points.add(as_int=place))
        else:
            items.append(scope.metrics.add(name="m").gauge.data_points.add(as_double=1.5))
    return request, items


def _made(kind: Kind, texts: list[str], bad: int) -> Any:
    request, items = _groups(kind, len(texts))
    for place, (item, text) in enumerate(zip(items, texts, strict=True)):
        item.attributes.add(key="text").value.string_value = text
        if place == bad:
            item.attributes.add(key="bad").value.string_value = MARK
    return request


def _texts(kind: Kind, body: bytes) -> list[str]:
    """The first attribute of every item."""
    found = []
    for resource in kind.resources(kind.request.FromString(body)):
        for scope in kind.scopes(resource):
            for each in kind.items(scope):
                data = (
                    getattr(each, each.WhichOneof("data")).data_points
                    if kind is METRICS
                    else [each]
                )
                found += [item.attributes[0].value.string_value for item in data]
    return found


def _json(request: Any) -> bytes:
    document = json_format.MessageToDict(request)
    for resource in document.get("resourceSpans", ()):
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId"):
                    span[name] = base64.b64decode(span[name]).hex()
                span["kind"] = 2
    for resource in document.get("resourceLogs", ()):
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                record["severityNumber"] = 9
    return json.dumps(document).encode()


def _deep(levels: int) -> bytes:
    value = b""
    for _ in range(levels):
        value = bytes_field(6, bytes_field(1, bytes_field(2, value)))
    return value


def _replace_value(value: bytes) -> Callable[[bytes], bytes]:
    """Bend the wire: another AnyValue for the marked one; all lengths above are put right."""

    def bend(body: bytes) -> bytes:
        from tests.properties.otlp_oddities import join, split

        marked = bytes_field(1, MARK.encode())

        def into(message: bytes) -> bytes:
            if message == marked:
                return value
            try:
                found = split(message)
            except IndexError:
                return message
            return join(
                [
                    (number, wire, into(inner) if wire == 2 and marked in inner else inner)
                    for number, wire, inner in found
                ]
            )

        return into(body)

    return bend


def _json_value(value: str) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(b'{"stringValue": "%s"}' % MARK.encode(), value.encode())


def _json_text(text: bytes) -> Callable[[bytes], bytes]:
    return lambda body: body.replace(b'"%s"' % MARK.encode(), b'"%s"' % text)


def _deep_json(levels: int) -> str:
    return '{"kvlistValue":{"values":[{"key":"k","value":' * levels + "{}" + "}]}}" * levels


MENDED_BINARY = [_replace_value(bytes_field(1, b"line \xff")), _replace_value(b"\x0a\x01\x80")]
REJECTED_BINARY = [
    _replace_value(_deep(LEVELS)),
    _replace_value(b"\x0a\x05ab"),
    _replace_value(b"\x0f"),
]
MENDED_JSON = [
    _json_text(b"line \\ud83d"),
    _json_text(b"\\udc00x"),
    _json_text(b"line \xff"),
    _json_text(b"\\ud83dx" * 10_001),
    _json_value('{"doubleValue": NaN}'),
    _json_value('{"arrayValue": {"values": [{"doubleValue": -Infinity}, {"intValue": 3}]}}'),
    _json_value('{"int_value": "1.796e3"}'),
    _json_value('{"intValue": 1.8e18}'),
    _json_value('{"arrayValue": {"values": [null, {"intValue": 3}]}}'),
]
REJECTED_JSON = [
    _json_value(_deep_json(LEVELS)),
    _json_value(_deep_json(5_000)),
    _json_value('{"intValue": 9223372036854775808}'),
    _json_value('{"intValue": "99999999999999999999"}'),
    _json_value('{"intValue": 1.5}'),
    _json_value('{"intValue": NaN}'),
    _json_value('{"boolValue": Infinity}'),
    _json_value('{"doubleValue": "much"}'),
    _json_value('{"boolValue": []}'),
    _json_value('{"stringValue": 5}'),
    _json_value('{"bytesValue": "*"}'),
    _json_value("[]"),
]
cases = st.tuples(st.sampled_from(KINDS), names, st.integers(0, 5))


def _check(kind: Kind, examined: Examined, texts: list[str], bad: int, *, rejected: bool) -> None:
    outcome = examined.outcome
    assert outcome.offered == len(texts)
    assert outcome.offered == outcome.accepted + sum(outcome.rejected.values())
    expected = texts[:bad] + texts[bad + rejected :]
    assert _texts(kind, examined.body) == expected
    taken = list(dead_letters(examined))
    assert [dead_letter.index for dead_letter in taken] == ([bad] if rejected else [])
    if rejected:
        assert taken[0].original
        assert taken[0].reason in (Reason.MALFORMED, Reason.TOO_DEEP)
        assert examined.remark


@pytest.mark.parametrize("rejected", [False, True], ids=["mended", "rejected"])
@settings(max_examples=60)
@given(case=cases, choice=st.integers(0, 10))
def test_one_bad_item_of_a_binary_request(
    rejected: bool, case: tuple[Kind, list[str], int], choice: int
) -> None:
    kind, texts, bad = case
    bad %= len(texts)
    bends = REJECTED_BINARY if rejected else MENDED_BINARY
    body = bends[choice % len(bends)](_made(kind, texts, bad).SerializeToString())
    _check(kind, examine(kind, body), texts, bad, rejected=rejected)


@pytest.mark.parametrize("rejected", [False, True], ids=["mended", "rejected"])
@settings(max_examples=120, deadline=None)
@given(case=cases, choice=st.integers(0, 30))
def test_one_bad_item_of_a_json_request(
    rejected: bool, case: tuple[Kind, list[str], int], choice: int
) -> None:
    kind, texts, bad = case
    bad %= len(texts)
    bends = REJECTED_JSON if rejected else MENDED_JSON
    body = bends[choice % len(bends)](_json(_made(kind, texts, bad)))
    _check(kind, examine_json(kind, body), texts, bad, rejected=rejected)


@given(cases)
def test_a_null_item_is_rejected(case: tuple[Kind, list[str], int]) -> None:
    kind, texts, bad = case
    bad %= len(texts)
    text = _json(_made(kind, texts, bad)).decode()
    document = json.loads(text)

    def without(value: Any) -> Any:
        if isinstance(value, list):
            return [
                None
                if isinstance(each, dict) and MARK in json.dumps(each.get("attributes", ""))
                else without(each)
                for each in value
            ]
        if isinstance(value, dict):
            return {name: without(each) for name, each in value.items()}
        return value

    body = json.dumps(without(document)).encode()
    _check(kind, examine_json(kind, body), texts, bad, rejected=True)


@given(st.sampled_from(KINDS), names)
def test_text_that_is_not_utf_8_in_a_resource_costs_no_item(kind: Kind, texts: list[str]) -> None:
    service = b"service.name\x12\x05\x0a\x03"
    body = _made(kind, texts, -1).SerializeToString()
    body = body.replace(service + b"web", service + b"w\xffb")
    examined = examine(kind, body)
    assert _texts(kind, examined.body) == texts
    assert examined.outcome.accepted == len(texts)
    assert "U+FFFD" in examined.remark


@given(st.sampled_from(KINDS), names)
def test_an_attribute_of_a_resource_that_cannot_be_read_is_left_out(
    kind: Kind, texts: list[str]
) -> None:
    service = b'"service.name", "value": '
    body = _json(_made(kind, texts, -1))
    body = body.replace(service + b'{"stringValue": "web"}', service + b'{"intValue": "x"}')
    examined = examine_json(kind, body)
    assert _texts(kind, examined.body) == texts
    assert "resource.attributes[0]" in examined.remark
