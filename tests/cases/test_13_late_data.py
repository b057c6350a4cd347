"""Late data behind the cache: an event that arrives an hour and a half late is counted at once by a
question about its hour that has been answered before."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import RunningStore, asking, envelope
from tests.support.servers import running_cache

pytestmark = pytest.mark.integration
HOUR = 3_600_000


@pytest.fixture
def cache_url(tmp_path: Path) -> Iterator[str]:
    with running_cache(tmp_path) as url:
        yield f"{url}/0"


async def late_event(store: RunningStore) -> None:
    now_ms = time.time_ns() // 1_000_000
    body = msgspec.json.encode([{"ts": now_ms - HOUR * 3 // 2, "name": "late"}])
    sent = envelope(Signal.EVENTS, body, org="acme", app="shop", received_ms=now_ms, sent_ms=now_ms)
    await store.insert(Signal.EVENTS, [sent])


async def test_an_answer_about_the_past_counts_what_arrived_late(
    store: RunningStore, cache_url: str
) -> None:
    now_ms = time.time_ns() // 1_000_000
    question = {
        "metric": "late", "from": now_ms - 2 * HOUR, "to": now_ms - HOUR, "granularity": "1h",
    }  # fmt: skip

    def counted(answer: dict[str, Any]) -> int:
        return sum(row[1] for series in answer["series"] for row in series["rows"])

    async with asking(store, cache_url=cache_url) as ask:
        for events in range(1, 4):
            await late_event(store)
            answer = await ask.post("/v1/query/timeseries", question)
            assert counted(answer) == events or answer["meta"]["stale"]
