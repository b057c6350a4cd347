"""Compat clients: what they send is what is stored, and each is answered in its own shape."""

import json
import time
from typing import Any

import pytest

from collector.admission.compat_attributes import flat
from collector.admission.senders import ip_hash
from collector.admission.user_ids import user_hash
from seamark.wire.failures import Unavailable
from seamark.wire.reading import RECEIVED_TIME
from tests.unit.compat_ingest import LOOSE, METRICS, NAMED, SALT, PublisherContext

AT = 1_795_316_640_000
CLICK: dict[str, Any] = {
    "eventId": "e-1",
    "eventType": "feature_click",
    "userId": "ada@example.com",
    "properties": {"feature_id": "buy", "cart": {"items": 3, "coupon": None}, "tags": ["a", 1]},
    "context": {"device": "mobile", "page": {"url": "/cart"}, "feature_id": "x", "sessionId": 7},
}


async def test_one_event_is_stored_and_named() -> None:
    context = PublisherContext()

    assert await context.ask(NAMED, CLICK) == (202, {"status": "accepted", "eventId": "e-1"})

    [event] = context.events
    ts = event.pop("ts")
    assert abs(ts - time.time() * 1000) < 60_000
    assert event == {
        "id": "e-1",
        "name": "feature_click",
        "attrs": {
            "feature_id": "buy",
            "cart.items": 3,
            "tags": '["a",1]',
            "device": "mobile",
            "page.url": "/cart",
            "context.feature_id": "x",
        },
        "attrTypes": "isssss",
        "sessionId": "7",
        "userAnonId": user_hash(SALT, "ada@example.com"),
        "timeFlag": RECEIVED_TIME,  # so that a retry, received later, is the same event
    }
    assert context.event_ids == [True]  # so that a second one is left out behind the log
    assert context.counts == (1, 1, 0)


async def test_the_user_is_hashed_under_the_salt_of_the_org() -> None:
    context = PublisherContext()
    await context.ask(NAMED, CLICK)
    await context.ask(LOOSE, [{"event": "a", "timestamp": AT, "user_id": 17}])
    await context.ask(NAMED, [{"eventType": "a", "userId": "17"}, {"eventType": "a", "userId": ""}])

    users = [event.get("userAnonId") for event in context.events]
    assert users == [user_hash(SALT, "ada@example.com"), *[user_hash(SALT, "17")] * 2, None]
    assert user_hash("other", "17") != user_hash(SALT, "17")
    assert (len(user_hash(SALT, "17")), user_hash("", "17")) == (32, "")


async def test_an_address_is_stored_as_the_hash_of_the_org() -> None:
    context = PublisherContext()
    for address in ("2001:DB8::1", "2001:0db8:0:0::1"):
        await context.ask(NAMED, {"eventType": "a", "context": {"ip": address, "zip": "1010"}})

    expected = {"ip_hash": ip_hash(SALT, "2001:db8::1"), "zip": "1010"}
    assert [event["attrs"] for event in context.events] == [expected, expected]


async def test_one_event_without_an_id_is_given_one() -> None:
    context = PublisherContext()
    status, answer = await context.ask(NAMED, {"eventType": "a"})
    assert status == 202
    assert [event["id"] for event in context.events] == [answer["eventId"]]
    assert answer["eventId"]


async def test_one_bad_event_is_refused_in_the_senders_words_and_kept() -> None:
    context = PublisherContext()
    status, answer = await context.ask(NAMED, {**CLICK, "eventType": "no spaces"})

    assert status == 400
    assert answer["status"] == "error"
    assert answer["error"] == {
        "reason": "invalid_name",
        "field": "eventType",
        "message": "'no spaces' is not a name; use 1 to 128 of A-Z a-z 0-9 . _ / : -",
    }
    [envelope] = context.envelopes
    assert (context.counts, envelope.events) == ((1, 0, 1), [])
    [dead_letter] = envelope.dead_letters
    assert (dead_letter.field, dead_letter.name) == ("name", "no spaces")
    kept = json.loads(dead_letter.original)
    assert (kept["name"], kept["attrs"]["cart.items"]) == ("no spaces", 3)
    assert b"ada" not in dead_letter.original


