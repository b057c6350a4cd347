"""Every field of every body of administration, wrong in turn: refused by name, nothing changed."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from api.admin.route import AdminRoute
from api.admin.routes import ADMIN_ROUTES
from tests.support.admin_stack import Administered, administered
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
VALUES = {
    "orgId": "acme",
    "appId": "shop",
    "keyId": "key_acme_shop",
    "tokenId": "tok_sma_acme",
    "eventType": "paid",
}
WRONG: tuple[object, ...] = (
    -1, 1.5, 1 << 70, True, "", "a.b", "a\n", "*", ">", "x" * 5000, [1], ["x y"], {"a": 1}, "\x00",
)  # fmt: skip
"""Of these, one that a field's own type does not take is wrong for it."""


def bodies() -> Iterator[tuple[AdminRoute, str, object]]:
    """Every field with every wrong value."""
    for route in ADMIN_ROUTES:
        if route.body is None:
            continue
        described = inspect.type_info(route.body)
        assert isinstance(described, inspect.StructType)
        for field in described.fields:
            kind = msgspec.structs.fields(route.body)[described.fields.index(field)].type
            for wrong in WRONG:
                if not _taken(kind, wrong):
                    yield route, field.encode_name, wrong


def _taken(kind: Any, value: object) -> bool:
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError):
        return False
    return True


def _address(route: AdminRoute) -> str:
    path = route.path
    for name in route.path_parameters:
        path = path.replace(f"{{{name}}}", VALUES[name])
    return path + ("?orgId=acme" if route.path.startswith("/v1/admin/apps/") else "")


def _good(route: AdminRoute) -> Mapping[str, Any]:
    body = dict(route.body_example or {})
    return {**body, "orgId": "acme"} if route.path == "/v1/admin/tokens" else body


async def _everything(ask: Administered) -> object:
    registry = ask.registry
    return (dict(registry.orgs), dict(registry.apps), dict(registry.keys), dict(registry.tokens))


async def test_a_wrong_field_is_named_and_nothing_is_done(server: NatsServer) -> None:
    tried: set[tuple[str, str]] = set()
    async with administered(server) as ask:
        before = await _everything(ask)
        for route, field, wrong in bodies():
            body = {**_good(route), field: wrong}
            answer = await ask(route.method, _address(route), body)
            assert answer.status in (400, 409, 412, 422), (route.path, field, wrong, answer)
            named = answer.body["error"].get("field", "")
            assert named.split(".")[0].split("[")[0] == field, (route.path, field, wrong, answer)
            tried.add((route.path, field))
        assert await _everything(ask) == before
    fields = sum(len(route.body.__struct_fields__) for route in ADMIN_ROUTES if route.body)
    assert len(tried) == fields - len(_shared())


def _shared() -> list[str]:
    """Fields of routes with the same path: POST and PATCH never have one."""
    paths = [(r.path, f) for r in ADMIN_ROUTES if r.body for f in r.body.__struct_fields__]
    return [f for _, f in paths][len(set(paths)) :]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 20_000])
async def test_what_is_no_object_is_refused(server: NatsServer, body: bytes) -> None:
    async with administered(server) as ask:
        answer = await ask("POST", "/v1/admin/orgs", body)
        assert answer.status == 400, answer
        answer = await ask("PATCH", "/v1/admin/apps/shop?orgId=acme", body or b"{")
        assert answer.status == 400, answer
        answer = await ask("POST", "/v1/admin/apps/shop:disable?orgId=acme", body or b"1")
        assert answer.problem[:2] == (400, "malformed")


@pytest.mark.parametrize(
    ("path", "headers", "problem"),
    [
        ("/v1/admin/apps/shop?orgId=acme", {"If_Match": "x"}, (400, "invalid_field", "If-Match")),
        ("/v1/admin/apps/shop?orgId=acme", {"If_Match": '"77"'},
         (412, "revision_changed", "If-Match")),
        ("/v1/admin/apps/shop", {}, (400, "invalid_field", "orgId")),
        ("/v1/admin/apps/none", {}, (404, "not_found", "appId")),
        ("/v1/admin/apps/shop?orgid=acme", {}, (400, "invalid_field", "orgid")),
        ("/v1/admin/orgs/none", {}, (404, "not_found", "orgId")),
        ("/v1/admin/apps/shop/keys/none?orgId=acme", {}, (404, "not_found", "keyId")),
    ],
)  # fmt: skip
async def test_what_is_wrong_outside_the_body_is_named(
    server: NatsServer, path: str, headers: dict[str, str], problem: tuple[int, str, str]
) -> None:
    async with administered(server) as ask:
        answer = await ask("PATCH", path, {}, **headers)
        assert answer.problem == problem


async def test_a_key_of_idempotency_has_a_length(server: NatsServer) -> None:
    async with administered(server) as ask:
        answer = await ask(
            "POST", "/v1/admin/apps", {"appId": "new", "orgId": "acme"}, Idempotency_Key="x" * 256
        )
        assert answer.problem == (400, "invalid_field", "Idempotency-Key")
