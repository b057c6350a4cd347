"""An event's id is any text: `GET /v1/events/{id}` finds it, and names the files of the archive."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import yarl

from seamark.wire.signals import Signal
from tests.support.questions_stack import (
    SECRETS,
    Asking,
    RunningStore,
    asking,
    envelope,
    running_store,
)

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123
IDS = [
    "a/b",
    "a//b/",
    "order 17",
    "100%",
    "a%2Fb",
    "?x=1&y#z",
    "☠/é",
    "..",
    "/",
    "é" * 200,
    "'\\{p0",
]
PATH = "signal=events/part-1.parquet"
RECEIPT = "019ad000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    async def fill(running: RunningStore) -> None:
        await running.provision()
        events = [{"ts": NOW, "id": id_, "name": "x", "attrs": {"place": n}} for n, id_ in
                  enumerate(IDS)]  # fmt: skip
        for org, app in (("acme", "shop"), ("other", "shop")):
            body = msgspec.json.encode(events if org == "acme" else events[:1])
            sent = envelope(Signal.EVENTS, body, org=org, app=app, received_ms=NOW, sent_ms=NOW)
            await running.insert(Signal.EVENTS, [sent])
        await running.run(
            "INSERT INTO seamark.archive_files (path, signal, rows, min_received, max_received, "
            "written_at, state, version, `counts.org`, `counts.app`, `counts.minute`, "
            "`counts.key_id`, `counts.rows`) "
            f"SELECT '{PATH}', 'events', 11, t, t, t, 'live', 1, ['acme'], ['shop'], "
            "[toStartOfMinute(toDateTime(t, 'UTC'))], [''], [11] FROM "
            f"(SELECT fromUnixTimestamp64Milli({NOW}, 'UTC') AS t)"
        )

    with running_store(Path(tmp_path_factory.mktemp("store"))) as running:
        asyncio.run(fill(running))
        yield running


async def _found(ask: Asking, path: str, *, org: str = "acme", status: int = 200) -> Any:
    headers = {"Authorization": f"Bearer {SECRETS[org]}"}
    url = yarl.URL(f"{ask.url}/v1/events/{path}", encoded=True)
    async with ask.session.get(url, headers=headers) as response:
        assert response.status == status, await response.text()
        return msgspec.json.decode(await response.read())


@pytest.mark.parametrize("id_", IDS)
async def test_an_event_is_found_by_its_id(store: RunningStore, id_: str) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await _found(ask, quote(id_, safe=""))
    [event] = answer["events"]
    assert (event["id"], event["attributes"]["place"]) == (id_, str(IDS.index(id_)))
    assert (event["receiptId"], event["receivedAt"]) == (RECEIPT, NOW)
    assert answer["archived"]["files"] == [PATH]


async def test_slashes_need_not_be_encoded(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        for id_ in ("a/b", "a//b/"):
            [event] = (await _found(ask, id_))["events"]
            assert event["id"] == id_


async def test_an_event_of_another_org_or_of_none_is_not_found(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await _found(ask, "nothing", status=404)
        assert answer["error"]["reason"] == "not_found"
        await _found(ask, quote(IDS[1], safe=""), org="other", status=404)
        other = await _found(ask, quote(IDS[0], safe=""), org="other")
    assert other["archived"] == {"files": [], "complete": False}