async def test_an_array_is_counted_and_its_faults_named() -> None:
    context = PublisherContext(partitions=4)
    many = [
        CLICK,
        7,
        {"eventType": None},
        {"eventType": "a", "properties": [1]},
        {"eventType": "a", "userId": {"name": "Ada"}},
        {"eventType": "a", "eventId": "x" * 129},
        {"eventType": "a", "timestamp": "yesterday"},
        {"eventType": "a", "properties": {"big": 2**70, "value": 1e16}},
        {"eventType": "a", "properties": {"t": "x" * 5000}},
        {"eventType": "b", "eventId": 9, "properties": {"value": 3, "big": 2**70}},
    ]
    status, answer = await context.ask(NAMED, many)

    assert (status, answer["status"]) == (202, "accepted")
    assert (answer["accepted"], answer["rejected"]) == (2, 8)
    assert context.counts == (10, 2, 8)
    assert [
        (e["index"], e["reason"], e["message"].partition(":")[0]) for e in answer["errors"]
    ] == [
        (1, "invalid_event", "[1]"),
        (2, "invalid_name", "[2].eventType"),
        (3, "invalid_attributes", "[3].properties"),
        (4, "invalid_identifier", "[4].userId"),
        (5, "invalid_identifier", "[5].eventId"),
        (6, "invalid_timestamp", "[6].timestamp"),
        (7, "invalid_value", "[7].properties.value"),
        (8, "invalid_attributes", "[8].properties.t"),
    ]
    dead_letters = [
        dead_letter for envelope in context.envelopes for dead_letter in envelope.dead_letters
    ]
    assert len(dead_letters) == 8
    assert not any(b"Ada" in dead_letter.original for dead_letter in dead_letters)
    stored = {event["id"]: event for event in context.events}
    assert (stored["9"]["value"], stored["9"]["attrs"]) == (3.0, {"big": str(2**70)})


async def test_an_array_of_anything() -> None:
    context = PublisherContext()
    good = {"event": "page_view", "timestamp": "2026-11-22T10:00:00", "user_id": "u", "a": {"b": 1}}
    timed = {"event": "load", "timestamp": AT, "value": 1.5, "session_id": "s", "event_id": "e"}

    assert await context.ask(LOOSE, [good, timed]) == (202, {"status": "accepted", "count": 2})
    first, second = context.events
    assert (first["name"], first["attrs"]) == ("page_view", {"a.b": 1})
    assert first["ts"].startswith("2026-11-22T10:00:00")
    assert second == {"ts": AT, "name": "load", "value": 1.5, "id": "e", "sessionId": "s"}

    status, answer = await context.ask(LOOSE, [good, {"event": "a"}, {**good, "t": "x" * 5000}])
    assert (status, answer["count"], answer["rejected"]) == (202, 1, 2)
    assert [error["message"].partition(":")[0] for error in answer["errors"]] == [
        "[1].timestamp",
        "[2].t",
    ]


async def test_metrics_are_events_with_a_value() -> None:
    context = PublisherContext()
    points = [
        {"timestamp": AT, "name": "cpu.load_1", "value": 0.5, "tags": {"host": "a", "n": None}},
        {"timestamp": "2026-11-22T10:00:00Z", "name": "cpu.load_1", "value": 2},
    ]
    answer = await context.ask(METRICS, {"metrics": points, "more": 1})

    assert answer == (200, {"success": True, "metrics_processed": 2})
    assert context.counts == (2, 2, 0)
    assert context.events == [
        {"ts": AT, "name": "cpu.load_1", "value": 0.5, "attrs": {"host": "a"}},
        {"ts": "2026-11-22T10:00:00Z", "name": "cpu.load_1", "value": 2.0},
    ]
    assert await context.ask(METRICS, {"metrics": []}) == (
        200,
        {"success": True, "metrics_processed": 0},
    )


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "cpu-load"}, "metrics[1].name"),
        ({"name": "cpu load\n"}, "metrics[1].name"),
        ({"name": "x" * 129}, "metrics[1].name"),
        ({"name": 7}, "metrics[1].name"),
        ({"value": None}, "metrics[1].value"),
        ({"value": "1"}, "metrics[1].value"),
        ({"value": 1.1e15}, "metrics[1].value"),
        ({"timestamp": None}, "metrics[1].timestamp"),
        ({"timestamp": -1}, "metrics[1].timestamp"),
        ({"tags": []}, "metrics[1].tags"),
        ({"tags": {"a": "é" * 2100}}, "metrics[1].tags.a"),
        ({"tags": {f"k{n}": n for n in range(65)}}, "metrics[1].tags"),
    ],
)
async def test_one_bad_metric_and_nothing_is_taken(change: dict[str, Any], field: str) -> None:
    context = PublisherContext()
    good = {"timestamp": AT, "name": "cpu", "value": 1, "tags": {}}
    status, answer = await context.ask(METRICS, {"metrics": [good, {**good, **change}]})

    assert (status, answer["success"], answer["error"]["field"]) == (400, False, field)
    name = {**good, **change}["name"]
    assert f"metric {str(name)[:40]!r}" in answer["error"]["message"] or name == 7
    assert context.envelopes == []


