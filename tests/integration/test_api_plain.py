"""Questions in query strings over HTTP, in the shapes that scripts know."""

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import SECRETS, RunningStore, asking, envelope

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z
MINUTE = 60_000


async def fill(store: RunningStore) -> None:
    for org, name, rows in (
        ("acme", "lcp", [(0, 10.0, "US", "mobile"), (1, 30.0, "US", "mobile"),
                         (1, 50.0, "DE", "desktop"), (1, 70.0, "DE", "mobile")]),
        ("acme", "view", [(0, None, "US", "mobile"), (2, None, "DE", "mobile")]),
        ("other", "lcp", [(0, 999.0, "XX", "mobile")]),
    ):  # fmt: skip
        body = msgspec.json.encode(
            [
                {
                    "name": name,
                    "ts": NOW - back * MINUTE,
                    "attrs": {"country": country, "device": device},
                    **({} if value is None else {"value": value}),
                }
                for back, value, country, device in rows
            ]
        )
        sent = envelope(Signal.EVENTS, body, org=org, app="shop", received_ms=NOW, sent_ms=NOW)
        await store.insert(Signal.EVENTS, [sent])


async def test_minutes(store: RunningStore) -> None:
    last = NOW // MINUTE * MINUTE
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.get("/api/query", {"name": "lcp", "start": "now-1h", "end": "now"})
        assert answer == {
            "data": [
                {"time": last - MINUTE, "avg": 50, "max": 70, "min": 30},
                {"time": last, "avg": 10, "max": 10, "min": 10},
            ]
        }
        assert await ask.get("/api/query", {"name": "nothing"}) == {"data": []}
        wrong = await ask.get("/api/query", {"name": "lcp", "start": "soon"}, status=400)
        assert wrong["error"]["field"] == "start"
        unknown = await ask.get("/api/query", {"name": "lcp", "from": "now-1h"}, status=400)
        assert unknown["error"]["field"] == "from"
        assert "name, start, end" in unknown["error"]["message"]
        missing = await ask.get("/api/query", status=400)
        assert missing["error"]["field"] == "name"
        long = {"name": "lcp", "start": "now-30d"}
        assert (await ask.get("/api/query", long, status=422))["error"]["field"] == "start"
        other = await ask.get("/api/query", {"name": "lcp"}, token=SECRETS["other"])
        assert [row["max"] for row in other["data"]] == [999]
        await ask.get("/api/query", {"name": "lcp"}, token="", status=401)


async def test_values_by_group_and_by_time(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        query = {"name": "lcp", "range": "1h", "group_by": "country", "filter": "device:mobile"}
        assert await ask.get("/metrics", query) == [
            {"country": "DE", "value": 70},
            {"country": "US", "value": 20},
        ]
        query = {"name": "view", "group_by": "country", "range": "1h", "agg": "count"}
        counted = await ask.get("/metrics", query)
        assert counted == await ask.get("/metrics", query | {"agg": ""})
        assert counted == [{"country": "DE", "value": 1}, {"country": "US", "value": 1}]
        last = NOW // MINUTE * MINUTE
        series = await ask.get("/metrics", {"name": "lcp", "range": "1h"})
        assert series == [{"time": last - MINUTE, "value": 50}, {"time": last, "value": 10}]
        series = await ask.get("/metrics", {"name": "view", "range": "1h"})
        assert [row["value"] for row in series] == [1, 1]
        by = {"name": "lcp", "group_by": "country", "range": "1h"}
        us = [{"country": "US", "value": 20}]
        assert await ask.get("/metrics", by | {"country": "US", "device": "mobile"}) == us
        repeated = [*by.items(), ("filter", "country:US"), ("filter", "device:mobile")]
        assert await ask.get("/metrics", repeated) == us
        either = [*by.items(), ("country", "US"), ("country", "DE"), ("device", "desktop")]
        assert await ask.get("/metrics", either) == [{"country": "DE", "value": 50}]
        wrong = await ask.get("/metrics", by | {"groupby": "page"}, status=400)
        assert wrong["error"]["field"] == "groupby"
        assert "Did you mean 'group_by'?" in wrong["error"]["message"]
        twice = [*by.items(), ("range", "2h")]
        assert (await ask.get("/metrics", twice, status=400))["error"]["field"] == "range"
        wrong = await ask.get("/metrics", {"name": "lcp", "filter": "mobile"}, status=400)
        assert wrong["error"]["field"] == "filter"
        wrong = await ask.get("/metrics", {"name": "lcp", "range": "soon"}, status=400)
        assert wrong["error"]["field"] == "range"


async def test_metrics_are_an_apps_and_need_a_token(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        for query in ({}, {"name": "lcp"}):
            await ask.get("/metrics", query, token="", status=401)
        nameless = await ask.get("/metrics", status=400)
        assert nameless["error"]["field"] == "name"


async def test_one_metric(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        query = {"startTime": "now-1h", "agg": "count,max", "granularity": "1h"}
        answer = await ask.get("/v1/metrics/lcp", query | {"groupBy": "country"})
        assert answer["columns"] == ["time", "count", "max"]
        totals = {s["labels"]["country"]: [r[1:] for r in s["rows"]] for s in answer["series"]}
        assert totals == {"US": [[2, 30]], "DE": [[2, 70]]}
        assert answer["meta"]["granularity"] == "1h"
        plain = await ask.get("/v1/metrics/lcp")
        assert plain["columns"] == ["time", "count", "sum", "avg", "min", "max"]
        other = await ask.get("/v1/metrics/lcp", query, token=SECRETS["other"])
        assert other["series"][0]["rows"][0][1:] == [1, 999]
        both = [("agg", "count"), ("filter", "country:DE"), ("filter", "device:desktop")]
        found = await ask.get(
            "/v1/metrics/lcp", [*both, ("granularity", "day"), ("tz", "Asia/Tokyo")]
        )
        (day,) = found["series"][0]["rows"]
        assert day == [1_795_273_200_000, 1]  # midnight in Tokyo is 15:00 UTC
        assert found["meta"]["partial"] == [day[0]]
        wrong = await ask.get("/v1/metrics/lcp", {"endTime": "never"}, status=400)
        assert wrong["error"]["field"] == "endTime"
