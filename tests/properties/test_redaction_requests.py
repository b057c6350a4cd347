"""Redaction of whole requests: nothing planted is left anywhere, the rest is as it was."""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList

from collector.admission.native.decode import decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import Window, dead_letters, validate
from collector.admission.redaction.rules import UNTOUCHED, Redactor
from collector.receivers.otlp_check import dead_letters as otlp_dead_letters
from collector.receivers.otlp_check import examine, examine_json
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from seamark.wire.envelope import bytes_field
from seamark.wire.privacy import AttributeLists, Redaction, RedactionRule
from tests.properties.test_redaction_text import ACTIONS, PLANTED, SALT, everything
from tests.support.planted_secrets import Planted, holds

SECRET: Final = st.sampled_from([each for each in PLANTED if "\x00" not in each.text])
_WORD: Final = st.text(alphabet="abcdefgh.", min_size=1, max_size=10)
_NUMBER: Final = st.integers(min_value=-(10**9), max_value=10**12 - 1)
_NAMES: Final = EventNames()


def _value(text: str, shape: int) -> AnyValue:
    """A value that holds a text, in one of the shapes that OTLP has."""
    plain = AnyValue(string_value=text)
    if shape == 0:
        return plain
    if shape == 1:
        return AnyValue(bytes_value=text.encode())
    if shape == 2:
        return AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), plain]))
    inner = _value(text, shape - 3)
    return AnyValue(kvlist_value=KeyValueList(values=[KeyValue(key="inner", value=inner)]))


def _attribute(text: str, shape: int, key: str = "k") -> KeyValue:
    return (
        KeyValue(key=text, value=AnyValue(int_value=1))
        if shape < 0
        else KeyValue(key=key, value=_value(text, shape))
    )


def _request(kind: Kind, text: str, place: int, shape: int) -> Message:
    """A request with a text in one of its places."""
    held = [_attribute(text, shape)] if shape else [_attribute(text, -1)]
    at = [held if place == n else [] for n in range(9)]
    named = [text if place == n else "plain" for n in range(9, 16)]
    resource = {"attributes": at[0]}
    scope = {"name": named[0], "version": named[1], "attributes": at[1]}
    if kind is TRACES:
        item: Any = {
            "trace_id": b"t" * 16,
            "span_id": b"s" * 8,
            "name": named[2],
            "trace_state": named[3],
            "attributes": at[2],
            "events": [{"name": named[4], "attributes": at[3]}],
            "links": [{"trace_id": b"t" * 16, "span_id": b"s" * 8, "attributes": at[4]}],
            "status": {"message": named[5]},
        }
        level = {"scope": scope, "spans": [item], "schema_url": named[6]}
        return kind.request(resource_spans=[{"resource": resource, "scope_spans": [level]}])
    if kind is LOGS:
        item = {
            "body": _value(text if place > 2 else "plain", max(shape, 0)),
            "severity_text": named[3],
            "event_name": named[4],
            "attributes": at[2],
        }
        level = {"scope": scope, "log_records": [item], "schema_url": named[6]}
        return kind.request(resource_logs=[{"resource": resource, "scope_logs": [level]}])
    point = {"as_double": 4.5, "attributes": at[2], "exemplars": [{"filtered_attributes": at[3]}]}
    item = {
        "name": named[2],
        "description": named[3],
        "unit": named[4],
        "metadata": at[4],
        "gauge": {"data_points": [point]},
    }
    level = {"scope": scope, "metrics": [item], "schema_url": named[6]}
    return kind.request(resource_metrics=[{"resource": resource, "scope_metrics": [level]}])


_REQUEST_ARGS: Final = (
    st.sampled_from(KINDS),
    SECRET,
    st.integers(min_value=0, max_value=15),
    st.integers(min_value=0, max_value=8),
)


def _texts(message: Any) -> Iterator[str]:
    """Every text of a message, bytes read as text."""
    for field, found in message.ListFields():
        for each in found if field.is_repeated else [found]:
            if isinstance(each, Message):
                yield from _texts(each)
            elif isinstance(each, bytes):
                yield each.decode("utf-8", "replace")
            elif isinstance(each, str):
                yield each


