"""A store that is stopped is away: earlier answers come at once, marked stale."""

import os
import signal
import time
from pathlib import Path

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import asking, envelope, running_store
from tests.support.servers import running_cache

pytestmark = pytest.mark.integration
WITHIN_SECONDS = 2.0


async def test_a_store_that_hangs_is_away_within_two_seconds(tmp_path: Path) -> None:
    now = time.time_ns() // 1_000_000
    question = {"metric": "view", "by": "country", "from": "now-1h", "to": "now"}
    unknown = question | {"metric": "view", "by": "browser"}
    (tmp_path / "redis").mkdir()
    with running_store(tmp_path) as store, running_cache(tmp_path / "redis") as url:
        await store.provision()
        body = msgspec.json.encode([{"name": "view", "ts": now}])
        sent = envelope(Signal.EVENTS, body, org="acme", app="shop", received_ms=now, sent_ms=now)
        await store.insert(Signal.EVENTS, [sent])
        async with asking(store, cache_url=f"{url}/0", live_cache_seconds=0.0) as ask:
            fresh = await ask.post("/v1/query/top", question)
            assert fresh["meta"]["stale"] is False
            os.kill(store.process.pid, signal.SIGSTOP)
            try:
                for _ in range(3):
                    began = time.monotonic()
                    answer = await ask.post("/v1/query/top", question)
                    assert time.monotonic() - began < WITHIN_SECONDS
                    assert answer["meta"]["stale"] is True
                    assert answer["values"] == fresh["values"]
                began = time.monotonic()
                await ask.post("/v1/query/top", unknown, status=503)
                assert time.monotonic() - began < WITHIN_SECONDS / 4
                assert not ask.health.ready
            finally:
                os.kill(store.process.pid, signal.SIGCONT)
            while (await ask.post("/v1/query/top", question))["meta"]["stale"]:
                pass  # the bound is the test's
