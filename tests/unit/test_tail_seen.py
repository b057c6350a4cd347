"""What a tail has shown: each record once, late ones too, within bounds."""

import asyncio

import msgspec
import pytest

from api.query.log_following import (
    ArrivalRow,
    ArrivedRow,
    Cursor,
    LogTailRequest,
    plan_arrivals,
    plan_arrived,
    read_cursor,
)
from api.query.statement import Statement
from api.tail import messages
from api.tail.feed import Follower
from api.tail.seen import REACH_MS, Seen
from seamark.wire.failures import Rejected
from seamark.wire.receipts import new_receipt

NOW = 1_795_343_040_123
OVERLAP = 60_000


def receipt(number: int) -> str:
    return new_receipt(NOW, number.to_bytes(10, "big"))


def row(at_ms: int, number: int, records: int = 1) -> ArrivalRow:
    return ArrivalRow(NOW + at_ms, receipt(number), records)


def records(*arrivals: ArrivalRow, ids: str = "") -> list[ArrivedRow]:
    """The records of these requests, each its own; or with these ids."""
    made = []
    for at, arrival in enumerate(arrivals):
        for place in range(arrival.records):
            name = ids[place] if ids else f"{at}-{arrival.receipt[-4:]}-{place}"
            made.append(
                ArrivedRow(
                    name, "1", "1", 9, "", "body", "", "", "", "", "{}", "{}", "", "shop",
                    received_ms=arrival.received_ms, receipt=arrival.receipt,
                )
            )  # fmt: skip
    return made


def shown(seen: Seen, *arrivals: ArrivalRow, most: int = 100) -> tuple[list[str], int]:
    """One look of a feed: the requests shown, and what was passed over."""
    new = seen.news(arrivals, most=most)
    told = seen.show(new.arrivals, records(*new.arrivals))
    return [record.receipt for record in told], new.skipped


def test_what_was_there_is_not_shown_and_what_comes_is_shown_once() -> None:
    seen = Seen(overlap_ms=OVERLAP, now_ms=NOW)
    seen.begin([row(-5, 1), row(-50_000, 2)])
    rows = [row(-5, 1), row(-50_000, 2), row(10, 3, 2), row(-20_000, 4)]

    # in order of receipt, though it landed late
    assert shown(seen, *rows) == ([receipt(4), receipt(3), receipt(3)], 0)
    assert shown(seen, *rows) == ([], 0)
    # one that landed behind newer ones still comes
    assert shown(seen, *rows, row(-30_000, 5)) == ([receipt(5)], 0)


def test_the_floor_goes_with_what_arrives_and_not_with_the_clock() -> None:
    seen = Seen(overlap_ms=OVERLAP, now_ms=NOW)
    seen.move(NOW + 300_000)
    assert seen.floor_ms == NOW - OVERLAP  # nothing came: what is late has not come either
    shown(seen, row(200_000, 1))
    seen.move(NOW + 300_000)
    assert seen.floor_ms == NOW + 200_000 - OVERLAP
    seen.move(NOW + 400_000 + REACH_MS)
    assert seen.floor_ms == NOW + 400_000
    seen.move(NOW)
    assert seen.floor_ms == NOW + 400_000
    # a tail that shows nothing has a cursor to come back with all the same
    assert seen.cursor == Cursor(NOW + 400_000 + OVERLAP)
    assert shown(seen, row(0, 9)) == ([], 0)


def test_of_too_many_the_newest_are_shown_and_the_rest_is_counted() -> None:
    seen = Seen(overlap_ms=OVERLAP, now_ms=NOW)
    rows = [row(n, n, 10) for n in range(5)]
    told, skipped = shown(seen, *rows, most=25)
    assert (set(told), len(told), skipped) == ({receipt(3), receipt(4)}, 20, 30)
    assert shown(seen, *rows, most=25) == ([], 0)
    assert seen.cursor.records == 50
    # one request alone is read as far as it goes
    assert seen.news([row(9, 9, 500)], most=25).skipped == 0


def test_a_request_that_grew_shows_the_rest_of_it() -> None:
    seen = Seen(overlap_ms=OVERLAP, now_ms=NOW)
    first, grown = row(1, 1, 3), row(1, 1, 5)
    assert len(seen.show([first], records(first, ids="aab"))) == 3
    new = seen.news([grown], most=100)
    told = seen.show(new.arrivals, records(grown, ids="aabab"))
    assert [record.id for record in told] == ["a", "b"]
    assert seen.news([grown], most=100).arrivals == []


def test_someone_who_comes_back() -> None:
    seen = Seen(overlap_ms=OVERLAP, now_ms=NOW)
    rows = [row(1, 1), row(5, 2, 2)]
    shown(seen, *rows)
    left = seen.cursor
    assert read_cursor(str(left)) == left
    assert seen.since(left, rows) == ([], 0)
    late, newer, unknown = row(3, 3, 4), row(5, 4), row(9, 5)
    shown(seen, *rows, late, newer)
    # what is not known here yet is new to every client, and comes to this one with the others
    assert seen.since(left, [*rows, late, newer, unknown]) == ([newer], 4)


def test_a_cursor_that_is_none() -> None:
    for text in ("x", "1.2.3", f"{NOW}.{'g' * 32}.1", f"{NOW}.{'0' * 32}.1 "):
        with pytest.raises(Rejected) as refused:
            read_cursor(text)
        assert refused.value.field == "after"


def test_statements_ask_within_the_scope_and_hold_no_value() -> None:
    asked = LogTailRequest(service="cart", contains="it's", severity="error")
    made: list[Statement] = [
        plan_arrivals(asked, org="acme", app="shop", since_ms=NOW),
        plan_arrived(asked, org="acme", app="shop", arrivals=[row(0, 1), row(9, 2)], limit=10),
    ]
    for statement in made:
        assert "org = {p0:String} AND app = {p1:String}" in statement.sql
        assert not any(
            isinstance(value, str) and value in statement.sql for value in statement.values.values()
        )
    assert f"{receipt(1)},{receipt(2)}" in made[1].values.values()


async def test_a_slow_follower_gets_the_number_of_records_it_missed() -> None:
    follower = Follower()
    assert await follower.next(0.001) is None
    for number in range(100):
        follower.tell(messages.event("logs", {"n": number}, records=3))
    follower.tell(messages.end("stopping", "."))
    told = []
    while (message := await follower.next(0.001)) is not None:
        told.append(message)
    assert [m.data.split(b"\n")[0] for m in told[-2:]] == [b"event: skipped", b"event: end"]
    assert told[-2].data.split(b"data: ")[1] == b'{"skipped":%d}\n\n' % (3 * (100 - 63))
    assert len(told) == 65
    waiting = asyncio.create_task(follower.next(5))
    await asyncio.sleep(0)
    follower.tell(messages.heartbeat(Cursor(1)))
    assert await waiting is not None


def test_messages_are_of_bearable_size_and_only_the_last_has_the_cursor() -> None:
    rows = [
        msgspec.structs.replace(record, body="x" * 60_000)
        for record in records(row(0, 1, 30), row(1, 2))
    ]
    made = list(messages.records(rows, Cursor(NOW, receipt(2), 31)))
    assert sum(message.records for message in made) == 31
    assert all(len(message.data) < 400_000 for message in made)
    assert [message.data.startswith(b"id: ") for message in made] == [False] * (len(made) - 1) + [
        True
    ]
    for message in made:
        data = message.data.split(b"data: ", 1)[1]
        assert data.endswith(b"\n\n")
        assert data.count(b"\n") == 2
        assert len(msgspec.json.decode(data)["logs"]) == message.records
