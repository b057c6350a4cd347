"""Schemas over HTTP on a real log: versions, compatibility, lost races, and collectors' records."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from seamark.service.registry.names import schema_key
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.admin_stack import ORG_ADMIN, Administered, administered
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
PATH = "/v1/admin/apps/shop/schemas/order%2Fpaid"


def _schema(kind: str | list[str] = "integer") -> dict[str, Any]:
    attrs = {"properties": {"n": {"type": kind}}}
    return {"type": "object", "properties": {"attrs": attrs}}


@pytest.fixture
async def ask(server: NatsServer) -> AsyncIterator[Administered]:
    async with administered(server) as running:
        yield running


async def test_a_schema_has_versions_and_a_new_one_has_to_be_compatible(ask: Administered) -> None:
    made = await ask("PUT", PATH, {"schema": _schema(), "mode": "warn"}, token=ORG_ADMIN)
    assert made.status == 200, made
    assert (made.body["version"], made.body["mode"]) == (1, "warn")
    assert made.body["eventType"] == "order/paid"
    again = await ask.made("PUT", PATH, {"schema": _schema()}, token=ORG_ADMIN)
    assert (again["version"], again["mode"]) == (1, "warn")
    wider = await ask.made("PUT", PATH, {"schema": _schema("number")}, token=ORG_ADMIN)
    assert (wider["version"], wider["compatibility"]) == (2, "backward")
    refused = await ask("PUT", PATH, {"schema": _schema("string")}, token=ORG_ADMIN)
    assert refused.problem == (409, "conflict", "schema")
    assert "/attrs/n could be of type number and cannot" in refused.text
    full = await ask(
        "PUT", PATH, {"schema": _schema("integer"), "compatibility": "forward"}, token=ORG_ADMIN
    )
    assert full.body["version"] == 3
    forced = {"schema": _schema("string"), "compatibility": "none"}
    assert (await ask.made("PUT", PATH, forced, token=ORG_ADMIN))["version"] == 4
    shown = await ask.made("GET", PATH, token=ORG_ADMIN)
    assert [each["version"] for each in shown["versions"]] == [1, 2, 3, 4]
    listed = await ask.made("GET", "/v1/admin/apps/shop/schemas", token=ORG_ADMIN)
    assert [each["eventType"] for each in listed["schemas"]] == ["order/paid", "paid"]


async def test_a_schema_whose_record_cannot_be_read_is_not_replaced(ask: Administered) -> None:
    bucket = await ask.client.jetstream().key_value(CONFIG_BUCKET)
    await bucket.put(schema_key("acme", "shop", "order/paid"), b'{"later": 1}')
    refused = await ask("PUT", PATH, {"schema": _schema()}, token=ORG_ADMIN)
    assert refused.problem == (409, "conflict", "")
    assert "SEAMARK_CONFIG" in refused.text


async def test_of_two_versions_at_once_the_second_is_checked_against_the_first(
    ask: Administered,
) -> None:
    """Each widens the old version, neither takes what the other takes: one has to be refused."""
    await ask.made("PUT", PATH, {"schema": _schema("integer")}, token=ORG_ADMIN)
    wider = [_schema("number"), _schema(["integer", "string"])]
    answers = await asyncio.gather(
        *(ask("PUT", PATH, {"schema": each}, token=ORG_ADMIN) for each in wider)
    )
    assert sorted(answer.status for answer in answers) == [200, 409]
    shown = await ask.made("GET", PATH, token=ORG_ADMIN)
    assert [each["version"] for each in shown["versions"]] == [1, 2]


async def test_a_schema_made_from_an_old_one_is_refused_with_the_new(ask: Administered) -> None:
    first = await ask("PUT", PATH, {"schema": _schema()}, token=ORG_ADMIN)
    await ask.made("PUT", PATH, {"schema": _schema("number")}, token=ORG_ADMIN)
    late = await ask(
        "PUT", PATH, {"schema": _schema()}, token=ORG_ADMIN, If_Match=first.headers["ETag"]
    )
    assert (late.status, late.body["current"]["version"]) == (412, 2)


@pytest.mark.parametrize(
    ("path", "schema", "problem"),
    [
        (PATH, {"type": "x"}, (400, "invalid_field", "schema.type")),
        (PATH, {"$ref": "file:///etc/passwd"}, (400, "invalid_field", "schema")),
        (PATH, {"title": "x" * 17_000}, (400, "invalid_field", "schema")),
        (PATH.replace("order%2F", "a%20b"), {}, (400, "invalid_field", "eventType")),
    ],
)
async def test_a_wrong_schema_is_refused_by_what_is_wrong(
    ask: Administered, path: str, schema: object, problem: tuple[int, str, str]
) -> None:
    answer = await ask("PUT", path, {"schema": schema}, token=ORG_ADMIN)
    assert answer.problem == problem


async def test_schemas_go_with_their_app(ask: Administered) -> None:
    assert ask.registry.schemas["acme", "shop"]
    await ask.made("DELETE", "/v1/admin/apps/shop?confirm=shop", token=ORG_ADMIN)
    assert not ask.registry.schemas["acme", "shop"]