@given(*_REQUEST_ARGS, st.sampled_from(ACTIONS))
def test_no_secret_is_left_anywhere_in_an_otlp_request(
    kind: Kind, secret: Planted, place: int, shape: int, action: Any
) -> None:
    body = _request(kind, secret.text, place, shape).SerializeToString()
    examined = examine(kind, body, redactor=everything(action))
    assert examined.outcome.accepted == 1
    for text in _texts(kind.request.FromString(examined.body)):
        assert not holds(text, secret)


@given(*_REQUEST_ARGS)
def test_redaction_of_a_request_is_idempotent(
    kind: Kind, secret: Planted, place: int, shape: int
) -> None:
    body = _request(kind, secret.text, place, shape).SerializeToString()
    once = examine(kind, body, redactor=everything("mask")).body
    assert examine(kind, once, redactor=everything("mask")).body == once


@given(st.sampled_from(KINDS), _WORD, *_REQUEST_ARGS[2:])
def test_a_request_without_a_match_is_byte_for_byte_the_same(
    kind: Kind, text: str, place: int, shape: int
) -> None:
    body = _request(kind, text, place, shape).SerializeToString()
    plain = examine(kind, body).body
    for redactor in (everything("mask"), Redactor(salt=SALT)):
        assert examine(kind, body, redactor=redactor).body == plain
    lenient = everything("mask")
    lenient.may_touch = lambda _: True  # the walk itself changes nothing
    assert examine(kind, body, redactor=lenient).body == plain


@given(SECRET, st.sampled_from(ACTIONS), st.sampled_from(["attrs", "device", "key", "unit", "id"]))
def test_no_secret_is_left_in_a_native_batch(secret: Planted, action: Any, place: str) -> None:
    if place in ("unit", "id") and len(secret.text) > 64:
        place = "attrs"
    event: dict[str, Any] = {"ts": 1_795_316_640_000, "name": "signup"}
    if place == "key":
        event["attrs"] = {secret.text[:128]: 1}
    elif place == "id":
        event |= {"id": secret.text, "sessionId": secret.text, "userAnonId": secret.text}
    else:
        event[place] = secret.text if place == "unit" else {"k": secret.text}
    good, bad = dict(event), {**event, "name": "not a name", "extra": {"deep": [secret.text]}}
    body = json.dumps({"events": [good, bad]}).encode()
    batch, redactor = decode(body), everything(action)
    validated = validate(batch, window=Window(), names=_NAMES, redactor=redactor)
    assert validated.outcome.accepted == 1
    [stored] = json.loads(validated.events_json)
    [letter] = dead_letters(batch, validated, redactor)
    if place != "key" or len(secret.text) <= 128:
        assert not holds(json.dumps(stored, ensure_ascii=False), secret)
        assert not holds(letter.original.decode(), secret)
    assert not holds(letter.message + letter.field + letter.name, secret)
    assert json.loads(letter.original)["name"] == "not a name"  # it can still be mended


@given(st.dictionaries(_WORD, st.one_of(_WORD, _NUMBER, st.booleans()), max_size=4))
def test_a_native_event_without_a_match_is_stored_as_without_rules(attrs: dict[str, Any]) -> None:
    body = json.dumps({"events": [{"ts": 1, "name": "n", "attrs": attrs}]}).encode()
    made = [
        validate(decode(body), window=Window(), names=_NAMES, redactor=redactor).events_json
        for redactor in (UNTOUCHED, everything("mask"), Redactor(salt=SALT))
    ]
    assert made[0] == made[1] == made[2]


_USER_KEYS: Final = ("user.id", "enduser.id", "client.address")


@pytest.mark.parametrize("key", _USER_KEYS)
@pytest.mark.parametrize("kind", KINDS)
def test_ids_of_users_and_addresses_are_hashed_without_any_rule(kind: Kind, key: str) -> None:
    request = _request(kind, "plain", 15, 1)
    resources: Any = kind.resources(request)
    resources[0].resource.attributes.append(_attribute("ada-1", 0, key=key))
    body = request.SerializeToString()
    for redactor, kept in (
        (Redactor(salt=SALT), False),
        (Redactor(salt=""), False),
        (Redactor(Redaction(without=("user-id", "client-address")), salt=SALT), True),
    ):
        stored = examine(kind, body, redactor=redactor).body
        assert (b"ada-1" in stored) is kept
        assert (key.encode() in stored) is (kept or bool(redactor.salt))  # no salt: left out