@pytest.mark.parametrize(
    ("path", "body", "status", "reason"),
    [
        (NAMED, b"7", 400, "malformed"),
        (NAMED, b"{", 400, "malformed"),
        (NAMED, b"", 400, "malformed"),
        (NAMED, b"[" * 100_000, 400, "nested_too_deep"),
        (NAMED, b'{"a":' * 100_000, 400, "nested_too_deep"),
        (NAMED, b"  \n" * 100 + b"[7", 400, "malformed"),
        (NAMED, b"[" + b"1," * 1000 + b"1]", 413, "too_many_events"),
        (NAMED, b'{"eventType":"\xff"}', 400, "malformed"),
        (LOOSE, b'{"event":"a","timestamp":1}', 400, "malformed"),
        (LOOSE, b"[1", 400, "malformed"),
        (LOOSE, b"[" + b"1," * 100_000 + b"1]", 413, "too_many_events"),
        (METRICS, b"[]", 400, "malformed"),
        (METRICS, b"{}", 400, "malformed"),
        (METRICS, b'{"metrics":{}}', 400, "malformed"),
        (METRICS, b'{"metrics":[7]}', 400, "invalid_event"),
        (METRICS, b'{"metrics":[{"value":1e999}]}', 400, "invalid_event"),
        (METRICS, b'{"metrics":[' + b"1," * 1000 + b"1]}", 413, "too_many_events"),
        (METRICS, b'{"metrics":' + b"[" * 100_000, 400, "nested_too_deep"),
    ],
)
async def test_a_body_that_is_none(path: str, body: bytes, status: int, reason: str) -> None:
    context = PublisherContext()
    reply = await context.send(path, body)
    answer = json.loads(reply.body)
    assert (reply.status, answer["error"]["reason"]) == (status, reason)
    assert answer["success"] is False if path == METRICS else answer["status"] == "error"
    assert context.envelopes == []


async def test_half_an_emoji_costs_nothing() -> None:
    context = PublisherContext()
    for path, body in (
        (NAMED, rb'{"eventType":"a","properties":{"t":"cut \ud83d"}}'),
        (LOOSE, rb'[{"event":"a","timestamp":1,"t":"cut \ud83d"}]'),
        (METRICS, rb'{"metrics":[{"name":"a","timestamp":1,"value":1,"tags":{"t":"cut \ud83d"}}]}'),
    ):
        assert (await context.send(path, body)).status in (200, 202)
    assert [event["attrs"] for event in context.events] == [{"t": "cut �"}] * 3


async def test_the_key_the_type_and_a_log_that_is_away() -> None:
    context = PublisherContext()
    for path in (NAMED, LOOSE, METRICS):
        status, answer = await context.ask(path, [], **{"x-api-key": "smk_other"})
        assert (status, answer["error"]["reason"]) == (401, "unknown_key")
        status, answer = await context.ask(path, [], **{"content-type": "text/html"})
        assert (status, answer["error"]["reason"]) == (415, "unsupported_content_type")
    bodies = {
        NAMED: CLICK,
        LOOSE: [{"event": "a", "timestamp": AT}],
        METRICS: {"metrics": [{"timestamp": AT, "name": "a", "value": 1}]},
    }
    for path, document in bodies.items():
        context.failures.append(Unavailable("the log is away", retry_after=2.0))
        reply = await context.send(path, json.dumps(document).encode())
        assert (reply.status, reply.headers["Retry-After"]) == (503, "2")
        assert json.loads(reply.body)["nextRetryAfterMs"] == 2000
    assert context.envelopes == []


def test_flattening() -> None:
    deep: Any = 1
    for _ in range(20):
        deep = {"k": deep}
    made = flat({"a": {"b": {"c": True}}, "e": {}, "n": None, "l": [{"x": 1}], "d": deep})
    assert made.pop("d" + ".k" * 7) == '{"k":' * 13 + "1" + "}" * 13
    assert made == {"a.b.c": True, "e": "{}", "l": '[{"x":1}]'}
