"""The rollup of visits: the same whatever the blocks are, and enough to answer a question from."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from api.query.events import dimension
from api.query.filters import Filter
from api.query.people import HAS_PERSON, SESSION
from api.query.request import QueryScope
from api.questions.sessions import ROLLED, TIE, SessionsRequest, plan_sessions
from seamark.wire.dimensions import EVENT_DIMENSIONS
from seamark.wire.envelope import Sender
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal
from tests.support.archive_stack import migrate
from tests.support.schema_store import RECEIVED_NS, EngineStore, events_envelope
from tests.support.store_server import StoreServer

pytestmark = pytest.mark.integration
HOUR_MS = 3_600_000
BEFORE_MS = RECEIVED_NS // 10**6
AFTER_MS = BEFORE_MS + 7 * 24 * HOUR_MS
"""When rows are received."""
SENDERS = (
    Sender(org="acme", app="shop"),
    Sender(org="acme", app="blog", country="US", device="phone", browser="Firefox", os="Linux"),
)
ROWS = "* EXCEPT (key), hex(key) AS k"


def envelope_of(rng: random.Random, number: int, received_ms: int = BEFORE_MS) -> bytes:
    """Events of few people that lie close together, some with all the dimensions; wild clocks."""
    sources = [source.partition(".") for of in EVENT_DIMENSIONS.values() for source in of]
    events: list[dict[str, Any]] = []
    for place_in_batch in range(rng.randrange(1, 30)):
        event: dict[str, Any] = {
            "id": str(place_in_batch),
            "ts": received_ms - rng.choice([0, 0, 1000, rng.randrange(4 * HOUR_MS)]) // 500 * 500,
            "name": rng.choice(["page_view", "click"]),
            "attrs": {"n": str(rng.randrange(3))},
            "device": {},
            "sessionId": rng.choice(["", "", "a", "b"]),
            "userAnonId": rng.choice(["", "a", "c"]),
        }
        if rng.random() < 0.05:
            event["ts"] = rng.choice([0, -1, -(10**15), 10**15, received_ms - 400 * 24 * HOUR_MS])
        for place, _, key in sources:
            if place != "envelope" and rng.random() < 0.3:
                event[place][key] = f"{place}-{rng.randrange(3)}" if rng.random() < 0.9 else ""
        events.append(event)
    return events_envelope(
        events,
        sender=rng.choice(SENDERS),
        receipt=f"018f0000-0000-7000-8000-{number:012d}",
        received_ns=(received_ms + rng.choice([0, 0, 24 * HOUR_MS])) * 10**6,
        sent_ms=rng.choice([None, received_ms]),
        weight=rng.choice([1.0, 1.0, 2.5]),
    )


def test_visits_are_what_their_events_say_however_blocks_are_cut() -> None:
    rng = random.Random(3)
    sent = [envelope_of(rng, number) for number in range(60)]
    orders = (sent, sent[::-1], rng.sample(sent, len(sent)))
    found = []
    for order, sizes in zip(orders, ((60,), (1,), (2, 7, 13)), strict=True):
        store = EngineStore().migrated()
        rest = list(order)
        while rest:
            size = rng.choice(sizes)
            block, rest = rest[:size], rest[size:]
            for _ in range(2):  # the second adds nothing
                store.insert(Signal.EVENTS, block, token=f"{len(rest)}")
        table = f"{store.database}.visits_15m FINAL"
        found.append(store.lines(f"SELECT {ROWS} FROM {table} ORDER BY ALL"))
        dims = ", ".join(
            "toString(name)" if key == "name" else dimension(key, "") for key in ROLLED
        )
        assert found[-1] == store.lines(
            "SELECT org, app, toDate(received_at), toStartOfFifteenMinutes(time) AS s,"
            f" min((time, ts, weight, {TIE}, {dims})), max(time),"
            " count(), countIf(name = 'page_view'), max(weight != 1),"
            f" hex(sipHash128({SESSION})) AS k FROM {store.database}.events"
            f" WHERE {HAS_PERSON} AND time >= toDateTime64(0, 3, 'UTC')"
            " GROUP BY 1, 2, 3, 4, k ORDER BY ALL"
        )
    assert len(found[0]) > 50
    assert found[0] == found[1] == found[2]


def insert(store: StoreServer, number: int, *, received_ms: int = BEFORE_MS) -> None:
    """Block `number`: always the same bytes under the same token."""
    rng = random.Random(number)
    sent = [envelope_of(rng, 10 * number + i, received_ms) for i in range(3)]
    answer = store.insert(
        "INSERT INTO seamark.in_events FORMAT Protobuf",
        b"".join(map(zstandard.compress, sent)),
        encoding="zstd",
        insert_deduplication_token=f"block-{number}",
        **INSERT_SETTINGS,
    )
    assert answer.status == 200, answer.body


def asked(store: StoreServer, **said: Any) -> list[list[str]]:
    """Sessions by country and day: from the rollup, unless there are filters."""
    request = SessionsRequest(from_="now-10d", group_by="country", gap_sec=900, **said)
    now_ms = AFTER_MS + 30 * HOUR_MS
    within = QueryScope(org="acme", app="", now_ms=now_ms, search_days=30, minute_days=30)
    made = plan_sessions(request, within).statement
    given = {f"param_{name}": str(value) for name, value in made.values.items()}
    return store.rows(made.sql, database="seamark", **given)


def from_events(store: StoreServer) -> list[list[str]]:
    """The same of the raw events, all of which meet this filter."""
    return asked(store, filters=[Filter(key="nothing", value="")])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreServer]:
    with StoreServer(tmp_path / "data", fsync="false") as store:
        migrate(store)
        yield store


def test_a_block_that_is_sent_again_adds_nothing(store: StoreServer) -> None:
    for number, received_ms in ((1, BEFORE_MS), (2, AFTER_MS)):
        insert(store, number, received_ms=received_ms)
    found = asked(store)
    assert found == from_events(store) != []
    for _ in range(2):
        for number, received_ms in ((1, BEFORE_MS), (2, AFTER_MS)):
            insert(store, number, received_ms=received_ms)
        assert asked(store) == from_events(store) == found
        assert store.stop() == 0
        store.start()


def test_raw_rows_are_not_read_for_whole_slots(store: StoreServer) -> None:
    for number, received_ms in ((1, BEFORE_MS), (2, AFTER_MS)):
        insert(store, number, received_ms=received_ms)
    found = asked(store)
    store.rows("ALTER TABLE seamark.events DROP PARTITION ALL")
    assert asked(store) == found != []
