"""Times in other units than milliseconds: recognised by their size, flagged, never read wrongly."""

import json
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.admission import timestamps
from collector.admission.compat_events import LooseEvent, RequestContext, read_many
from collector.admission.native.decode import RawBatch, TypedBatch, decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import ValidatedBatch, Window, validate
from seamark.wire.failures import Rejected
from seamark.wire.limits import TIMESTAMP_MAX_MS

PER_SECOND = {"s": 1, "us": 1_000_000, "ns": 1_000_000_000}
moments_ms = st.integers(1_000_000_000_000, TIMESTAMP_MAX_MS - 1)
UNLIMITED = Window()


def checked(batch: TypedBatch | RawBatch, window: Window = UNLIMITED) -> ValidatedBatch:
    return validate(batch, window=window, names=EventNames())


def batch_of(*events: object, **members: object) -> TypedBatch | RawBatch:
    return decode(json.dumps({**members, "events": events}).encode())


def stored(batch: TypedBatch | RawBatch) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(checked(batch).events_json)
    return found


@given(
    at_ms=moments_ms,
    unit=st.sampled_from(sorted(PER_SECOND)),
    fraction=st.booleans(),
    neighbour=st.sampled_from(["none", "milliseconds", "invalid"]),
)
def test_a_time_in_another_unit_is_the_same_moment_and_flagged(
    at_ms: int, unit: str, fraction: bool, neighbour: str
) -> None:
    exact = Fraction(at_ms, 1000) * PER_SECOND[unit]
    sent: int | float = float(exact) if fraction else int(exact)
    others: dict[str, list[object]] = {
        "none": [],
        "milliseconds": [{"ts": at_ms, "name": "b"}],
        "invalid": [{"name": 7}],
    }
    [event, *rest] = stored(batch_of({"ts": sent, "name": "a"}, *others[neighbour]))

    seconds_only = unit == "s" and not fraction
    assert int(event["ts"]) == (at_ms // 1000 * 1000 if seconds_only else at_ms) or (
        unit == "ns" and fraction and abs(event["ts"] - at_ms) <= 1  # a double of ns has 256 ns
    )
    assert event["timeFlag"] == timestamps.UNIT_CHANGED
    assert all("timeFlag" not in other for other in rest)


@given(at_ms=moments_ms, text=st.booleans())
def test_milliseconds_and_text_are_stored_as_sent_without_a_flag(at_ms: int, text: bool) -> None:
    sent: object = "2026-11-22T10:00:00Z" if text else at_ms
    assert stored(batch_of({"ts": sent, "name": "a"})) == [{"ts": sent, "name": "a"}]


@given(at_ms=moments_ms, unit=st.sampled_from(sorted(PER_SECOND)), spoiler=st.booleans())
def test_sent_at_in_another_unit_gives_the_same_age(at_ms: int, unit: str, spoiler: bool) -> None:
    """The late window is applied to the same moment, and each event of the batch is flagged."""
    second_ms = at_ms // 1000 * 1000
    sent_at = int(Fraction(second_ms, 1000) * PER_SECOND[unit])
    event = {"ts": second_ms - 5_000, "name": "a"}
    batch = batch_of(event, *([7] if spoiler else []), sentAt=sent_at)

    assert batch.sent_ms == second_ms
    assert checked(batch, Window(second_ms - 5_000, 1)).outcome.accepted == 1
    assert checked(batch, Window(second_ms - 4_999, 1)).outcome.rejected["too_late"] == 1
    assert stored(batch) == [{**event, "timeFlag": timestamps.UNIT_CHANGED}]


@given(
    ts=st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False),
    slow=st.booleans(),
)
def test_every_number_is_a_time_between_1970_and_2100_or_rejected(
    ts: int | float, slow: bool
) -> None:
    attributes = {"a": None} if slow else {"a": 1}
    result = checked(batch_of({"ts": ts, "name": "a", "attrs": attributes}))
    for event in json.loads(result.events_json):
        assert 0 <= event["ts"] <= TIMESTAMP_MAX_MS
        assert event["ts"] == ts or event["timeFlag"] == timestamps.UNIT_CHANGED
    for _, error in result.errors:
        assert error.field == "ts"
        assert "send epoch milliseconds" in error.message


@pytest.mark.parametrize("ts", [4_102_444_801, 9_999_999_999, 5e15, 9_223_372_036_854_775_807])
def test_a_moment_after_2100_is_rejected_in_every_unit(ts: int | float) -> None:
    [(_, error)] = checked(batch_of({"ts": ts, "name": "a"})).errors
    assert error.message.startswith(f"{ts} is not between 1970 and 2100")
    with pytest.raises(Rejected):
        batch_of(sentAt=ts)


def test_a_sender_cannot_set_the_flag() -> None:
    assert stored(batch_of({"ts": 1_795_316_640_000, "name": "a", "timeFlag": 2})) == [
        {"ts": 1_795_316_640_000, "name": "a"}
    ]


def test_seconds_of_a_compat_client_are_recognised() -> None:
    body = b'[{"event": "a", "timestamp": 1795316640.25}]'
    batch = read_many(body, LooseEvent(), RequestContext(salt="", now_ms=0))
    assert stored(batch) == [{"ts": 1795316640250.0, "name": "a", "timeFlag": 2}]
