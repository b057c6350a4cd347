"""A request that makes a secret, sent again: after an answer, after a crash, without the log."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamark.service.registry import digest
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.admin_stack import (
    ORG_ADMIN,
    Administered,
    administered,
    everything_stored,
)
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Administered]:
    async with administered(server) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "body", "secret"),
    [
        ("/v1/admin/apps", {"appId": "new", "orgId": "acme"}, ("apiKey", "key")),
        ("/v1/admin/apps/blog/keys", {"name": "second"}, ("key",)),
        ("/v1/admin/apps/blog/keys:rotate", {"graceSeconds": 60}, ("key",)),
        ("/v1/admin/tokens", {"kind": "query", "orgId": "acme"}, ("token",)),
    ],
)
async def test_a_repeated_request_is_answered_with_the_same_secret(
    ask: Administered, path: str, body: dict[str, Any], secret: tuple[str, ...]
) -> None:
    first = await ask.made("POST", path, body, Idempotency_Key="once")
    records = len(ask.registry.keys), len(ask.registry.tokens)

    assert await ask.made("POST", path, body, Idempotency_Key="once") == first

    assert (len(ask.registry.keys), len(ask.registry.tokens)) == records
    shown: Any = first
    for name in secret:
        shown = shown[name]
    assert shown not in await everything_stored(ask)
    changed = {name: "else" if isinstance(v, str) else 1 for name, v in body.items()} | (
        {"kind": "admin", "orgId": "acme"} if "kind" in body else {}
    )
    reused = await ask("POST", path, changed, Idempotency_Key="once")
    assert reused.problem == (422, "idempotency_key_reused", "Idempotency-Key") or (
        reused.problem == (404, "not_found", "orgId")
    )


async def test_the_same_request_without_a_key_makes_another_secret(ask: Administered) -> None:
    path = "/v1/admin/apps/blog/keys"
    made = [(await ask.made("POST", path))["key"] for _ in range(2)]
    other = [(await ask.made("POST", path, Idempotency_Key=name))["key"] for name in ("a", "b")]
    assert len({*made, *other}) == 4


@pytest.mark.parametrize(
    ("method", "change", "body"),
    [("PATCH", "/{key}", {"name": "checkout"}), ("POST", ":rotate", {"graceSeconds": 60})],
)
async def test_a_request_is_repeated_after_its_app_and_key_were_changed(
    ask: Administered, method: str, change: str, body: dict[str, Any]
) -> None:
    wanted, name = {"appId": "new", "orgId": "acme"}, "once"
    first = await ask.made("POST", "/v1/admin/apps", wanted, Idempotency_Key=name)
    keys = "/v1/admin/apps/new/keys"
    await ask.made("PATCH", "/v1/admin/apps/new", {"platform": "ios"})
    await ask.made(method, keys + change.format(key=first["apiKey"]["keyId"]), body)
    changed = await ask.made("GET", keys)

    assert await ask.made("POST", "/v1/admin/apps", wanted, Idempotency_Key=name) == first
    assert await ask.made("GET", keys) == changed
    assert ask.registry.apps["acme", "new"].platform == "ios"


async def test_a_request_that_was_cut_off_is_finished_by_its_repetition(ask: Administered) -> None:
    """The app was made, its key was not: what a crash in between leaves."""
    body, name = {"appId": "new", "orgId": "acme"}, "once"
    first = await ask.made("POST", "/v1/admin/apps", body, Idempotency_Key=name)
    bucket = await ask.client.jetstream().key_value(CONFIG_BUCKET)
    await bucket.delete(f"key.{digest(first['apiKey']['key'])}")

    assert await ask.made("POST", "/v1/admin/apps", body, Idempotency_Key=name) == first
    assert ask.registry.key(first["apiKey"]["key"]) is not None


async def test_without_the_log_nothing_is_half_done(ask: Administered) -> None:
    ask.log.kill()
    body: dict[str, Any] = {"appId": "new"}
    refused = await ask("POST", "/v1/admin/apps", body, token=ORG_ADMIN, Idempotency_Key="once")
    assert (refused.status, refused.body["error"]["reason"]) == (503, "unavailable")
    assert (await ask("GET", "/v1/admin/apps", token=ORG_ADMIN)).status == 200  # from memory
    ask.log.start()
    async with asyncio.timeout(10):
        await ask.client.flush()
    made = await ask.made("POST", "/v1/admin/apps", body, token=ORG_ADMIN, Idempotency_Key="once")
    assert ask.registry.key(made["apiKey"]["key"]) is not None
