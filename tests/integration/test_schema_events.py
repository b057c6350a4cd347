"""Events through the views: columns, time rule, dimensions, ledger."""

import datetime
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seamark.wire.dimensions import EVENT_DIMENSIONS
from seamark.wire.envelope import Outcome, Sender
from seamark.wire.signals import Signal
from tests.support.schema_store import RECEIVED_NS, EngineStore, envelope, events_envelope

pytestmark = pytest.mark.integration
RECEIVED_MS = RECEIVED_NS // 1_000_000
SENDER = Sender(
    org="acme",
    app="shop",
    key_id="k1",
    ip_hash="hash",
    country="DE",
    browser="chrome",
    browser_version="120",
    os="android",
    os_version="14",
    device="mobile",
    sdk_name="web",
    sdk_version="1.2",
    datacenter="fra",
    server_version="0.1",
    protocol="native",
)


@pytest.fixture(scope="module")
def store() -> EngineStore:
    return EngineStore().migrated()


def moment(ms: int) -> str:
    """DateTime64(3) as ClickHouse writes it."""
    whole = datetime.datetime.fromtimestamp(ms // 1000, datetime.UTC)
    return f"{whole:%Y-%m-%d %H:%M:%S}.{ms % 1000:03d}"


def test_an_event_with_everything_and_one_with_nothing(store: EngineStore) -> None:
    full = {
        "id": "e-1",
        "ts": RECEIVED_MS - 10_000,
        "name": "lcp",
        "value": 12.5,
        "unit": "ms",
        "attrs": {"page": "/x", "n": 3, "f": 1.5, "ok": True, "text": 'ü "'},
        "sessionId": "s",
        "userAnonId": "u",
        "device": {"os": "ios", "memory": 8},
        "attrTypes": "sidbs",
        "deviceTypes": "si",
    }
    sent_ms = RECEIVED_MS - 4_000
    store.insert(
        Signal.EVENTS,
        [
            events_envelope(
                [full, {"ts": RECEIVED_MS, "name": "void"}],
                sender=SENDER,
                sent_ms=sent_ms,
                weight=4.0,
            )
        ],
    )
    first, second = store.records(f"SELECT * FROM {store.database}.events ORDER BY name")
    around = {
        "org": "acme",
        "app": "shop",
        "receipt": "018f0000-0000-7000-8000-000000000001",
        "received_at": moment(RECEIVED_MS),
        "weight": 4,
        "skew_ms": 4_000,
        "ip_hash": "hash",
        "country": "DE",
        "browser": "chrome",
        "browser_version": "120",
        "os": "android",
        "os_version": "14",
        "device_type": "mobile",
        "sdk_name": "web",
        "sdk_version": "1.2",
        "datacenter": "fra",
        "server_version": "0.1",
        "key_id": "k1",
    }
    assert first == around | {
        "time": moment(RECEIVED_MS - 6_000),
        "time_flag": 0,
        "ts": moment(RECEIVED_MS - 10_000),
        "event_id": "e-1",
        "name": "lcp",
        "value": 12.5,
        "unit": "ms",
        "attrs": {"page": "/x", "n": "3", "f": "1.5", "ok": "true", "text": 'ü "'},
        "attr_types": "sidbs",
        "session_id": "s",
        "user_id": "u",
        "device": {"os": "ios", "memory": "8"},
        "device_types": "si",
    }
    assert second == around | {
        "time": moment(RECEIVED_MS),
        "time_flag": 1,
        "ts": moment(RECEIVED_MS),
        "event_id": "",
        "name": "void",
        "value": None,
        "unit": "",
        "attrs": {},
        "attr_types": "",
        "session_id": "",
        "user_id": "",
        "device": {},
        "device_types": "",
    }
    assert store.rows(f"SELECT dims FROM {store.database}.events_1m WHERE name = 'void'") == [
        [{"country": "DE", "device": "mobile", "browser": "chrome", "os": "android"}]
    ]


def test_flags_of_the_collector_are_added_to_those_of_the_store() -> None:
    """2: a time in another unit than milliseconds; 4: the collector gave the time."""
    database = EngineStore().migrated()
    for sent_ms in (RECEIVED_MS, None):
        events = [{"ts": RECEIVED_MS, "name": "t", "timeFlag": flag} for flag in (0, 2, 4, 6)]
        database.insert(Signal.EVENTS, [events_envelope(events, sent_ms=sent_ms)])
    rows = database.rows(f"SELECT time_flag FROM {database.database}.events ORDER BY time_flag")
    assert rows == [[flag] for flag in (0, 1, 2, 3, 4, 5, 6, 7)]


def expected_time(ts_ms: int, sent_ms: int | None, received_ms: int) -> tuple[int, int]:
    """ARCHITECTURE, Time: the time of an event and its flag."""
    if sent_ms is None or sent_ms < ts_ms:
        return received_ms, 1
    return received_ms - max(0, sent_ms - ts_ms), 0


def rfc3339(ms: int, digits: str, minutes: int, dead_letters: str) -> str:
    """A moment as text with an offset, and `digits` after its milliseconds."""
    zone = datetime.timezone(datetime.timedelta(minutes=minutes))
    local = datetime.datetime.fromtimestamp(ms // 1000, zone)
    offset = dead_letters[1] if minutes == 0 else f"{local:%z}"[:3] + ":" + f"{local:%z}"[3:]
    return f"{local:%Y-%m-%d}{dead_letters[0]}{local:%H:%M:%S}.{ms % 1000:03d}{digits}{offset}"


MOMENTS = st.integers(0, 4_102_444_800_000 - 1) | st.integers(
    RECEIVED_MS - 90_000, RECEIVED_MS + 90_000
)
WRITTEN = st.one_of(
    MOMENTS.map(lambda ms: (ms, ms)),
    st.tuples(MOMENTS, st.floats(0, 0.999)).map(
        lambda pair: (pair[0] + pair[1], math.floor(pair[0] + pair[1]))
    ),
    st.builds(
        lambda ms, digits, minutes, dead_letters: (rfc3339(ms, digits, minutes, dead_letters), ms),
        st.integers(86_400_000, 4_102_444_800_000 - 86_400_000),
        st.text("0123456789", max_size=6),
        st.integers(-14 * 60, 14 * 60),
        st.sampled_from(["TZ", "tz", " Z"]),
    ),
)


def test_times_are_those_of_the_rule(store: EngineStore) -> None:
    cases: list[tuple[Any, int, int | None]] = []

    @settings(max_examples=400, deadline=None, database=None, derandomize=True)
    @given(WRITTEN, st.none() | st.integers(-3_000, 100_000))
    def collect(written: tuple[Any, int], behind_ms: int | None) -> None:
        sent_ms = None if behind_ms is None else max(1, written[1] + behind_ms)
        cases.append((*written, sent_ms))

    collect()
    cases += [
        ("2026-11-22T03:03:00Z", 1_795_316_580_000, RECEIVED_MS),
        ("2026-11-22T03:03:00.9999999999-00:00", 1_795_316_580_999, RECEIVED_MS),
    ]
    database = EngineStore().migrated()
    database.insert(
        Signal.EVENTS,
        [
            events_envelope([{"ts": ts, "name": "t", "id": str(index)}], sent_ms=sent_ms)
            for index, (ts, _, sent_ms) in enumerate(cases)
        ],
    )
    rows = database.rows(
        "SELECT toUnixTimestamp64Milli(ts), toUnixTimestamp64Milli(time), time_flag "
        f"FROM {database.database}.events ORDER BY toUInt32(event_id)"
    )
    wrong = [
        (case, row)
        for case, row in zip(cases, rows, strict=True)
        if row != [case[1], *expected_time(case[1], case[2], RECEIVED_MS)]
    ]
    assert wrong == []


def source_value(source: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Event and sender in which only one source of a dimension has a value, its own name."""
    place, _, key = source.partition(".")
    if place == "envelope":
        return {}, {key: source}
    return {place: {key: source}}, {}


def test_dimensions_are_those_of_the_wire(store: EngineStore) -> None:
    database = EngineStore().migrated()
    envelopes, expected = [], {}
    for dimension, sources in EVENT_DIMENSIONS.items():
        for rank, source in enumerate(sources):
            # everything that ranks lower has a value too; what ranks higher is empty
            event: dict[str, Any] = {"ts": 0, "name": f"{dimension}-{rank}"}
            sender: dict[str, Any] = {"org": "acme", "app": "shop"}
            for other_rank, other in enumerate(sources):
                into_event, into_sender = source_value(other)
                sender |= into_sender if other_rank >= rank else {}
                for place, content in into_event.items():
                    blank = dict.fromkeys(content, "")
                    event.setdefault(place, {}).update(content if other_rank >= rank else blank)
            envelopes.append(events_envelope([event], sender=Sender(**sender)))
            expected[event["name"]] = {dimension: source}
    envelopes.append(events_envelope([{"ts": 0, "name": "none", "attrs": {"other": "x"}}]))
    expected["none"] = {}
    database.insert(Signal.EVENTS, envelopes)
    rows = database.rows(f"SELECT name, dims FROM {database.database}.events_1m")
    assert dict(map(tuple, rows)) == expected


def test_the_ledger_adds_up(store: EngineStore) -> None:
    database = EngineStore().migrated()
    outcomes = {
        Signal.EVENTS: Outcome(10, 6, {"invalid_name": 1, "too_late": 1}, sampled=1, limited=1),
        Signal.TRACES: Outcome(4_000_000_000, 4_000_000_000),
        Signal.METRICS: Outcome(1, 0, {"invalid_value": 1}),
        Signal.LOGS: Outcome(0, 0),
    }
    for signal, outcome in outcomes.items():
        body = b"[]" if signal is Signal.EVENTS else b""
        database.insert(signal, [envelope(signal, body, outcome=outcome)] * 3, token="one")
        database.insert(signal, [envelope(signal, body, outcome=outcome)] * 3, token="one")
    rows = database.rows(
        "SELECT org, app, signal, toString(minute), key_id, sum(requests), sum(offered), "
        "sum(accepted), sumMap(rejected), sum(sampled), sum(limited) "
        f"FROM {database.database}.ledger GROUP BY ALL"
    )
    assert {row[2]: row for row in rows} == {
        signal.value: [
            "acme",
            "shop",
            signal.value,
            "2026-11-22 03:04:00",
            "k1",
            3,
            3 * outcome.offered,
            3 * outcome.accepted,
            {reason: 3 * count for reason, count in outcome.rejected.items()},
            3 * outcome.sampled,
            3 * outcome.limited,
        ]
        for signal, outcome in outcomes.items()
    }
