"""The schema of the native batch accepts what the collector accepts, and nothing else."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker, ValidationError, validators

from collector.admission.native.decode import decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import Window, validate
from collector.http.failures import failure_reply
from collector.receivers.native import answer
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason

SCHEMAS = Path(__file__).parents[2] / "sdk-wrappers" / "spec" / "schema"
NOW_MS = 1_795_316_640_000
formats = FormatChecker(formats=())


def is_time(text: object) -> bool:
    return not isinstance(text, str) or bool(datetime.fromisoformat(text))


formats.checkers["date-time"] = is_time, ValueError


def max_utf8_bytes(_: Any, limit: int, text: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(text, str) and len(text.encode("utf-8", "replace")) > limit:
        yield ValidationError(f"more than {limit} bytes")


Validator = validators.extend(Draft202012Validator, {"maxUtf8Bytes": max_utf8_bytes})


def schema(name: str) -> Any:
    document = json.loads((SCHEMAS / name).read_text())
    Draft202012Validator.check_schema(document)
    return Validator(document, format_checker=formats)


BATCH, ACCEPTED, REFUSED = (schema(f"{n}.json") for n in ("batch", "accepted", "refused"))

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
around = st.sampled_from
lengths = around([127, 128, 129])
identifiers = texts | lengths.map(lambda n: "x" * n) | lengths.map(lambda n: "😀" * n)
times = (
    st.integers(NOW_MS - 10**9, NOW_MS)
    | around([-1, 0, 0.5, 1e9, 4102444800, 4102444801, 1e10 - 1, 1e10, 4102444800000])
    | around([4102444800001, 1e15 - 1, 1e15, 4102444800000999, 4102444800001000, 1e16])
    | around([1e18 - 1000, 10**18, 4102444800000999999, 4102444800001000000, 10**19, 1e300])
    | st.datetimes(datetime(1971, 1, 1), datetime(2099, 12, 31)).map(lambda t: f"{t.isoformat()}Z")
    | around(["2026-11-22T10:00:00.123456789+14:00", "2024-02-29T00:00:00Z"])
    | around(
        ["2026-02-29T00:00:00Z", "2026-11-31T00:00:00Z", "2026-11-22T10:60:00Z", "1795316640000"]
    )
)
odd: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers(-5, 5) | texts | st.just([]) | st.just({})
)
numbers = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(-9e18, 9e18)
    | around([2**63, -(2**63) - 1, -0.0, 1e-310])
)
values = (
    texts
    | numbers
    | st.booleans()
    | st.none()
    | around([4095, 4096, 4097]).map(lambda n: "x" * n)
    | around([1365, 1366]).map(lambda n: "漢" * n)
)
keys = texts | lengths.map(lambda n: "k" * n)
attributes = (
    st.dictionaries(keys, values, max_size=4)
    | around([64, 65]).map(lambda n: {f"k{i}": i for i in range(n)})
    | st.dictionaries(texts, odd, max_size=2)
)
names = around(["page_view", "a/b:c-d.e_9", "", "a b", "a\n", "é", "n" * 128, "n" * 129])
events = st.fixed_dictionaries(
    {"ts": times | odd, "name": names | odd},
    optional={
        "id": identifiers | odd,
        "value": around([0, 1.5, 1e15, -1e15, 1.01e15, -1.01e15, 10**16]) | odd,
        "unit": around(["ms", "u" * 64, "u" * 65]) | odd,
        "attrs": attributes | odd,
        "sessionId": identifiers | odd,
        "userAnonId": identifiers | odd,
        "device": attributes | odd,
        "somethingNew": odd,
    },
)
good = st.builds(
    lambda ts, name, attrs: {"ts": ts, "name": name, "attrs": attrs},
    st.integers(NOW_MS - 1000, NOW_MS),
    around(["page_view", "purchase"]),
    st.dictionaries(around(["page", "n"]), texts | st.integers(0, 9), max_size=2),
)
batches = st.fixed_dictionaries(
    {},
    optional={
        "events": st.lists(good | events | odd, max_size=3) | st.just([]) | odd,
        "sdk": texts | st.dictionaries(around(["name", "version", "x"]), odd, max_size=3) | odd,
        "appId": identifiers | odd,
        "sentAt": times | odd,
        "batchId": identifiers | odd,
        "sampleRate": odd,
        "dropped": odd,
    },
)


def accepted(document: object) -> bool:
    """Whether the collector takes the batch and every event of it."""
    try:
        batch = decode(json.dumps(document, ensure_ascii=False).encode())
    except Rejected:
        return False
    return not validate(batch, window=Window(), names=EventNames()).errors


def whole(event: Mapping[str, Any]) -> dict[str, Any]:
    return {"events": [event]}


@given(document=batches | events.map(whole) | good.map(whole))
@example({"events": [{"ts": 1, "name": "a"}], "appId": "x" * 129})
@example({"events": [{"ts": 1, "name": "a"}], "sdk": {"name": None}})
def test_the_schema_accepts_what_the_collector_accepts(document: object) -> None:
    assert BATCH.is_valid(document) == accepted(document)


@given(size=around([999, 1000, 1001]))
def test_the_schema_and_the_collector_have_the_same_limit_of_events(size: int) -> None:
    document = {"events": [{"ts": NOW_MS, "name": "a"}] * size}
    assert BATCH.is_valid(document) == accepted(document) == (size <= 1000)


@pytest.mark.parametrize("attribute", [2**63, -(2**63) - 1, 1e22, -1e22, 10**22], ids=repr)
def test_the_schema_takes_no_attribute_beyond_64_bits(attribute: float) -> None:
    """JSON Schema cannot tell 1e22, which the collector takes, from 10000000000000000000000."""
    document = {"events": [{"ts": NOW_MS, "name": "a", "attrs": {"n": attribute}}]}
    assert not BATCH.is_valid(document)
    assert accepted(document) == isinstance(attribute, float)
    assert math.isfinite(attribute)


@pytest.mark.parametrize("ts", ["2026-11-22", "20261122T100000+0100", "1970-01-01T00:00:00Z"])
def test_other_forms_of_time_are_taken_by_the_collector_alone(ts: str) -> None:
    document = {"events": [{"ts": ts, "name": "a"}]}
    assert accepted(document)
    assert not BATCH.is_valid(document)


@given(items=st.lists(good | events, max_size=4))
def test_the_answer_to_a_batch_fits_its_schema(items: list[Any]) -> None:
    validated = validate(
        decode(json.dumps({"events": items}).encode()), window=Window(), names=EventNames()
    )
    ACCEPTED.validate(json.loads(answer(validated, "019ad000-0000-7000-8000-000000000001")))


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_fits_its_schema(reason: Reason) -> None:
    REFUSED.validate(json.loads(failure_reply(Rejected(reason, "m", field="f")).body))
    REFUSED.validate(json.loads(failure_reply(Unavailable("m", reason=reason)).body))
