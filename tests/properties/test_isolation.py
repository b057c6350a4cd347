"""A token of org A cannot see one row of org B, nor one of app a1 a row of app a2, by any question.

The law: over everybody's rows, with a cache that others ask through at the same time, a token is
told exactly what it is told over its own rows alone. Only the cost may differ.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.admin.route import AdminRoute
from api.routes import ROUTES
from tests.support.isolation_requests import (
    EXPORT,
    JOURNEYS,
    ROUTES_ASKED,
    TAIL,
    hostile_requests,
    usual_request,
)
from tests.support.isolation_rows import OTHERS, SIBLINGS
from tests.support.isolation_stack import (
    APP_ADMIN,
    APP_QUERY,
    ORG_ADMIN,
    ORG_QUERY,
    OTHER_ADMIN,
    OTHER_QUERY,
    Answer,
    Request,
    World,
    world,
)

pytestmark = pytest.mark.integration
Running = tuple[World, asyncio.Runner]
Route = tuple[str, str]
TOKENS = {"query": (ORG_QUERY, APP_QUERY), "admin": (ORG_ADMIN, APP_ADMIN)}
OTHER_TOKEN = {"query": OTHER_QUERY, "admin": OTHER_ADMIN}
AT_ONCE = ("others first", "at once", "own first")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with world(Path(tmp_path_factory.mktemp("isolation"))) as made:
        yield made


def test_every_route_says_how_it_is_asked() -> None:
    """A new route needs its line in tests/support/isolation_requests.py.

    Those of administration are all asked by test_isolation_admin.py.
    """
    answering = {
        (route.method, route.path)
        for route in ROUTES
        if not route.public and not isinstance(route, AdminRoute)
    }
    assert set(ROUTES_ASKED) | set(JOURNEYS) == answering
    assert set(JOURNEYS.values()) <= set(globals())


@pytest.mark.parametrize("route", ROUTES_ASKED, ids=" ".join)
def test_rows_of_others_are_never_answered(running: Running, route: Route) -> None:
    """The rows are there to be seen, in every table that a question reads: the law means something.

    And what the asker is told of the same question is not nothing, either.
    """
    made, runner = running
    asked = ROUTES_ASKED[route]
    request = usual_request(route, asked, made.ids)
    others = runner.run(made.crowd.ask(request, OTHER_TOKEN[asked.kind]))
    assert others.status == 200, others
    if asked.tells:
        assert OTHERS in others.body or "9009001" in others.body
    for token in TOKENS[asked.kind]:
        answers = runner.run(_asked(made, request, token, asked.kind, AT_ONCE[0]))
        _hold(answers, request, token)
        if asked.tells:
            assert answers[0].status == 200
            assert "mine" in answers[0].body or '"time":' in answers[0].body, answers[0]
            siblings = SIBLINGS in answers[0].body or "2002000" in answers[0].body
            assert siblings is (token in (ORG_QUERY, ORG_ADMIN))


@pytest.mark.parametrize("route", ROUTES_ASKED, ids=" ".join)
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_token_sees_its_own_rows_alone(running: Running, route: Route, data: Any) -> None:
    made, runner = running
    asked = ROUTES_ASKED[route]
    token = data.draw(st.sampled_from(TOKENS[asked.kind]))
    request = data.draw(hostile_requests(route, asked, made.ids))
    order = data.draw(st.sampled_from(AT_ONCE))
    _hold(runner.run(_asked(made, request, token, asked.kind, order)), request, token)


TAILED: Route = ("POST", "/v1/query/logs/tail")
EXPORTED: Route = ("POST", "/v1/query/export")


def test_rows_of_others_are_never_in_tails_or_exports(running: Running) -> None:
    made, runner = running
    tail = usual_request(TAILED, TAIL, made.ids)
    export = usual_request(EXPORTED, EXPORT, made.ids)
    for token, mark in ((OTHER_QUERY, OTHERS), (ORG_QUERY, SIBLINGS), (APP_QUERY, "mine")):
        assert mark in runner.run(made.crowd.follow(tail, token)).body
        assert mark in runner.run(made.crowd.export(export, token))[1].body
    for token in (ORG_QUERY, APP_QUERY):
        runner.run(_tailed(made, tail, token))


async def _tailed(made: World, request: Request, token: str) -> None:
    told, _, alone = await asyncio.gather(
        made.crowd.follow(request, token),
        made.crowd.follow(request, OTHER_QUERY),
        made.alone(token).follow(request, token),
    )
    assert not told.secrets(request, app_only=token == APP_QUERY), told
    assert told == alone


@settings(max_examples=15, deadline=None, derandomize=True)
@given(data=st.data())
def test_a_tail_sends_records_of_its_own_scope_alone(running: Running, data: Any) -> None:
    made, runner = running
    token = data.draw(st.sampled_from((ORG_QUERY, APP_QUERY)))
    runner.run(_tailed(made, data.draw(hostile_requests(TAILED, TAIL, made.ids)), token))


@settings(max_examples=5, deadline=None, derandomize=True)
@given(data=st.data())
def test_an_export_holds_its_own_rows_alone(running: Running, data: Any) -> None:
    """And nobody else sees, gets or removes it."""
    made, runner = running
    token = data.draw(st.sampled_from((ORG_QUERY, APP_QUERY)))
    runner.run(_exported(made, data.draw(hostile_requests(EXPORTED, EXPORT, made.ids)), token))


async def _exported(made: World, request: Request, token: str) -> None:
    (id_, told), (_, alone) = await asyncio.gather(
        made.crowd.export(request, token), made.alone(token).export(request, token)
    )
    assert not told.secrets(request, app_only=token == APP_QUERY), told
    rows, wanted = sorted(told.body.splitlines()), sorted(alone.body.splitlines())
    assert (told.status, rows) == (alone.status, wanted)
    if not id_:
        return
    path = f"/v1/exports/{id_}"
    for other in (OTHER_QUERY, *((APP_QUERY,) if token == ORG_QUERY else ())):
        for method, wanted_path in (("GET", path), ("GET", f"{path}/file"), ("DELETE", path)):
            assert (await made.crowd.ask(Request(method, wanted_path), other)).status == 404
        assert id_ not in (await made.crowd.ask(Request("GET", "/v1/exports"), other)).body
    assert id_ in (await made.crowd.ask(Request("GET", "/v1/exports"), token)).body
    assert (await made.crowd.ask(Request("DELETE", path), token)).status == 200


def test_routes_without_a_token_show_no_tenant(running: Running) -> None:
    made, runner = running
    for route in ROUTES:
        if route.public:
            request = Request(route.method, route.path)
            answer = runner.run(made.crowd.ask(request, ""))
            assert answer.status == 200, answer
            assert not answer.secrets(request, app_only=True), route.path


def test_no_answer_without_a_token(running: Running) -> None:
    made, runner = running
    for route, asked in ROUTES_ASKED.items():
        request = usual_request(route, asked, made.ids)
        for token in ("", "smq_unknown", "smq_acme'", "'", "smq_acme smq_other"):
            assert runner.run(made.crowd.ask(request, token)).status == 401, route


async def _asked(made: World, request: Request, token: str, kind: str, order: str) -> list[Answer]:
    """The answers over everybody's rows: first, from the cache, with the store away; then alone."""
    other = OTHER_TOKEN[kind]
    made.crowd.judge.batches.clear()
    if order == "others first":
        await made.crowd.ask(request, other)
        made.crowd.judge.batches.clear()
        first = await made.crowd.ask(request, token)
    elif order == "at once":
        first, _ = await asyncio.gather(
            made.crowd.ask(request, token), made.crowd.ask(request, other)
        )
    else:
        first = await made.crowd.ask(request, token)
        assert OTHERS not in repr(made.crowd.judge.batches)
        await made.crowd.ask(request, other)
    again = await made.crowd.ask(request, token)
    away = await made.away.ask(request, token)
    alone = await made.alone(token).ask(request, token)
    return [first, again, away, alone]


def _hold(answers: list[Answer], request: Request, token: str) -> None:
    *over_everybody, away, alone = answers
    for answer in answers:
        assert not answer.secrets(request, app_only=token in (APP_QUERY, APP_ADMIN)), answer
    for answer in over_everybody:
        assert answer.status < 500, answer
        assert answer.comparable() == alone.comparable()
    assert away.status < 500 or away.status == 503, away
