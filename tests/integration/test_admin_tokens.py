"""Tokens over HTTP on a real log: their kinds, end, last use and deletion."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from api.admin.uses import write_uses
from seamark.service.registry import digest
from seamark.wire.buckets import ADMIN_BUCKET
from tests.support.admin_stack import (
    OPERATOR,
    ORG_ADMIN,
    QUERY,
    Administered,
    administered,
)
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
DAY_MS = 86_400_000


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Administered]:
    async with administered(server) as running:
        yield running


async def test_a_token_of_another_kind_is_refused_and_the_right_kind_named(
    ask: Administered,
) -> None:
    for path, token, said in (
        ("orgs", ORG_ADMIN, "this is an admin token; use the operator_token"),
        ("orgs", "smk_acme_shop", "this is an ingest key; use the operator_token"),
        ("apps", QUERY, "this is a query token; use the admin_token or the operator_token"),
    ):
        refused = await ask("POST", f"/v1/admin/{path}", {}, token=token)
        assert refused.problem == (403, "wrong_kind_of_token", "")
        assert refused.body["error"]["message"] == said


async def test_a_token_has_a_name_an_end_and_a_last_use(ask: Administered) -> None:
    ends = ask.api.context.clock_ms() + DAY_MS
    made = await ask.made(
        "POST", "/v1/admin/tokens",
        {"kind": "admin", "name": "ci", "orgId": "acme", "expiresAt": ends},
    )  # fmt: skip
    await ask.made("GET", "/v1/admin/apps", token=made["token"])
    memory = await ask.client.jetstream().key_value(ADMIN_BUCKET)
    revision = (await ask.client.jetstream().stream_info(f"KV_{ADMIN_BUCKET}")).state.last_seq
    written: dict[str, int] = {}
    await write_uses(memory, ask.registry, written)
    await write_uses(memory, ask.registry, written)
    ask.registry.used.clear()  # as in a process that has not seen it

    listed = (await ask.made("GET", "/v1/admin/tokens", token=ORG_ADMIN))["tokens"]
    [shown] = [token for token in listed if token["tokenId"] == made["tokenId"]]
    assert (shown["name"], shown["expiresAt"]) == ("ci", ends)
    assert shown["lastUsedAt"] % 60_000 == 0
    assert 0 <= ask.api.context.clock_ms() - shown["lastUsedAt"] < 2 * 60_000
    assert "token" not in shown
    now = (await ask.client.jetstream().stream_info(f"KV_{ADMIN_BUCKET}")).state.last_seq
    assert now - revision == 2  # this token and the operator's: once each
    assert await ask.made("DELETE", f"/v1/admin/tokens/{made['tokenId']}?confirm={made['tokenId']}")
    assert (await ask("GET", "/v1/admin/apps", token=made["token"])).status == 401


async def test_an_expired_token_is_of_no_use(ask: Administered) -> None:
    record = ask.registry.tokens[digest(ORG_ADMIN)]
    ask.registry.tokens[digest(ORG_ADMIN)] = msgspec.structs.replace(record, expires_at_ms=1)
    refused = await ask("GET", "/v1/admin/apps", token=ORG_ADMIN)
    assert refused.problem == (401, "token_expired", "")


async def test_the_token_of_the_request_is_not_deleted_by_it(ask: Administered) -> None:
    name = f"tok_{OPERATOR}"
    refused = await ask("DELETE", f"/v1/admin/tokens/{name}?confirm={name}")
    assert refused.problem == (409, "conflict", "tokenId")
