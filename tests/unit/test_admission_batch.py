"""The native batch: what is said of each fault, times in every form, what is late."""

import json

import pytest

from collector.admission.json_mending import mended
from collector.admission.native.decode import decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import Window, validate
from collector.receivers.native import answer
from seamark.wire.failures import Rejected
from seamark.wire.limits import ERRORS_REPORTED, EVENTS_PER_BATCH
from seamark.wire.reasons import Reason

SENT_MS = 1_795_316_640_000
DAY_MS = 86_400_000
WEEK = Window(opens_ms=SENT_MS - 7 * DAY_MS, days=7)


def body(*events: object, **outer: object) -> bytes:
    return json.dumps({**outer, "events": events}).encode()


def fault_of(event: object, *, window: Window = WEEK) -> Rejected:
    validated = validate(decode(body(event)), window=window, names=EventNames())
    [(index, fault)] = validated.errors
    assert index == 0
    assert validated.outcome.rejected == {fault.reason.value: 1}
    return fault


def stored(*events: object, window: Window = WEEK) -> list[dict[str, object]]:
    validated = validate(decode(body(*events)), window=window, names=EventNames())
    assert validated.errors == []
    found: list[dict[str, object]] = json.loads(validated.events_json)
    return found


@pytest.mark.parametrize(
    ("event", "field", "message"),
    [
        (
            {"ts": SENT_MS, "name": "a", "attrs": {"page": "x" * 5000}},
            "attrs.page",
            "5,000 bytes, the limit is 4,096; shorten it",
        ),
        (
            {"ts": SENT_MS, "name": "a", "attrs": {"page": ["x"]}},
            "attrs.page",
            "it is an array; send text, a number or a boolean, or one key for each part",
        ),
        (
            {"ts": SENT_MS, "name": "a", "device": {str(n): n for n in range(70)}},
            "device",
            "70 attributes, the limit is 64; send fewer",
        ),
        (
            {"ts": SENT_MS, "name": "a", "value": 2e15},
            "value",
            "2e+15 is outside ±1e+15; send it in a larger unit",
        ),
        (
            {"ts": SENT_MS, "name": "a", "sessionId": "s" * 200},
            "sessionId",
            "200 characters, the limit is 128; shorten it",
        ),
        ({"ts": SENT_MS}, "name", "it is missing; every event has a name"),
        (
            {"ts": "soon", "name": "a"},
            "ts",
            "'soon' is not a time; send epoch milliseconds or ISO 8601 (2026-11-22T10:00:00Z)",
        ),
        (
            {"ts": SENT_MS - 9.5 * DAY_MS, "name": "a"},
            "ts",
            "it is 9.5 days older than sentAt, the limit is 7 days; send offline data sooner, or "
            "have the app's late window widened",
        ),
    ],
)
def test_what_is_said(event: dict[str, object], field: str, message: str) -> None:
    fault = fault_of(event)

    assert (fault.field, fault.message) == (field, message)


def test_a_text_is_measured_in_bytes_whichever_way_it_was_read() -> None:
    fits, exceeds = "é" * 2048, "é" * 2049

    assert len(stored({"ts": SENT_MS, "name": "a", "attrs": {"t": fits}})) == 1
    for spoiler in ([], [{"ts": "2026-11-22"}]):
        for ascii_only in (True, False):
            events = [{"ts": SENT_MS, "name": "a", "attrs": {"t": exceeds}}, *spoiler]
            data = json.dumps({"events": events}, ensure_ascii=ascii_only).encode()
            validated = validate(decode(data), window=WEEK, names=EventNames())
            assert validated.errors[0][1].field == "attrs.t"


@pytest.mark.parametrize(
    ("ts", "told"),
    [
        (SENT_MS, SENT_MS),
        (float(SENT_MS), float(SENT_MS)),
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00.123456789+05:30", "2026-11-22T10:00:00.123457+05:30"),
        ("2026-11-22 10:00:00Z", "2026-11-22T10:00:00Z"),
        ("2026-11-22T10:00:00", "2026-11-22T10:00:00Z"),
        ("2026-11-22", "2026-11-22T00:00:00Z"),
        ("20261122T100000Z", "2026-11-22T10:00:00Z"),
        ("20261122T100000,5+0100", "2026-11-22T09:00:00.500000Z"),
        ("2026-W47-7", "2026-11-22T00:00:00Z"),
    ],
)
def test_times_in_every_form(ts: object, told: object) -> None:
    assert stored({"ts": ts, "name": "a"}) == [{"ts": told, "name": "a"}]


def test_times_of_several_forms_in_one_batch() -> None:
    kept = stored(
        {"ts": SENT_MS, "name": "a"},
        {"ts": "2026-11-22T10:00:00Z", "name": "a"},
        {"ts": SENT_MS + 0.5, "name": "a"},
    )

    assert len(kept) == 3


