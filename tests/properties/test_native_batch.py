"""Laws of the native batch: what is stored is what was checked, and ClickHouse reads the same."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.admission.native.decode import decode
from collector.admission.native.names import EventNames
from collector.admission.native.validate import ValidatedBatch, Window, dead_letters, validate
from seamark.wire.failures import Rejected

ROOT = Path(__file__).parents[2]
NOW_MS = 1_795_316_640_000
calm = settings(deadline=None)
WINDOW = Window(opens_ms=NOW_MS - 7 * 86_400_000, days=7)

texts = st.text(max_size=20) | st.text(st.sampled_from("a\0\n\"\\/\u2028é😀'"), max_size=8)
numbers = (
    st.integers(-(2**64), 2**65)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -0.0, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 1e22, 1e-310, 0.1, 1e15])
)
values = texts | numbers | st.booleans() | st.none()
attributes = st.dictionaries(st.text(min_size=1, max_size=6) | st.just("a"), values, max_size=6)
odd_attributes = attributes | st.none() | st.just({"a": {"b": 1}}) | st.just({"a": [1]}) | texts
times = (
    st.integers(NOW_MS - 9 * 86_400_000, NOW_MS + 86_400_000)
    | st.datetimes(timezones=st.timezones()).map(lambda at: at.isoformat())
    | st.sampled_from(
        [NOW_MS + 0.25, "2026-11-22T10:00:00Z", "20261122T100000+0100", "2026-W47-7", "2026-11-22"]
    )
)
good = st.fixed_dictionaries(
    {"ts": st.integers(NOW_MS - 1000, NOW_MS), "name": st.sampled_from(["page_view", "a/b:c-d.e"])},
    optional={
        "id": texts,
        "value": st.floats(-1e15, 1e15) | st.integers(-(10**15), 10**15) | st.none(),
        "unit": texts,
        "attrs": attributes,
        "sessionId": texts,
        "userAnonId": texts,
        "device": attributes,
        "somethingNew": values,
    },
)
odd = st.fixed_dictionaries(
    {},
    optional={
        "ts": times | values,
        "name": texts | values,
        "id": texts | values,
        "value": values,
        "unit": texts | values,
        "attrs": odd_attributes,
        "sessionId": values,
        "device": odd_attributes,
    },
)
events = st.lists(good | odd | values, max_size=12)


def validated(body: bytes) -> ValidatedBatch:
    return validate(decode(body), window=WINDOW, names=EventNames())


def encoded(items: list[Any], *, ascii_only: bool = True) -> bytes:
    return json.dumps({"events": items}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


class Reader:
    """The engine, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "events.json"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.properties.native_reading"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def rows(self, events_json: bytes) -> list[list[Any]]:
        """The rows of one array, as the materialized view would make them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._file.write_bytes(events_json)
        self._process.stdin.write(f"{self._file}\n".encode())
        self._process.stdin.flush()
        found: list[list[Any]] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    running = Reader(tmp_path_factory.mktemp("native"))
    yield running
    running.close()


def same(told: object, read: str) -> bool:
    """Whether ClickHouse's text of an attribute is the value that was stored."""
    if isinstance(told, bool):
        return read == ("true" if told else "false")
    if isinstance(told, float):
        return float(read) == told
    return read == str(told)


@settings(max_examples=150, deadline=None)
@given(items=events, ascii_only=st.booleans())
@example(items=[{"ts": 1e12, "name": "a", "attrs": {"a": 2**63 - 1, "b": -0.0}}], ascii_only=True)
def test_clickhouse_reads_what_was_accepted(
    reader: Reader, items: list[Any], ascii_only: bool
) -> None:
    result = validated(encoded(items, ascii_only=ascii_only))
    rows = reader.rows(result.events_json)
    stored = json.loads(result.events_json)

    assert len(rows) == len(stored) == result.outcome.accepted
    for event, row in zip(stored, rows, strict=True):
        ident, ts, name, value, unit, attrs, session, user, device = row
        assert [ident, unit, session, user] == [
            event.get(field, "") for field in ("id", "unit", "sessionId", "userAnonId")
        ]
        assert name == event["name"]
        assert same(event["ts"], ts)
        assert value == event.get("value")
        for told, read in ((event.get("attrs", {}), attrs), (event.get("device", {}), device)):
            assert told.keys() == read.keys()
            assert all(same(told[key], read[key]) for key in told)


@calm
@given(items=events, ascii_only=st.booleans())
def test_everything_offered_is_accounted_for(items: list[Any], ascii_only: bool) -> None:
    result = validated(encoded(items, ascii_only=ascii_only))
    outcome = result.outcome

    assert outcome.offered == len(items)
    assert outcome.offered == outcome.accepted + sum(outcome.rejected.values())
    assert len(result.errors) == sum(outcome.rejected.values())


