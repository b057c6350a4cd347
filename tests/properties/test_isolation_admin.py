"""An admin sees and changes nothing beyond its org or app, by any route of administration.

The law, for hostile requests to every route: no answer holds a mark of others that the asker did
not write, nothing of others is another afterwards, and what is refused is refused in the same way
whether it is there or not.
"""

import asyncio
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.admin.route import AdminRoute
from api.admin.routes import ADMIN_ROUTES
from seamark.service.registry import Record, SchemaRecord
from seamark.service.registry.records import record_key
from seamark.service.registry.store import RecordStore
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.admin_stack import (
    APP_ADMIN,
    OPERATOR,
    ORG_ADMIN,
    OTHER_ADMIN,
    QUERY,
    Administered,
    Answered,
    administered,
    records,
)
from tests.support.isolation_requests import odd
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
Running = tuple[Administered, asyncio.Runner]
OTHERS, SIBLINGS = "umbra-secret", "blog-secret"
"""Marks of the other org, and of the asker's org's other app."""
NAMES = ("acme", "other", "shop", "blog", "nobody", "key_acme_shop", "key_acme_blog",
         "key_other_shop", "paid", f"tok_{ORG_ADMIN}", f"tok_{APP_ADMIN}", f"tok_{OTHER_ADMIN}",
         f"tok_{OPERATOR}")  # fmt: skip
names = st.sampled_from(NAMES) | odd
EXAMPLES = int(os.environ.get("ISOLATION_EXAMPLES", "15"))
"""Hostile requests to each route; the long form is 5,000, 10^5 in all."""
ids = [f"{route.method} {route.path}" for route in ADMIN_ROUTES]


def marked() -> list[Record]:
    """Everybody's records; those of the other org and those beyond the app `shop` have a mark."""
    made: list[Record] = []
    for record in records():
        mark = OTHERS if record.org == "other" else ""
        mark = mark or (SIBLINGS if getattr(record, "app", "shop") in ("", "blog") else "")
        if mark and isinstance(record, SchemaRecord):
            titled = msgspec.structs.replace(record.latest, schema=f'{{"title":"{mark}"}}')
            record = msgspec.structs.replace(record, versions=(titled,))  # noqa: PLW2901
        elif mark:
            field = "platform" if hasattr(record, "platform") else "name"
            record = msgspec.structs.replace(record, **{field: mark})  # noqa: PLW2901
        made.append(record)
    return made


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as log, asyncio.Runner() as runner:
        stack = administered(log)
        ask = runner.run(stack.__aenter__())
        yield ask, runner
        runner.run(stack.__aexit__(None, None, None))


async def _restore(ask: Administered) -> None:
    """Everything as it was at the beginning."""
    store = RecordStore(await ask.client.jetstream(timeout=2).key_value(CONFIG_BUCKET))
    wanted = {record_key(record): record for record in marked()}
    last = 0
    for record in _all(ask):
        if (key := record_key(record)) not in wanted:
            last = await store.delete(key, revision=ask.registry.revision_of(key))
    for key, record in wanted.items():
        stored = await store.read(key)
        if stored.record != record:
            last = await store.update(record, revision=stored.revision)
    assert await ask.registry.reached(last, seconds=10)


def _all(ask: Administered) -> list[Record]:
    made: list[Record] = []
    for table in (ask.registry.orgs, ask.registry.apps, ask.registry.keys, ask.registry.tokens):
        made += table.values()
    for schemas in ask.registry.schemas.values():
        made += schemas.values()
    return made


def _others(ask: Administered, *, app_only: bool) -> dict[str, Record]:
    """The records beyond a scope, operators' among them."""
    found: dict[str, Record] = {}
    for record in _all(ask):
        own = record.org == "acme" and (not app_only or getattr(record, "app", "") == "shop")
        if not own:
            found[record_key(record)] = record
    return found


def _path(route: AdminRoute, values: list[str]) -> str:
    path = route.path
    for name, value in zip(route.path_parameters, values, strict=False):
        path = path.replace(f"{{{name}}}", quote(value, safe="") or "%20")
    return path


def _hold(answer: Answered, written: str, *, app_only: bool) -> None:
    assert answer.status < 500, answer
    for mark in (OTHERS, *((SIBLINGS,) if app_only else ())):
        assert mark not in answer.text or mark in written, answer