def test_late_is_measured_by_the_senders_clock() -> None:
    edge = {"ts": SENT_MS - 7 * DAY_MS, "name": "a"}
    late = {"ts": SENT_MS - 7 * DAY_MS - 1, "name": "a"}

    assert len(stored(edge)) == 1
    assert fault_of(late).reason is Reason.TOO_LATE
    assert len(stored(late, window=Window())) == 1


def test_nulls_are_absent() -> None:
    event = {"ts": SENT_MS, "name": "a", "id": None, "value": None, "attrs": {"a": None, "b": 1}}

    assert stored(event) == [{"ts": SENT_MS, "name": "a", "attrs": {"b": 1}, "attrTypes": "i"}]


def test_the_last_of_two_keys_counts() -> None:
    data = b'{"events":[],"events":[{"ts":1,"ts":2,"name":"b c","name":"a","attrs":{"k":1,"k":2}}]}'

    validated = validate(decode(data), window=Window(), names=EventNames())
    assert json.loads(validated.events_json) == [
        {"ts": 2, "name": "a", "attrs": {"k": 2}, "attrTypes": "i"}
    ]


@pytest.mark.parametrize(
    ("sdk", "told"),
    [
        ({"name": "web", "version": "1.2"}, ("web", "1.2")),
        ({"name": "web", "extra": 1}, ("web", "")),
        ("web/1.2", ("web", "1.2")),
        ("web", ("web", "")),
        (None, ("", "")),
        ({"name": "x" * 99}, ("x" * 64, "")),
    ],
)
@pytest.mark.parametrize("spoiler", [[], [7]])
def test_the_sdk(sdk: object, told: tuple[str, str], spoiler: list[object]) -> None:
    assert decode(body(*spoiler, sdk=sdk)).sdk == told


@pytest.mark.parametrize("spoiler", [[], [7]])
def test_the_outer_fields(spoiler: list[object]) -> None:
    batch = decode(body(*spoiler, sentAt="2026-11-22T10:00:00Z", appId="shop", batchId="b-1"))

    assert (batch.sent_ms, batch.app_id, batch.batch_id) == (1795341600000, "shop", "b-1")


def test_the_limit_of_events() -> None:
    event = {"ts": SENT_MS, "name": "a"}
    batch = decode(body(*[event] * EVENTS_PER_BATCH))
    assert validate(batch, window=WEEK, names=EventNames()).outcome.accepted == EVENTS_PER_BATCH
    for events in ([event] * (EVENTS_PER_BATCH + 1), [7] * (EVENTS_PER_BATCH + 1)):
        with pytest.raises(Rejected) as found:
            decode(body(*events))
        assert found.value.reason is Reason.TOO_MANY_EVENTS


def test_all_faults_are_counted_and_the_first_are_reported() -> None:
    validated = validate(decode(body(*[7] * 500)), window=WEEK, names=EventNames())

    assert validated.outcome.rejected == {"invalid_event": 500}
    assert [index for index, _ in validated.errors] == list(range(500))
    told = json.loads(answer(validated, "r"))
    assert told["rejected"] == 500
    assert [error["index"] for error in told["errors"]] == list(range(ERRORS_REPORTED))


def test_names_are_remembered_within_bounds() -> None:
    names = EventNames(capacity=3)
    for n in range(10):
        assert names.valid(f"n{n}")
    assert names.all_valid(["n8", "n9", "n0"])
    assert not names.all_valid(["n9", "no good"])
    assert not names.valid("no good")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (rb'"a\ud83d"', rb'"a\ufffd"'),
        (rb'"\ude00\ud83d\ude00\uD83D"', rb'"\ufffd\ud83d\ude00\ufffd"'),
        (rb'"\ud83d\ud83d\ude00"', rb'"\ufffd\ud83d\ude00"'),
        (rb'"\\ud83d \ud83d"', rb'"\\ud83d \ufffd"'),
        (rb'"\\\ud83d"', rb'"\\\ufffd"'),
        (rb'"\ud83d\u0041"', rb'"\ufffd\u0041"'),
        (rb'"\\ud83d"', None),
        (rb'"\ud83d\ude00"', None),
        (rb'"plain"', None),
        (rb'"' + rb"\ud83d" * 10_001 + rb'"', rb'"' + rb"\ufffd" * 10_001 + rb'"'),
        (rb'"\ud83d\udc"', rb'"\ufffd\udc"'),
        (rb'{"a":NaN,"b":[-Infinity, Infinity]}', rb'{"a":"NaN","b":["-Infinity", "Infinity"]}'),
        (rb'["NaN \" NaN",-1,NaN]', rb'["NaN \" NaN",-1,"NaN"]'),
        (rb'["a NaN", "NaN', None),
        (rb'[NaN,"\ud83d"]', rb'["NaN","\ufffd"]'),
    ],
)
def test_what_is_meant_as_json_is_made_json(text: bytes, told: bytes | None) -> None:
    assert mended(text) == told
