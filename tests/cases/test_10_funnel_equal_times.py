"""Events of one instant, repeated steps and a login within a session: what a funnel counts.

A step that is added must not change what the steps before it count.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import RunningStore, asking, envelope, running_store

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123
AT = NOW - 60_000


def event(name: str, at_ms: int = AT, *, user: str = "", session: str = "") -> dict[str, Any]:
    row: dict[str, Any] = {"ts": at_ms, "name": name}
    return (
        row | ({"userAnonId": user} if user else {}) | ({"sessionId": session} if session else {})
    )


ROWS = [
    # one instant
    event("a", user="u1"), event("b", user="u1"),
    # one instant, the first step twice
    event("c", user="u2"), event("d", user="u2"), event("c", user="u2"),
    # known from the second event on; the login itself is no step
    event("view", AT, session="s1"), event("login", AT + 1, user="u3", session="s1"),
    event("buy", AT + 2, user="u3", session="s1"),
    # the same person in another session
    event("buy", AT + 3, user="u3", session="s2"),
]  # fmt: skip


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(Path(tmp_path_factory.mktemp("store"))) as running:
        asyncio.run(fill(running))
        yield running


async def fill(store: RunningStore) -> None:
    await store.provision()
    body = msgspec.json.encode(ROWS)
    sent = envelope(Signal.EVENTS, body, org="acme", app="shop", received_ms=NOW, sent_ms=NOW)
    await store.insert(Signal.EVENTS, [sent])


async def people(store: RunningStore, steps: list[str], **more: Any) -> list[int]:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        body = {"steps": steps, "windowSec": 60, **more}
        answer = await ask.post("/v1/query/funnel", body)
    return [step["people"] for funnel in answer["funnels"] for step in funnel["steps"]]


async def test_events_of_one_instant_count_in_the_order_of_the_steps(store: RunningStore) -> None:
    assert await people(store, ["a", "b"]) == [1, 1]
    assert await people(store, ["b", "a"]) == [1, 1]


async def test_a_repeated_step_needs_an_event_of_its_own(store: RunningStore) -> None:
    assert await people(store, ["a", "b", "a"]) == [1, 1, 0]
    assert await people(store, ["a", "a"]) == [1, 0]
    assert await people(store, ["c", "c", "d"]) == [1, 1, 1]


@pytest.mark.parametrize(
    ("identity", "expected"),
    [("linked", [1, 1]), ("session", [1, 1]), ("user", [1, 0])],
)
async def test_what_was_done_before_a_login_counts_for_the_user(
    store: RunningStore, identity: str, expected: list[int]
) -> None:
    assert await people(store, ["view", "buy"], identity=identity) == expected


async def test_linked_is_the_default_and_joins_sessions_of_one_user(store: RunningStore) -> None:
    assert await people(store, ["view", "buy", "buy"]) == [1, 1, 1]
    assert await people(store, ["view", "buy", "buy"], identity="session") == [1, 1, 0]
