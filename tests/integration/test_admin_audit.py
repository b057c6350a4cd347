"""The record of changes over HTTP on a real log."""

from collections.abc import AsyncIterator

import pytest

from tests.support.admin_stack import (
    ORG_ADMIN,
    Administered,
    administered,
)
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Administered]:
    async with administered(server) as running:
        yield running


async def test_every_change_has_an_entry_with_before_and_after_and_without_secrets(
    ask: Administered,
) -> None:
    made = await ask.made("POST", "/v1/admin/apps", {"appId": "new"}, token=ORG_ADMIN)
    await ask.made("PATCH", "/v1/admin/apps/new", {"timeSource": "received"}, token=ORG_ADMIN)
    await ask("PATCH", "/v1/admin/apps/new", {"platform": "x"}, token=ORG_ADMIN, If_Match='"1"')
    await ask("POST", "/v1/admin/apps", {"appId": "new"}, token=ORG_ADMIN)
    await ask.made("DELETE", "/v1/admin/apps/new?confirm=new", token=ORG_ADMIN)

    changes = (await ask.made("GET", "/v1/admin/audit", token=ORG_ADMIN))["changes"]

    assert [(c["action"], c["outcome"]) for c in changes] == [
        ("app.delete", "done"),
        ("app.create", "refused"),
        ("app.update", "done"),
        ("app.create", "done"),
    ]
    deleted, _, updated, created = changes
    assert {c["by"] for c in changes} == {f"tok_{ORG_ADMIN}"}
    assert {c["address"] for c in changes} == {"127.0.0.1"}
    assert [updated[at]["timeSource"] for at in ("before", "after")] == ["device", "received"]
    assert (created["before"], deleted["after"]) == (None, None)
    assert created["after"]["appId"] == "new"
    assert made["apiKey"]["key"] not in repr(changes)
    assert len((await ask.made("GET", "/v1/admin/audit?limit=1"))["changes"]) == 1


async def test_nothing_is_changed_without_an_entry(ask: Administered) -> None:
    await ask.client.jetstream().delete_stream("SEAMARK_AUDIT")
    refused = await ask("PATCH", "/v1/admin/apps/shop", {"platform": "x"}, token=ORG_ADMIN)
    assert refused.status == 503
    assert ask.registry.apps["acme", "shop"].platform == ""
