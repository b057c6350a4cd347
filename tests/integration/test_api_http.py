"""Around the questions: who may ask, failures, cache, hanging up, health, description."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis.asyncio
import schemathesis
import schemathesis.openapi
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance

from api.own_metrics import OwnMetrics
from api.query.statement import Statement
from api.reasons import QuestionReason
from api.routes import ROUTES
from api.settings import ApiSettings
from api.store import ClickHouseStore
from seamark.service.connections import StoreSettings
from seamark.service.health import Health
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.signals import Signal
from tests.support.ledger import QuietLog
from tests.support.questions_stack import (
    SECRETS,
    Asking,
    RunningStore,
    asking,
    envelope,
)
from tests.support.scripted_store import Scripted, hang_up
from tests.support.servers import free_port, running_cache

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z
R = TypeVar("R")
SLOW = Statement("SELECT count() FROM system.numbers WHERE cityHash64(number) = 1", {})


async def fill(store: RunningStore) -> None:
    body = b'[{"name":"view","ts":1795343000000,"attrs":{"country":"DE"}}]'
    for org in ("acme", "other"):
        sent = envelope(Signal.EVENTS, body, org=org, app="shop", received_ms=NOW, sent_ms=NOW)
        await store.insert(Signal.EVENTS, [sent])


@pytest.fixture
def cache_url(tmp_path: Path) -> Iterator[str]:
    with running_cache(tmp_path) as url:
        yield f"{url}/0"


VIEW = {"metric": "view", "granularity": "1m"}


@pytest.mark.parametrize(
    ("token", "status", "reason"),
    [
        ("", 401, "missing_token"),
        ("smq_nobody", 401, "unknown_token"),
        ("smk_ingest", 403, "wrong_kind_of_token"),
        ("smk_unknown", 403, "wrong_kind_of_token"),
        ("sma_admin", 403, "wrong_kind_of_token"),
        ("smq_disabled", 403, "token_disabled"),
    ],
)
async def test_only_query_tokens_may_ask(token: str, status: int, reason: str) -> None:
    async with asking(Scripted()) as ask:
        for path in ("/v1/metrics", "/v1/labels", "/v1/labels/x/values", f"/v1/traces/{'a' * 32}"):
            answer = await ask.get(path, token=token, status=status)
            assert answer["error"]["reason"] == reason
        for path in ("timeseries", "logs", "traces"):
            answer = await ask.post(f"/v1/query/{path}", {}, token=token, status=status)
            assert answer["error"]["reason"] == reason
        if token.startswith("smk"):
            assert answer["error"]["message"] == "this is an ingest key; use the query_token"


async def test_failures_have_one_form() -> None:
    async with asking(Scripted(), body_bytes=1024) as ask:
        question = "/v1/query/timeseries"
        for body, status, reason in (
            (b"{", 400, "malformed"),
            (b"[]", 400, "invalid_field"),
            (b"\xff\xfe", 400, "malformed"),
            (b"[" * 1000, 400, "invalid_field"),
            (b"x" * 1025, 413, "body_too_large"),
            ({}, 400, "invalid_field"),
            ({"metric": ""}, 400, "invalid_field"),
        ):
            answer = await ask.post(question, body, status=status)
            assert answer["error"]["reason"] == reason
        missing = await ask.post(question, {}, status=400)
        assert missing["error"]["field"] == "metric"
        assert (await ask.get("/nowhere", status=404))["error"]["reason"] == "not_found"
        async with ask.session.get(ask.url + question) as response:
            assert response.status == 405
            assert response.headers["Allow"] == "POST"
            assert (await response.json())["error"]["reason"] == "method_not_allowed"
        exposition = ask.own_metrics()
        assert 'route="/v1/query/timeseries",status="413"' in exposition.replace(
            "reason", ""
        ).replace('="body_too_large",', "", 1)


async def test_a_store_that_is_away_is_reported() -> None:
    store = Scripted()
    store.away = True
    async with (
        asking(store) as ask,
        ask.session.post(
            ask.url + "/v1/query/timeseries",
            json=VIEW,
            headers={"Authorization": f"Bearer {SECRETS['acme']}"},
        ) as response,
    ):
        assert response.status == 503
        assert response.headers["Retry-After"] == "2"
        assert (await response.json())["error"]["reason"] == "unavailable"


async def test_answers_are_cached_for_as_long_as_they_are_fresh(cache_url: str) -> None:
    store = Scripted()
    past = VIEW | {"from": "now-2h", "to": "now-1h"}
    async with asking(store, cache_url=cache_url, clock_ms=lambda: NOW) as ask:
        url = "/v1/query/timeseries"
        first, second = await ask.post(url, past), await ask.post(url, past)
        assert (first["meta"]["cache"], second["meta"]["cache"]) == ("miss", "hit")
        assert second["series"] == first["series"]
        bypassed = await ask.post(url, past | {"cache": False})
        assert bypassed["meta"]["cache"] == "off"
        assert bypassed["series"] != first["series"]
        other = await ask.post(url, past, token=SECRETS["other"])
        assert other["meta"]["cache"] == "miss"
        async with redis.asyncio.Redis.from_url(cache_url) as client:
            lives = sorted([await client.pttl(key) async for key in client.scan_iter()])
        assert 3_500_000 < lives[0] <= 3_600_000
        assert lives[-1] > 86_000_000
        exposition = ask.own_metrics()
        assert 'seamark_api_cache_total{result="hit"} 1.0' in exposition


async def test_a_live_answer_is_cached_for_a_second_at_most(cache_url: str) -> None:
    async with asking(Scripted(), cache_url=cache_url, clock_ms=lambda: NOW) as ask:
        await ask.post("/v1/query/timeseries", VIEW)
        async with redis.asyncio.Redis.from_url(cache_url) as client:
            lives = [await client.pttl(key) async for key in client.scan_iter()]
        assert min(lives) <= 1000


async def test_the_last_answer_serves_while_the_store_is_away(cache_url: str) -> None:
    store, clock = Scripted(), [NOW]
    async with asking(store, cache_url=cache_url, clock_ms=lambda: clock[0]) as ask:
        asked = VIEW | {"from": NOW - 3_600_000, "to": NOW}
        first = await ask.post("/v1/query/timeseries", asked)
        store.away = True
        clock[0] += 600_000  # the window has moved on, as a dashboard's does
        moved = VIEW | {"from": NOW - 3_000_000, "to": NOW + 600_000}
        stale = await ask.post("/v1/query/timeseries", moved)
        assert stale["meta"]["stale"] is True
        assert stale["meta"]["to"] == first["meta"]["to"]
        assert stale["series"] == first["series"]
        await ask.post("/v1/query/timeseries", moved | {"agg": ["sum"]}, status=503)
        await ask.post("/v1/query/timeseries", moved, token=SECRETS["other"], status=503)


async def test_without_redis_nothing_fails() -> None:
    store = Scripted()
    async with asking(store) as ask:
        for _ in range(3):
            answer = await ask.post("/v1/query/timeseries", VIEW)
            assert answer["meta"]["cache"] == "off"
        assert "seamark_api_cache_away 1.0" in ask.own_metrics()


async def test_equal_questions_at_one_time_are_asked_once() -> None:
    store = Scripted()
    store.hang = asyncio.Event()
    async with asking(store, clock_ms=lambda: NOW) as ask:
        waiting = [asyncio.create_task(ask.post("/v1/query/timeseries", VIEW)) for _ in range(5)]
        other = asyncio.create_task(ask.post("/v1/query/timeseries", VIEW, token=SECRETS["other"]))
        flights = ask.context.cache.flights
        async with asyncio.timeout(5):
            while sum(flight.waiting for flight in flights.values()) < 6:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        store.hang.set()
        answers = await asyncio.gather(*waiting)
        await other
        assert store.asked == 2
        assert all(answer["series"] == answers[0]["series"] for answer in answers)


async def test_who_hangs_up_ends_the_query() -> None:
    store = Scripted()
    async with asking(store) as ask:
        await hang_up(ask, store, "/v1/query/timeseries", VIEW)
        assert 'seamark_api_cancelled_total{route="/v1/query/timeseries"} 1.0' in ask.own_metrics()


def real(store: RunningStore, **limits: Any) -> ClickHouseStore:
    return ClickHouseStore(
        store.settings, ApiSettings(**limits), metrics=OwnMetrics(), health=Health()
    )


async def until_running(store: RunningStore, number: int) -> None:
    """Wait until so many of SLOW run in the store."""
    sql = (
        "SELECT count() FROM system.processes "
        "WHERE query LIKE '%cityHash64%' AND query NOT LIKE '%processes%'"
    )
    async with asyncio.timeout(10):
        while int(await store.run(sql)) != number:  # noqa: ASYNC110  # another process
            await asyncio.sleep(0.02)


async def test_cancelling_ends_the_query_in_the_store(store: RunningStore) -> None:
    client = real(store, query_rows=10**15)
    asked = asyncio.create_task(client.ask(SLOW, tuple[int]))
    await until_running(store, 1)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await until_running(store, 0)
    await client.close()


async def test_the_error_of_a_slow_question_names_what_to_narrow(store: RunningStore) -> None:
    client = real(store, query_seconds=0.3, query_rows=10**15)
    with pytest.raises(Rejected, match="Narrow it") as refused:
        await client.ask(SLOW, tuple[int])
    assert refused.value.reason is QuestionReason.TIMEOUT
    await client.close()


@pytest.mark.parametrize(
    ("limits", "sql"),
    [
        ({"query_rows": 10}, "SELECT sum(number) FROM numbers(1000)"),
        ({"query_memory_bytes": 3_000_000}, "SELECT groupArray(number) FROM numbers(10000000)"),
        ({}, "SELECT number FROM numbers(200000)"),
    ],
)
async def test_the_error_of_a_costly_question_names_what_to_narrow(
    store: RunningStore, limits: dict[str, int], sql: str
) -> None:
    client = real(store, **limits)
    with pytest.raises(Rejected, match="Narrow it") as refused:
        await client.ask(Statement(sql, {}), tuple[Any])
    assert refused.value.reason is QuestionReason.TOO_MUCH
    await client.close()


async def test_questions_cannot_change_anything(store: RunningStore) -> None:
    client = real(store)
    with pytest.raises(Exception, match=r"readonly|read-only|Cannot execute"):
        await client.ask(Statement("DROP TABLE seamark.events", {}), tuple[Any])
    assert await store.run("SELECT count() FROM seamark.events") == "2\n"
    await client.close()


async def test_a_store_that_is_not_there_is_unavailable() -> None:
    health = Health()
    client = ClickHouseStore(
        StoreSettings(url=f"http://127.0.0.1:{free_port()}"),
        ApiSettings(),
        metrics=OwnMetrics(),
        health=health,
    )
    health.expect("store")
    with pytest.raises(Unavailable):
        await client.ask(Statement("SELECT 1", {}), tuple[int])
    await client.probe()
    assert not health.ready
    await client.close()


async def test_health_names_what_is_down(store: RunningStore) -> None:
    async with asking(store) as ask:
        ask.health.expect("store")
        assert (await ask.get("/livez", token=""))["status"] == "ok"
        down = await ask.get("/readyz", token="", status=503)
        assert down["parts"][0]["name"] == "store"
        await ask.post("/v1/query/timeseries", VIEW)
        for path in ("/readyz", "/v1/healthz"):
            assert (await ask.get(path, token=""))["status"] == "ok"


async def test_cors_is_for_the_origins_that_are_set() -> None:
    preflight = {"Access-Control-Request-Method": "POST"}
    async with asking(Scripted(), origins="https://g.example") as ask:
        for origin, allowed in (("https://g.example", True), ("https://evil.example", False)):
            async with ask.session.options(
                ask.url + "/v1/query/timeseries", headers={"Origin": origin, **preflight}
            ) as response:
                assert ("Access-Control-Allow-Origin" in response.headers) is allowed
                assert response.status == (204 if allowed else 405)
                if allowed:
                    methods = response.headers["Access-Control-Allow-Methods"].split(", ")
                    assert set(methods) == {"GET", "POST", "PUT", "PATCH", "DELETE"}
            async with ask.session.get(ask.url + "/livez", headers={"Origin": origin}) as response:
                assert ("Access-Control-Allow-Origin" in response.headers) is allowed
    async with (
        asking(Scripted()) as ask,
        ask.session.get(ask.url + "/livez", headers={"Origin": "https://g.example"}) as response,
    ):
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_it_describes_itself() -> None:
    async with asking(Scripted()) as ask:
        document = await ask.get("/openapi.json", token="")
        listed = await ask.get("/", token="")
        page = await ask.get("/docs", token="")
    paths = {(m.upper(), path) for path, ms in document["paths"].items() for m in ms}
    assert {(r["method"], r["path"]) for r in listed["routes"]} == paths
    assert "http" not in page.replace("httpEquiv", "")  # nothing is fetched from elsewhere


async def test_the_description_is_true(store: RunningStore) -> None:
    """Requests made up from the document get answers that the document foresees."""
    # no live tails: a good request for one would be answered without end (test_api_tail.py)
    async with asking(store, parts={"log": QuietLog(NOW)}, tails_per_org=0) as ask:
        await asyncio.to_thread(check_description, ask)


def check_description(ask: Asking) -> None:
    schema = schemathesis.openapi.from_url(ask.url + "/openapi.json")
    headers = {"Authorization": f"Bearer {SECRETS['acme']}"}
    tried = 0
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        _check(found.ok(), headers)
        tried += 1
    assert tried == len(ROUTES) - 1  # it leaves out the document itself


def _check(operation: Any, headers: dict[str, str]) -> None:
    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def run(case: Any) -> None:
        case.call_and_validate(
            headers=headers,
            # "from" before 1970, a label that is no dimension: a schema cannot say these
            excluded_checks=[positive_data_acceptance],
        )

    run()