def test_a_user_has_one_hash_in_every_protocol_and_after_a_replay() -> None:
    redactor = Redactor(salt=SALT)
    body = b'{"events":[{"ts":1,"name":"n","attrs":{"user.\\u0069d":"ada"}}]}'
    validated = validate(decode(body), window=Window(), names=_NAMES, redactor=redactor)
    [event] = validated.events
    hashed = (event.attrs or {})["user.id"]
    again = msgspec.json.encode({"events": validated.events})
    replayed = validate(decode(again), window=Window(), names=_NAMES, redactor=redactor)
    assert replayed.events[0].attrs == {"user.id": hashed}
    assert redactor.taken_counts() == {"user-id": 1}
    spans = _request(TRACES, "plain", 15, 1)
    spans.resource_spans[0].resource.attributes.append(  # type: ignore[attr-defined]
        _attribute("ada", 0, key="enduser.id")
    )
    stored = examine(TRACES, spans.SerializeToString(), redactor=redactor).body
    assert str(hashed).encode() in stored


@given(SECRET, st.sampled_from(ACTIONS))
def test_no_secret_is_left_in_what_could_not_be_read_of_otlp(secret: Planted, action: Any) -> None:
    redactor = everything(action)
    good = _request(LOGS, secret.text, 2, 3).SerializeToString()
    broken = _broken_span(secret.text)
    bad_json = json.dumps(
        {
            "resourceSpans": [
                {"scopeSpans": [{"spans": [{"name": secret.text, "startTimeUnixNano": "x"}]}]}
            ]
        }
    ).encode()
    assert examine(LOGS, good, redactor=redactor).outcome.accepted == 1
    for examined in (
        examine(TRACES, broken, redactor=redactor),
        examine_json(TRACES, bad_json, redactor=redactor),
    ):
        [letter] = otlp_dead_letters(examined, redactor=redactor)
        held = letter.original.decode("utf-8", "replace") + letter.message + letter.name
        assert not holds(held, secret)


def _broken_span(text: str) -> bytes:
    """A request with one span, an attribute of which cannot be read."""
    span = bytes_field(5, text.encode()) + bytes_field(9, b"\xff\xff")
    return bytes_field(1, bytes_field(2, bytes_field(2, span)))


@given(st.lists(_WORD, min_size=1, max_size=5, unique=True))
def test_lists_of_attributes_keep_and_leave_out_what_they_say(keys: list[str]) -> None:
    first = keys[0]
    request = METRICS.request(
        resource_metrics=[
            {
                "resource": {"attributes": [_attribute("v", 0, key=first)]},
                "scope_metrics": [
                    {
                        "metrics": [
                            {
                                "name": "m",
                                "gauge": {
                                    "data_points": [
                                        {"attributes": [_attribute("v", 0, key=k) for k in keys]}
                                    ]
                                },
                            }
                        ]
                    }
                ],
            }
        ]
    )
    body = request.SerializeToString()
    for lists, item, resource in (
        (AttributeLists(allow=(first,)), [first], [first]),
        (AttributeLists(deny=(first,)), keys[1:], []),
        (AttributeLists(allow=("zzz",)), [], [first]),
    ):
        stored = examine(METRICS, body, redactor=Redactor(None, lists, salt=SALT)).body
        found: Any = METRICS.request.FromString(stored)
        [metrics] = found.resource_metrics
        points = metrics.scope_metrics[0].metrics[0].gauge.data_points[0].attributes
        assert [each.key for each in points] == item
        assert [each.key for each in metrics.resource.attributes] == resource


def test_a_rule_may_look_into_values_of_some_keys_alone() -> None:
    rule = RedactionRule(name="r", action="mask", keys=("comment",), detect=("email",))
    redactor = Redactor(Redaction(rules=(rule,)), salt=SALT)
    body = (
        b'{"events":[{"ts":1,"name":"n","attrs":{"comment":"a@b.example!","other":"a@b.example"}}]}'
    )
    validated = validate(decode(body), window=Window(), names=_NAMES, redactor=redactor)
    assert validated.events[0].attrs == {"comment": "[email]!", "other": "a@b.example"}
    assert redactor.taken_counts() == {"r": 1}
