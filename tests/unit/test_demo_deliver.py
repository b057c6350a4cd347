"""Delivery: one batch, one batchId, however often it has to be sent."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from seamark.demo.access import DemoAccess
from seamark.demo.batches import encode_batch
from seamark.demo.deliver import DemoDelivery, pause_seconds
from seamark.demo.tally import DemoTally
from seamark.demo.visits import make_visit

TIMEOUT = aiohttp.ClientTimeout(total=10)
VISIT = make_visit(1, 4)
PAGE = VISIT.pages[0]
BODY = encode_batch(
    VISIT, PAGE, batch_id="r-4-0", app="demo", start_ms=1_000_000, sent_ms=1_009_000
)


class Ingest:
    """Answers from a script; keeps what it was sent."""

    def __init__(self) -> None:
        self.script: list[web.Response | None] = []
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        raw = await request.read()  # aiohttp has undone the gzip
        self.bodies.append(json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw))
        self.headers.append(dict(request.headers))
        answer = self.script.pop(0)
        if answer is None:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        return answer


@pytest.fixture
async def ingest() -> AsyncIterator[Ingest]:
    found = Ingest()
    app = web.Application()
    app.router.add_post("/v1/ingest/batch", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


def accepted(count: int, errors: tuple[int, ...] = ()) -> web.Response:
    body: dict[str, Any] = {"accepted": count, "rejected": len(errors), "receiptId": "x"}
    body["errors"] = [{"index": i, "reason": "invalid_value", "message": ""} for i in errors]
    return web.json_response(body, status=202)


async def send(ingest: Ingest, *, patience_seconds: float = 100.0) -> tuple[DemoTally, list[float]]:
    tally, pauses = DemoTally(), []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    who = DemoAccess(ingest.url, "", "", key="smk_k", token="", app="demo")
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        delivery = DemoDelivery(session, who, tally, patience_seconds=patience_seconds, sleep=sleep)
        await delivery.send(VISIT, PAGE, BODY)
    return tally, pauses


async def test_an_accepted_batch_is_counted_by_name_country_and_release(ingest: Ingest) -> None:
    ingest.script = [accepted(len(PAGE.events))]
    tally, pauses = await send(ingest)
    assert not pauses
    assert tally.accepted == tally.offered == len(PAGE.events)
    assert tally.counts["page_view"] == 1
    assert tally.by_country["page_view", VISIT.country] == 1
    assert tally.by_release["page_view", VISIT.release] == 1
    lcp = next(event for event in PAGE.events if event.name == "web_vital.lcp")
    assert tally.sums["web_vital.lcp"] == lcp.value
    assert ingest.headers[0]["X-API-Key"] == "smk_k"
    assert ingest.headers[0]["User-Agent"] == VISIT.browser.agent


async def test_the_same_bytes_go_again_until_they_are_accepted(ingest: Ingest) -> None:
    ingest.script = [
        web.json_response({}, status=503, headers={"Retry-After": "7"}),
        None,
        web.json_response({}, status=429),
        accepted(len(PAGE.events)),
    ]
    tally, pauses = await send(ingest)
    assert len(ingest.bodies) == 4
    assert all(body == ingest.bodies[0] for body in ingest.bodies)
    assert ingest.bodies[0]["batchId"] == "r-4-0"
    assert tally.retries == len(pauses) == 3
    assert 7 <= pauses[0] < 8
    assert tally.accepted == tally.offered


async def test_rejected_events_are_not_counted(ingest: Ingest) -> None:
    ingest.script = [accepted(len(PAGE.events) - 1, (0,))]
    tally, _ = await send(ingest)
    assert tally.rejected == 1
    assert tally.accepted == len(PAGE.events) - 1
    assert tally.counts[PAGE.events[0].name] == 0


async def test_a_refusal_is_final(ingest: Ingest) -> None:
    ingest.script = [web.json_response({}, status=401)]
    tally, pauses = await send(ingest)
    assert (tally.refused, tally.accepted, pauses) == (len(PAGE.events), 0, [])


async def test_patience_ends_and_the_outcome_is_unknown(ingest: Ingest) -> None:
    ingest.script = [web.json_response({}, status=503, headers={"Retry-After": "60"})]
    tally, _ = await send(ingest, patience_seconds=5)
    assert (tally.unknown, tally.accepted) == (len(PAGE.events), 0)


async def test_in_a_hurry_nothing_is_waited_for(ingest: Ingest) -> None:
    ingest.script = [web.json_response({}, status=503) for _ in range(2)]

    async def interrupted(_: float) -> None:
        delivery.hurry()

    tally = DemoTally()
    who = DemoAccess(ingest.url, "", "", key="smk_k", token="", app="demo")
    async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
        delivery = DemoDelivery(session, who, tally, sleep=interrupted)
        await delivery.send(VISIT, PAGE, BODY)
    assert (tally.unknown, tally.retries, len(ingest.bodies)) == (len(PAGE.events), 1, 2)


async def test_an_answer_that_does_not_add_up_is_no_answer(ingest: Ingest) -> None:
    ingest.script = [accepted(1)]
    with pytest.raises(ValueError, match="does not add up"):
        await send(ingest)


def test_pauses_grow_to_ten_seconds_and_heed_what_was_asked_for() -> None:
    assert [pause_seconds(n, None, 1.0) for n in (1, 2, 3, 50)] == [0.2, 0.4, 0.8, 10.0]
    assert pause_seconds(1, None, 0.0) == 0.1
    assert pause_seconds(9, "3", 0.0) == 3
    assert pause_seconds(1, "Wed, 21 Oct 2026 07:28:00 GMT", 1.0) == 0.2


def test_times_of_a_batch_are_of_one_clock() -> None:
    batch = json.loads(BODY)
    assert batch["sentAt"] == 1_009_000
    assert [event["ts"] - 1_000_000 for event in batch["events"]] == [
        event.offset_ms for event in PAGE.events
    ]
    assert {event["sessionId"] for event in batch["events"]} == {VISIT.session}
    assert all(("value" in event) == ("unit" in event) for event in batch["events"])
