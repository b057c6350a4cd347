"""The generator against a server that answers like the collector, and one that misbehaves."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from load import generate
from load.tally import Summary

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Collector:
    """Takes batches; `moods` says what to do with each request, by its place."""

    def __init__(self, moods: dict[int, str] | None = None) -> None:
        self.batches: Counter[str] = Counter()
        self.seen = 0
        self.moods = moods or {}

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        mood = self.moods.get(self.seen, "")
        self.seen += 1
        if mood == "busy":
            return web.json_response({}, status=503, headers={"Retry-After": "0"})
        if mood == "refuse":
            return web.json_response({}, status=400)
        self.batches[body["batchId"]] += 1
        if mood == "hang up":
            assert request.transport is not None
            request.transport.abort()
        count = len(body["events"])
        one = {"accepted": count - 1, "rejected": 1}
        answer = one if mood == "one bad" else {"accepted": count, "rejected": 0}
        return web.json_response(answer, status=202)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application(client_max_size=1 << 22)
    app.router.add_post("/v1/ingest/batch", handler)
    app.router.add_post("/v1/traces", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        port = runner.addresses[0][1]
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEAMARK_LOAD_KEY", "smk_test")


async def run(url: str, *arguments: str) -> Summary:
    options = generate.parser().parse_args(
        ["--url", url, "--bodies", "4", "--connections", "4", "--drain", "10", *arguments]
    )
    return await asyncio.to_thread(generate.generate, options, lambda: False)


async def test_sends_what_was_planned_and_counts_what_was_accepted(tmp_path: Path) -> None:
    collector = Collector()
    oracle = tmp_path / "oracle.jsonl"
    async with serving(collector.take) as url:
        found = await run(
            url,
            *("--rate", "2000", "--batch", "10", "--duration", "0.5", "--oracle", str(oracle)),
            *("--connections", "100"),  # one for each request, so that none has to wait
        )
    assert (found.planned_requests, found.requests, found.unsent_requests) == (100, 100, 0)
    assert found.accepted_items == found.offered_items == 1000
    assert found.statuses == {"202": 100}
    assert found.latency_ms.count == 100
    assert found.elapsed_seconds == pytest.approx(0.5)
    *rows, totals = map(json.loads, oracle.read_text().splitlines())
    assert {row["batchId"]: 1 for row in rows} == dict(collector.batches)
    assert totals["totals"]["accepted_items"] == sum(row["accepted"] for row in rows) == 1000


async def test_retries_under_the_same_batch_id_until_everything_is_accepted() -> None:
    collector = Collector({2: "busy", 3: "hang up", 7: "busy", 8: "hang up"})
    async with serving(collector.take) as url:
        found = await run(url, "--rate", "max", "--batch", "5", "--max-requests", "40", "--retry")
    assert found.accepted_items == 200
    assert found.unknown_items == found.refused_items == 0
    assert found.retries >= 4
    assert len(collector.batches) == 40
    # What was stored before the connection broke came again, with the same id.
    assert sum(collector.batches.values()) >= 42


async def test_without_retries_what_was_lost_is_unknown_and_what_was_refused_is_refused() -> None:
    collector = Collector({1: "busy", 4: "hang up", 5: "refuse", 6: "one bad"})
    async with serving(collector.take) as url:
        found = await run(url, "--rate", "max", "--batch", "5", "--max-requests", "20")
    assert found.unknown_items == 5
    assert found.refused_items == 10
    assert found.rejected_items == 1
    assert found.offered_items == 100 == found.accepted_items + 5 + 10 + 1
    assert sum(found.faults.values()) == 1


async def test_a_slow_answer_counts_from_the_planned_time() -> None:
    """One connection and a server that sleeps: later requests are late, and are said to be."""

    async def slow(request: web.Request) -> web.StreamResponse:
        count = len((await request.json())["events"])
        await asyncio.sleep(0.05)
        return web.json_response({"accepted": count}, status=202)

    async with serving(slow) as url:
        found = await run(
            url, *("--rate", "100", "--batch", "1", "--duration", "0.3", "--connections", "1")
        )
    # 100 a second were planned, 20 a second are possible: what was not sent is not forgotten.
    assert found.planned_requests == 30
    assert found.unsent_requests == 30 - found.requests > 15
    assert found.latency_ms.max > 150
    assert found.late_ms.max > 100


async def test_spans_are_counted_by_what_the_answer_does_not_reject() -> None:
    async def take(request: web.Request) -> web.StreamResponse:
        await request.read()
        return web.Response(body=b"\x0a\x02\x08\x03", content_type="application/x-protobuf")

    async with serving(take) as url:
        found = await run(
            url, *("--kind", "traces", "--rate", "max", "--batch", "10", "--max-requests", "5")
        )
    assert (found.accepted_items, found.rejected_items) == (35, 15)


async def test_a_missing_server_is_reported_and_ends_the_command() -> None:
    async with serving(Collector().take) as url:
        pass
    found = await run(url, "--rate", "100", "--batch", "1", "--duration", "0.3")
    assert found.accepted_items == 0
    assert found.requests == 0
    assert found.unsent_requests == found.planned_requests == 30
    assert found.faults["ECONNREFUSED"] > 0


def test_a_missing_key_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SEAMARK_LOAD_KEY")
    assert generate.main(["--duration", "0.1"]) == 2
    assert "SEAMARK_LOAD_KEY" in capsys.readouterr().err
