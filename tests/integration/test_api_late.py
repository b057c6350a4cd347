"""A cached answer equals a fresh one, or says that it is stale, whatever is stored late."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.late_rows import LateRows
from api.own_metrics import OwnMetrics
from api.settings import ApiSettings
from api.store import ClickHouseStore
from seamark.service.health import Health
from seamark.wire.signals import Signal
from tests.support.questions_stack import Asking, RunningStore, asking, envelope
from tests.support.servers import running_cache

pytestmark = pytest.mark.integration
HOUR = 3_600_000
HOURS_BACK = 6
STEPS = 60


@pytest.fixture
def cache_url(tmp_path: Path) -> Iterator[str]:
    with running_cache(tmp_path) as url:
        yield f"{url}/0"


async def arrive(store: RunningStore, name: str, time_ms: int) -> None:
    """One event that happened at `time_ms` arrives now."""
    now_ms = time.time_ns() // 1_000_000
    body = msgspec.json.encode([{"name": name, "ts": time_ms}])
    sent = envelope(Signal.EVENTS, body, org="acme", app="shop", received_ms=now_ms, sent_ms=now_ms)
    await store.insert(Signal.EVENTS, [sent])


def counted(answer: Any) -> int:
    return sum(row[1] for series in answer["series"] for row in series["rows"])


async def test_a_cached_answer_equals_a_fresh_one_after_late_rows(
    store: RunningStore, cache_url: str
) -> None:
    """Random storings and questions: an answer counts what had arrived when it was asked for."""
    rng = random.Random(13)
    hour = time.time_ns() // 1_000_000 // HOUR * HOUR - 2 * HOUR
    arrived: list[int] = []
    hits = 0
    limits = ApiSettings(host="127.0.0.1", port=0)
    client = ClickHouseStore(store.settings, limits, metrics=OwnMetrics(), health=Health())
    late = LateRows(client, shared_seconds=0.0, settle_ms=0)
    async with asking(store, cache_url=cache_url, parts={"late_rows": late}) as ask:
        for _ in range(STEPS):
            if rng.random() < 0.25:
                arrived.append(hour - rng.randrange(HOURS_BACK * HOUR))
                await arrive(store, "late", arrived[-1])
                continue
            since = hour - rng.randrange(1, HOURS_BACK + 1) * HOUR
            until = since + rng.randrange(1, 4) * HOUR
            answer = await ask.post(
                "/v1/query/timeseries",
                {"metric": "late", "from": since, "to": until, "granularity": "1h"},
            )
            hits += answer["meta"]["cache"] == "hit"
            assert answer["meta"]["stale"] is False
            assert counted(answer) == sum(since <= at < until for at in arrived)
    await client.close()
    assert hits > STEPS // 10


async def test_late_rows_of_another_hour_or_signal_leave_an_answer_cached(
    store: RunningStore, cache_url: str
) -> None:
    hour = time.time_ns() // 1_000_000 // HOUR * HOUR - 40 * HOUR
    limits = ApiSettings(host="127.0.0.1", port=0)
    client = ClickHouseStore(store.settings, limits, metrics=OwnMetrics(), health=Health())
    late = LateRows(client, shared_seconds=0.0, settle_ms=0)
    question = {"metric": "other", "from": hour, "to": hour + HOUR, "granularity": "1h"}
    async with asking(store, cache_url=cache_url, parts={"late_rows": late}) as ask:

        async def use(**more: Any) -> str:
            answer = await ask.post("/v1/query/timeseries", question | more)
            return str(answer["meta"]["cache"])

        await arrive(store, "other", hour + 1)
        assert [await use(), await use()] == ["miss", "hit"]
        await arrive(store, "other", hour + HOUR)
        assert await use() == "hit"
        await arrive(store, "else", hour)
        assert await use() == "miss"
    await client.close()


async def test_an_answer_is_not_cached_while_late_rows_may_not_all_be_seen(
    store: RunningStore, cache_url: str
) -> None:
    hour = time.time_ns() // 1_000_000 // HOUR * HOUR - 80 * HOUR
    await arrive(store, "recent", hour)
    question = {"metric": "recent", "from": hour, "to": hour + HOUR, "granularity": "1h"}
    async with asking(store, cache_url=cache_url) as ask:
        uses = [await used(ask, question), await used(ask, question)]
    assert uses == ["miss", "miss"]


async def used(ask: Asking, question: dict[str, Any]) -> str:
    return str((await ask.post("/v1/query/timeseries", question))["meta"]["cache"])
