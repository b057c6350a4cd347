"""Questions about people over HTTP: answers, whose rows are seen, cache, limits, hanging up."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import (
    SECRETS,
    RunningStore,
    asking,
    envelope,
)
from tests.support.scripted_store import Scripted, hang_up
from tests.support.servers import running_cache

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z
DAY = 86_400_000
PEOPLE: dict[str, dict[str, Any]] = {
    "/v1/query/funnel": {"steps": ["page_view", "purchase"]},
    "/v1/query/retention": {"start": "page_view"},
    "/v1/query/sessions": {},
    "/v1/query/paths": {"start": "/"},
    "/v1/query/top": {"metric": "page_view", "by": "page"},
    "/v1/query/timeseries": {"metric": "page_view", "agg": ["uniq_users"], "identity": "linked"},
    "/v1/query/errors": {},
}


def visit(user: str, back_ms: int, *events: tuple[int, str, dict[str, str]]) -> list[Any]:
    """Events of a user: seconds after the start, name, attributes."""
    return [
        {"ts": NOW - back_ms + seconds * 1000, "name": name, "userAnonId": user, "attrs": attrs,
         "sessionId": f"{user}{back_ms}"}
        for seconds, name, attrs in events
    ]  # fmt: skip


def bought(user: str, back_ms: int, wait: int) -> list[Any]:
    return visit(
        user, back_ms,
        (0, "page_view", {"page": "/", "plan": "gold"}),
        (10, "page_view", {"page": "/cart", "plan": "gold"}),
        (10 + wait, "purchase", {"page": "/cart"}),
    )  # fmt: skip


def looked(user: str, back_ms: int) -> list[Any]:
    return visit(user, back_ms, (0, "page_view", {"page": "/", "plan": "iron"}))


SHOP = [*bought("a", 3_600_000, 20), *bought("b", 7_200_000, 40), *looked("c", 60_000),
        *looked("a", 2 * DAY)]  # fmt: skip
FAILED = [
    {"ts": NOW - 5000, "name": "exception", "id": "e1", "userAnonId": "c", "attrs": {
        "exception.type": "TypeError", "exception.message": "no 'price' of 17",
        "exception.stacktrace": "TypeError: no\n    at total (checkout.js:214:31)",
        "release": "2.0"}},
    {"ts": NOW - 2 * DAY, "name": "page_view", "userAnonId": "a", "attrs": {"release": "1.0"}},
]  # fmt: skip


async def fill(store: RunningStore) -> None:
    for org, app, rows in (
        ("acme", "shop", SHOP),
        ("acme", "shop", FAILED),
        ("acme", "blog", bought("d", 60_000, 5)),
        ("other", "shop", bought("secret", 60_000, 1)),
        ("other", "shop", [FAILED[0] | {"id": "secret"}]),
    ):
        body = msgspec.json.encode(rows)
        sent = envelope(Signal.EVENTS, body, org=org, app=app, received_ms=NOW, sent_ms=NOW)
        await store.insert(Signal.EVENTS, [sent])
    await store.run("TRUNCATE TABLE seamark.late_rows")  # what a store begins with is not late


@pytest.fixture
def cache_url(tmp_path: Path) -> Iterator[str]:
    with running_cache(tmp_path) as url:
        yield f"{url}/0"


async def test_a_funnel(store: RunningStore) -> None:
    question = {"steps": ["page_view", "purchase"], "windowSec": 60, "from": "now-1d"}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post("/v1/query/funnel", question | {"appId": "shop"})
        (funnel,) = answer["funnels"]
        assert funnel["labels"] == {}
        first, last = funnel["steps"]
        assert (first["people"], last["people"]) == (3, 2)
        assert last["fromFirst"] == pytest.approx(2 / 3)
        assert (last["medianMs"], last["p90Ms"]) == (30_000, 38_000)
        meta = answer["meta"]
        assert meta["rowsRead"] > 0
        assert meta["to"] - meta["from"] == DAY + 60_000
        assert (meta["truncated"], meta["sampled"], meta["stale"]) == (False, False, False)
        assert "sql" not in meta
        nobody = await ask.post("/v1/query/funnel", {"steps": ["nothing", "purchase"]})
        assert nobody["funnels"] == []


async def test_retention(store: RunningStore) -> None:
    question = {"start": "page_view", "periods": 2, "from": "now-2d", "appId": "shop"}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post("/v1/query/retention", question)
    today = NOW // DAY * DAY
    assert answer["cohorts"] == [
        {"start": today - 2 * DAY, "people": 1, "returned": [1, 0, 1], "shares": [1, 0, 1]},
        {"start": today, "people": 2, "returned": [2], "shares": [1]},
    ]
    assert [column["title"] for column in answer["columns"]] == [
        "Cohort", "People", "day 0", "day 1", "day 2"
    ]  # fmt: skip


async def test_sessions_and_paths(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post(
            "/v1/query/sessions", {"from": "now-1d", "granularity": "all", "appId": "shop"}
        )
        ((_, sessions, each, median, _, bounced),) = answer["series"][0]["rows"]
        assert (sessions, median) == (4, 15_000)
        assert each == pytest.approx(8 / 4)
        assert bounced == pytest.approx(1 / 3)
        assert answer["meta"]["granularity"] == "all"
        found = await ask.post("/v1/query/paths", {"start": "/", "depth": 2, "appId": "shop"})
        assert found["sessions"] == 3
        assert [(p["steps"], p["sessions"]) for p in found["paths"]] == [(["/cart"], 2), ([], 1)]


async def test_top_by_dimension_and_by_attribute(store: RunningStore) -> None:
    question = {"metric": "page_view", "from": "now-1d", "limit": 1, "appId": "shop"}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        pages = await ask.post("/v1/query/top", question | {"by": "page"})
        plans = await ask.post("/v1/query/top", question | {"by": "plan", "agg": "uniq_users"})
        nothing = await ask.post("/v1/query/top", {"metric": "no.such", "by": "page"})
    assert pages["total"] == 5
    assert [(v["label"], v["value"], v["share"]) for v in pages["values"]] == [
        ("/", 3, 0.6),
        ("__other__", 2, 0.4),
    ]
    assert pages["meta"]["truncated"] is True
    assert [(v["label"], v["value"], v["share"]) for v in plans["values"]] == [
        ("gold", 2, None),
        ("__other__", 1, None),
    ]
    assert (nothing["total"], nothing["values"]) == (None, [])


async def test_uniq_users_are_the_people_of_an_identity(store: RunningStore) -> None:
    question = {"metric": "page_view", "from": "now-3d", "appId": "shop", "agg": "uniq_users"}
    long = {"metric": "page_view", "agg": ["uniq_users"], "from": "now-40d", "identity": "linked"}
    found = {}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        for identity in (None, "session", "user", "linked"):
            by_page = {**question, "by": "page", "identity": identity}
            found[identity] = (await ask.post("/v1/query/top", by_page))["total"]
        refused = await ask.post("/v1/query/timeseries", long, status=422)
    assert found == {None: 3, "session": 5, "user": 3, "linked": 3}
    assert refused["error"]["field"] == "from"
    assert "leave identity out" in refused["error"]["message"]


async def test_errors(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post("/v1/query/errors", {"from": "now-3d", "appId": "shop"})
    assert (answer["total"]["errors"], answer["total"]["against"]) == (1, 7)
    assert [(r["release"], r["errors"]) for r in answer["releases"]] == [
        ("2.0", 1),
        ("", 0),
        ("1.0", 0),
    ]
    (group,) = answer["groups"]
    assert (group["type"], group["message"]) == ("TypeError", "no <*> of <*>")
    assert group["frame"] == "total (checkout.js)"
    assert (group["newIn"], group["people"], group["sample"]["eventId"]) == ("2.0", 1, "e1")


@pytest.mark.parametrize("path", PEOPLE)
async def test_no_token_sees_another_org_or_app(store: RunningStore, path: str) -> None:
    question = {**PEOPLE[path], "from": "now-3d", "cache": False}
    by_app = question | _GROUPED.get(path, {})
    async with asking(store, clock_ms=lambda: NOW) as ask:
        seen = {
            token: await ask.post(path, by_app, token=SECRETS[token])
            for token in ("acme", "shop", "other")
        }
        narrowed = await ask.post(path, by_app | {"appId": "shop"})
        for token, extra in (("acme", {"orgId": "other"}), ("shop", {"appId": "blog"})):
            refused = await ask.post(path, question | extra, token=SECRETS[token], status=403)
            assert refused["error"]["reason"] == "out_of_scope"
    for answer in (*seen.values(), narrowed):
        del answer["meta"]
    assert narrowed == seen["shop"]
    assert seen["shop"] != seen["other"] != seen["acme"]
    for token in ("acme", "shop"):
        assert "secret" not in str(seen[token])
    assert "blog" not in str(seen["shop"])
    if path in _GROUPED:
        assert "blog" in str(seen["acme"])


_GROUPED: dict[str, Any] = {
    "/v1/query/funnel": {"groupBy": "app"},
    "/v1/query/sessions": {"groupBy": "app"},
    "/v1/query/timeseries": {"groupBy": ["app"]},
}


@pytest.mark.parametrize("path", PEOPLE)
async def test_answers_are_cached_by_scope_and_question(
    store: RunningStore, path: str, cache_url: str
) -> None:
    past = {**PEOPLE[path], "from": "now-2d", "to": "now-10m"}
    async with asking(store, cache_url=cache_url, clock_ms=lambda: NOW) as ask:
        first, second = await ask.post(path, past), await ask.post(path, past)
        assert (first["meta"]["cache"], second["meta"]["cache"]) == ("miss", "hit")
        assert first | {"meta": 0} == second | {"meta": 0}
        assert (await ask.post(path, past | {"cache": False}))["meta"]["cache"] == "off"
        other = await ask.post(path, past, token=SECRETS["other"])
        assert other["meta"]["cache"] == "miss"
        changed = await ask.post(path, past | {"from": "now-1d"})
        assert changed["meta"]["cache"] == "miss"


async def test_the_error_of_a_costly_question_names_what_to_narrow(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, query_rows=2) as ask:
        for path, question in PEOPLE.items():
            answer = await ask.post(path, question, status=422)
            assert answer["error"]["reason"] == "too_much"
            assert "Narrow it" in answer["error"]["message"]


@pytest.mark.parametrize("path", PEOPLE)
async def test_who_hangs_up_ends_the_query(path: str) -> None:
    scripted = Scripted()
    async with asking(scripted) as ask:
        await hang_up(ask, scripted, path, PEOPLE[path])