@calm
@given(items=events, ascii_only=st.booleans())
def test_what_was_rejected_is_kept_as_it_was_sent(items: list[Any], ascii_only: bool) -> None:
    batch = decode(encoded(items, ascii_only=ascii_only))
    result = validate(batch, window=WINDOW, names=EventNames())
    kept = list(dead_letters(batch, result))

    assert [(x.index, x.reason) for x in kept] == [(n, f.reason) for n, f in result.errors]
    for found in kept:
        assert json.loads(found.original) == items[found.index]
        item = items[found.index]
        name = item.get("name") if isinstance(item, dict) else None
        assert found.name == (name if isinstance(name, str) else "")[:128]


@calm
@given(items=st.lists(good, max_size=6), bad=odd | values, at=st.integers(0, 6))
def test_a_bad_event_changes_nothing_about_the_others(
    items: list[Any], bad: object, at: int
) -> None:
    """Also: the batch read as a whole and the batch read event by event agree."""
    alone = validated(encoded([bad]))
    mixed = validated(encoded([*items[:at], bad, *items[at:]]))
    whole = validated(encoded(items))

    stored = json.loads(mixed.events_json)
    if alone.outcome.accepted == 0:
        assert stored == json.loads(whole.events_json)
    assert mixed.outcome.accepted == whole.outcome.accepted + alone.outcome.accepted


@calm
@given(item=good)
def test_a_good_event_is_stored_as_it_was_sent(item: dict[str, Any]) -> None:
    result = validated(encoded([item]))
    fits = all(
        not (type(value) is int and not -(2**63) <= value < 2**63)
        for field in ("attrs", "device")
        for value in item.get(field, {}).values()
    )

    assert result.outcome.accepted == fits
    if fits:
        told = {key: value for key, value in item.items() if key != "somethingNew"}
        for field in ("attrs", "device"):
            if field in told:
                told[field] = {k: v for k, v in told[field].items() if v is not None}
        told = {
            key: value
            for key, value in told.items()
            if value is not None and (value != {} or item[key] == {})  # only nulls were in it
        }
        [kept] = json.loads(result.events_json)
        assert {key: kept.pop(key, "") for key in ("attrTypes", "deviceTypes")} == {
            "attrTypes": type_codes(told.get("attrs", {})),
            "deviceTypes": type_codes(told.get("device", {})),
        }
        assert kept == told


def type_codes(attributes: dict[str, Any]) -> str:
    """The types of attributes, in the order of their keys; nothing where all are text."""
    kinds = {str: "s", int: "i", float: "d", bool: "b"}
    found = "".join(kinds[type(attributes[key])] for key in sorted(attributes))
    return found if found.strip("s") else ""


BARE = st.sampled_from(["NaN", "Infinity", "-Infinity"])


@calm
@given(count=st.integers(1, 6), bad=st.integers(0, 5), field=st.integers(0, 3), bare=BARE)
def test_a_bare_number_that_json_has_not_costs_its_own_event_at_most(
    count: int, bad: int, field: int, bare: str
) -> None:
    items = [{"ts": NOW_MS, "name": f"n{place}", "attrs": {"a": 1}} for place in range(count)]
    places = ('"attrs":{"a":1', '"ts":1', '"name":"n', '"attrs"')
    put = (f'"attrs":{{"a":{bare}, "b":1', f'"ts":{bare},"x":1', f'"value":{bare},"name":"n',
           f'"b":[{bare}],"attrs"')[field]  # fmt: skip
    parts = [json.dumps(item, separators=(",", ":")) for item in items]
    parts[bad % count] = parts[bad % count].replace(places[field], put, 1)
    result = validated(b'{"events":[%s]}' % ",".join(parts).encode())
    rejected = field in (1, 2)  # a time and a value are numbers; an attribute may be text
    kept = [item["name"] for item in items if not (rejected and item is items[bad % count])]
    assert [event["name"] for event in json.loads(result.events_json)] == kept
    assert result.outcome.offered == count
    if field == 0:
        assert json.loads(result.events_json)[bad % count]["attrs"] == {"a": bare, "b": 1}


@calm
@given(body=st.binary(max_size=200))
def test_any_bytes_are_a_batch_or_rejected(body: bytes) -> None:
    with contextlib.suppress(Rejected):  # and nothing else
        validated(body)


@calm
@given(items=events, cut=st.integers(0, 400), patch=st.binary(max_size=3))
def test_any_damage_is_a_batch_or_rejected(items: list[Any], cut: int, patch: bytes) -> None:
    whole = encoded(items)
    at = cut % len(whole)
    with contextlib.suppress(Rejected):  # and nothing else
        result = validated(whole[:at] + patch + whole[at + len(patch) :])
        assert len(json.loads(result.events_json)) == result.outcome.accepted
    with contextlib.suppress(Rejected):
        batch = decode(whole[:at] + patch + whole[at + len(patch) :])
        again = validate(batch, window=WINDOW, names=EventNames())
        assert len(list(dead_letters(batch, again))) == len(again.errors)
