"""Answers about a time whose rows the store has lost say so, and are not cached."""

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.damage.parts import cut
from tests.support.questions_stack import Asking, RunningStore, asking, envelope, running_store
from tests.support.servers import running_cache

pytestmark = pytest.mark.integration
DAY = 86_400_000
NOW = time.time_ns() // 1_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEAMARK_STORE_SERVER_CHECK_SECONDS", "0.3")
        with running_store(tmp_path_factory.mktemp("store")) as running:
            yield running


@pytest.fixture
async def ask(store: RunningStore, tmp_path: Path) -> AsyncIterator[Asking]:
    await store.provision()
    body = msgspec.json.encode([{"name": "view", "ts": NOW - days * DAY} for days in (2, 20)])
    sent = envelope(Signal.EVENTS, body, org="acme", app="shop", received_ms=NOW, sent_ms=NOW)
    await store.insert(Signal.EVENTS, [sent])
    with running_cache(tmp_path) as url:
        async with asking(store, cache_url=f"{url}/0", past_cache_seconds=3600.0) as asked:
            yield asked


async def top(ask: Asking, *, days_ago: int) -> Any:
    at = NOW - days_ago * DAY
    question = {"metric": "view", "by": "country", "from": at - DAY, "to": at + DAY // 2}
    return (await ask.post("/v1/query/top", question))["meta"]


async def test_answers_over_lost_rows_say_so_and_are_not_cached(
    ask: Asking, store: RunningStore
) -> None:
    whole = await top(ask, days_ago=2)
    assert whole["truncated"] is False
    path = await store.run(
        "SELECT path FROM system.parts WHERE database = 'seamark' AND table = 'events_1h'"
        f" AND active AND partition = toString(toYYYYMM(fromUnixTimestamp64Milli({NOW - 2 * DAY})))"
    )
    cut(Path(path.strip()))
    damage = ask.context.damage
    while not damage.parts:  # the bound is the test's
        await damage.read()

    for _ in range(2):
        answer = await top(ask, days_ago=2)
        assert (answer["truncated"], answer["cache"]) == ("damaged", "miss")
    assert (await top(ask, days_ago=25))["truncated"] is False
    health = await ask.get("/readyz", token="")
    [said] = [one for one in health["degraded"] if one["part"] == "damaged parts"]
    assert "events_1h" in said["detail"]
    assert "The store has lost rows" in said["detail"]
    assert said["since"] > 0

    await store.run(
        "INSERT INTO seamark.damaged_parts SELECT * REPLACE (now64(3, 'UTC') AS repaired_at,"
        " version + 1 AS version) FROM seamark.damaged_parts FINAL"
    )
    await damage.read()
    assert (await top(ask, days_ago=2))["truncated"] is False
    assert "damaged parts" not in str(await ask.get("/readyz", token=""))
