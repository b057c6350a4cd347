"""Distinct users of exactly N people with one event each: N to 10,000, never more than events."""

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import RunningStore, asking, envelope

pytestmark = pytest.mark.integration
NOW_MS = 1_795_343_040_123
EXACT = (100, 200, 1_000, 10_000)
MORE = (30_000, 60_000)
EACH = 2_000
"""Events of one batch."""


async def fill(store: RunningStore) -> None:
    for people in (*EXACT, *MORE):
        events = [
            {"ts": NOW_MS - 1000, "name": f"n{people}", "userAnonId": f"{people}-{number}"}
            for number in range(people)
        ]
        await store.insert(
            Signal.EVENTS,
            [
                envelope(
                    Signal.EVENTS,
                    msgspec.json.encode(events[first : first + EACH]),
                    org="acme",
                    app="shop",
                    received_ms=NOW_MS,
                    sent_ms=NOW_MS,
                )
                for first in range(0, people, EACH)
            ],
        )


@pytest.mark.parametrize("people", [*EXACT, *MORE])
async def test_as_many_users_as_people(store: RunningStore, people: int) -> None:
    body = {
        "metric": f"n{people}",
        "from": "now-1h",
        "granularity": "1d",
        "agg": ["count", "uniq_users"],
    }
    async with asking(store, clock_ms=lambda: NOW_MS) as api:
        answer = await api.post("/v1/query/timeseries", body)
    [row] = [row for series in answer["series"] for row in series["rows"]]
    _, events, users = row
    assert events == people
    assert users <= people
    assert users == (people if people in EXACT else pytest.approx(people, rel=0.01))
