"""Errors that differ in what is no word (ids, names of built files, times) are one group."""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import RunningStore, asking, envelope, running_store

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123
TIMES = 6


def _values(place: int) -> dict[str, str]:
    """By kind, a value that is another for each place."""
    digits = f"{place + 1:08x}"
    return {
        "uuid": str(uuid.UUID(int=place + 2**120)),
        "ulid": f"01ARZ3NDEKTSV4RRFFQ69G5F{place}V",
        "hex": f"{digits}deadbeef",
        "file": f"main.{digits[-6:]}a9.js",
        "path": f"/srv/app-{place}/data.db",
        "time": f"2026-11-30T17:36:3{place}.123Z",
        "number": str(place * 17),
        "ip": f"10.0.0.{place}:8080",
        "ipv6": f"2001:db8::{place + 1}",
        "email": f"user{place}@shop.example",
        "quoted": f"'the {place}th'",
    }


def _events() -> list[dict[str, Any]]:
    events = []
    for place in range(TIMES):
        for kind, value in _values(place).items():
            attrs = {"exception.type": kind, "exception.message": f"user {value} not found"}
            events.append({"ts": NOW, "name": "exception", "attrs": attrs})
        stack = f"Error: {place}\n at f (https://cdn.example/a.{place}f2a9c.js:{place}:2)"
        attrs = {"exception.type": "stack", "exception.message": f"{'abcdef'[place]} failed"}
        attrs["exception.stacktrace"] = stack
        events.append({"ts": NOW, "name": "exception", "attrs": attrs})
        attrs = {"exception.type": "words", "exception.message": f"{'abcdef'[place]} failed"}
        events.append({"ts": NOW, "name": "exception", "attrs": attrs})
    return events


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    async def fill(running: RunningStore) -> None:
        await running.provision()
        body = msgspec.json.encode(_events())
        sent = envelope(Signal.EVENTS, body, org="acme", app="shop", received_ms=NOW, sent_ms=NOW)
        await running.insert(Signal.EVENTS, [sent])

    with running_store(Path(tmp_path_factory.mktemp("store"))) as running:
        asyncio.run(fill(running))
        yield running


async def test_values_make_no_groups_and_words_do(store: RunningStore) -> None:
    question = {"from": NOW - 300_000, "to": NOW + 1, "against": "", "limit": 100}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        groups = (await ask.post("/v1/query/errors", question))["groups"]
    counts: dict[str, list[int]] = {}
    for group in groups:
        counts.setdefault(group["type"], []).append(group["count"])
    assert counts == {
        **{kind: [TIMES] for kind in _values(0)},
        "stack": [TIMES],
        "words": [1] * TIMES,
    }
    assert {group["message"] for group in groups if group["type"] == "uuid"} == {
        "user <*> not found"
    }