@st.composite
def _requests(draw: st.DrawFn, route: AdminRoute) -> tuple[str, Any, str]:
    """A path with its query, a body, and an If-Match."""
    values = [draw(names) for _ in route.path_parameters]
    query = ""
    for name in draw(st.sets(st.sampled_from(["orgId", "confirm", "limit"]), max_size=2)):
        value = draw(st.sampled_from(values) | names) if values else draw(names)
        query += f"{'&' if query else '?'}{name}={quote(value, safe='')}"
    body = dict(route.body_example or {}) if route.body else None
    if body is not None:
        for name in draw(st.sets(st.sampled_from(["orgId", "appId", "kind", "keyId", "name"]))):
            body[name] = draw(st.sampled_from(["admin", "query", "operator"]) | names)
    return _path(route, values) + query, body, draw(st.sampled_from(["*", '"1"', '"9"']))


@pytest.mark.parametrize("route", ADMIN_ROUTES, ids=ids)
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_nothing_of_others_is_told_or_changed(
    running: Running, route: AdminRoute, data: Any
) -> None:
    ask, runner = running
    token = data.draw(st.sampled_from([ORG_ADMIN, APP_ADMIN]))
    app_only = token == APP_ADMIN
    path, body, match = data.draw(_requests(route))

    async def asked() -> None:
        await _restore(ask)
        before = _others(ask, app_only=app_only)
        answer = await ask(route.method, path, body, token=token, If_Match=match)
        _hold(answer, f"{path}{body}", app_only=app_only)
        listed = await ask("GET", "/v1/admin/audit", token=token)
        _hold(listed, f"{path}{body}", app_only=app_only)
        assert _others(ask, app_only=app_only) == before, answer
        made = [t for t in ask.registry.tokens.values() if t.name == (body or {}).get("name")]
        assert all(t.kind != "operator" or t.token_id in NAMES for t in made)

    runner.run(asked())


@pytest.mark.parametrize("route", ADMIN_ROUTES, ids=ids)
def test_an_operator_reaches_every_route_and_a_query_token_none(
    running: Running, route: AdminRoute
) -> None:
    """And the example of the description is taken as it stands."""
    ask, runner = running
    values = {"orgId": "other", "appId": "shop", "keyId": "key_other_shop", "eventType": "paid",
              "tokenId": f"tok_{OTHER_ADMIN}"}  # fmt: skip
    path = _path(route, [values[name] for name in route.path_parameters])
    if route.method == "DELETE":
        path += f"?confirm={values[list(route.path_parameters)[-1]]}"
    if route.path.startswith("/v1/admin/apps/"):
        path += ("&" if "?" in path else "?") + "orgId=other"
    body = dict(route.body_example or {}) if route.body else None
    if body is not None and "orgId" not in path and route.path != "/v1/admin/orgs":
        body |= {"orgId": "other"} if route.method == "POST" else {}
    if route.path in ("/v1/admin/orgs", "/v1/admin/apps") and body:
        body |= {"orgId": "new"} if route.path.endswith("orgs") else {"appId": "new"}

    async def asked() -> None:
        await _restore(ask)
        for token, status in (("", 401), ("smo_unknown", 401), ("\xff\udcff", 401), (QUERY, 403)):
            assert (await ask(route.method, path, body, token=token)).status == status
        if route.path == "/v1/admin/orgs/{orgId}" and route.method == "DELETE":
            await ask.made("DELETE", "/v1/admin/apps/shop?orgId=other&confirm=shop")
        answer = await ask(route.method, path, body)
        if route.path == "/v1/admin/orgs" and route.method == "POST":  # a name is given once
            assert answer.status in (201, 409), answer
        else:
            assert answer.status == route.status, answer
        assert set(answer.body) == set(route.answer_example or {}) or answer.status == 409

    runner.run(asked())


def test_what_lies_beyond_is_refused_alike_whether_it_is_there_or_not(running: Running) -> None:
    ask, runner = running

    async def asked() -> None:
        await _restore(ask)
        for there, absent in (
            ("/v1/admin/orgs/other", "/v1/admin/orgs/nobody"),
            ("/v1/admin/apps/shop?orgId=other", "/v1/admin/apps/shop?orgId=nobody"),
            ("/v1/admin/tokens?orgId=other", "/v1/admin/tokens?orgId=nobody"),
            ("/v1/admin/audit?orgId=other", "/v1/admin/audit?orgId=nobody"),
        ):
            answers = [await ask("GET", path, token=ORG_ADMIN) for path in (there, absent)]
            assert answers[0].status == 403
            assert answers[0].body == answers[1].body
        for path in ("/v1/admin/apps/blog", "/v1/admin/apps/nobody"):
            assert (await ask("GET", path, token=APP_ADMIN)).problem[0] == 403

    runner.run(asked())
