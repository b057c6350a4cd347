"""Series from the real schema in the real store, over HTTP."""

from typing import Any

import msgspec
import pytest

from seamark.wire.signals import Signal
from tests.support.questions_stack import SECRETS, RunningStore, asking, envelope

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z, a Sunday
MINUTE = 60_000


def events(org: str, app: str, rows: list[dict[str, Any]], **more: Any) -> bytes:
    body = msgspec.json.encode([{"ts": NOW, "name": "lcp", **row} for row in rows])
    return envelope(Signal.EVENTS, body, org=org, app=app, received_ms=NOW, sent_ms=NOW, **more)


async def fill(store: RunningStore) -> None:
    shop = [
        {
            "ts": NOW - i * 10_000,
            "value": float(i),
            "attrs": {"country": "US" if i % 3 else "DE", "page": f"/p{i % 4}"},
            "sessionId": f"s{i % 7}",
            "userAnonId": f"u{i % 5}",
        }
        for i in range(60)
    ]
    await store.insert(
        Signal.EVENTS,
        [
            events("acme", "shop", shop),
            events("acme", "blog", [{"ts": NOW - 90_000, "value": 1000.0}], weight=4.0),
            events("acme", "shop", [{"ts": NOW - 30_000, "name": "click"}]),
            events("other", "shop", [{"ts": NOW - 5_000, "value": 1e9}]),
            events("acme", "blog", [row for case in SPREAD for row in spread(case)]),
            events("acme", "shop", [page(text) for text in HOSTILE]),
        ],
    )


SPREAD = [sign * 1.137**power for power in range(-90, 90, 2) for sign in (1, -1)]
HOSTILE = [
    "'; DROP TABLE events; --",
    "\\",
    "\\'",
    "a\tb\nc\rd",
    "{p0:String}",
    "%s",
    "ü☠",
    '"`$',
    "\\N",
]


def spread(middle: float) -> list[dict[str, Any]]:
    """Three events whose median is `middle`, far from the least and the most."""
    three = (middle * 50, middle, middle / 50)
    return [{"name": "spread", "value": v, "attrs": {"page": repr(middle)}} for v in three]


def page(text: str) -> dict[str, Any]:
    return {"name": "view", "attrs": {"page": text}, "userAnonId": text}


async def test_the_answer_has_the_agreed_shape(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post(
            "/v1/query/timeseries",
            {
                "metric": "lcp",
                "from": "now-15m",
                "to": "now",
                "granularity": "5m",
                "agg": ["count", "sum", "min", "max", "uniq_users"],
                "groupBy": ["country"],
                "filters": [{"key": "app", "value": "shop"}],
            },
        )
    assert answer["columns"] == ["time", "count", "sum", "min", "max", "uniq_users"]
    assert [series["labels"] for series in answer["series"]] == [
        {"country": "US"},
        {"country": "DE"},
    ]
    expected: dict[int, list[int]] = {}
    for i in range(60):
        if i % 3 == 0:
            bucket = (NOW - i * 10_000) // (5 * MINUTE) * 5 * MINUTE
            expected.setdefault(bucket, []).append(i)
    assert answer["series"][1]["rows"] == [
        [bucket, len(i), sum(i), min(i), max(i), len({k % 5 for k in i})]
        for bucket, i in sorted(expected.items())
    ]
    meta = answer["meta"]
    assert meta["granularity"] == "5m"
    assert meta["source"] == "events"
    assert meta["rowsRead"] > 0
    assert meta["bytesRead"] > 0
    assert (meta["cache"], meta["stale"], meta["truncated"], meta["sampled"]) == (
        "off", False, False, False,
    )  # fmt: skip
    assert "sql" not in meta


async def test_percentiles_are_within_one_percent(store: RunningStore) -> None:
    question = {"metric": "spread", "agg": ["p50"], "groupBy": ["page"], "limit": 1000}
    question["granularity"] = "1d"
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post("/v1/query/timeseries", question)
    assert len(answer["series"]) == len(SPREAD)
    for series in answer["series"]:
        true = float(series["labels"]["page"])
        assert series["rows"][0][1] == pytest.approx(true, rel=0.0101)


@pytest.mark.parametrize("text", HOSTILE)
async def test_whatever_a_value_holds_it_is_compared_as_it_is(
    store: RunningStore, text: str
) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        for filter_ in (
            {"key": "page", "op": "=", "value": text},
            {"key": "page", "op": "in", "value": [text, "nothing"]},
        ):
            question = {"metric": "view", "filters": [filter_], "groupBy": ["page"]}
            answer = await ask.post("/v1/query/timeseries", question)
            assert [series["labels"]["page"] for series in answer["series"]] == [text]
            assert answer["series"][0]["rows"][0][1] == 1
        query = {"metric": "view", "prefix": text}
        found = await ask.get("/v1/labels/page/values", query)
        assert found["values"] == [{"value": text, "count": 1}] or text == "\\"


async def test_no_token_sees_another_org(store: RunningStore) -> None:
    question = {"metric": "lcp", "agg": ["count", "max"], "granularity": "1d", "groupBy": ["app"]}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        seen = {
            name: {
                series["labels"]["app"]: series["rows"][0][1:]
                for series in (
                    await ask.post("/v1/query/timeseries", question, token=SECRETS[name])
                )["series"]
            }
            for name in SECRETS
        }
        narrowed = await ask.post("/v1/query/timeseries", question | {"appId": "blog"})
    assert seen == {
        "acme": {"shop": [60, 59], "blog": [4, 1000]},
        "shop": {"shop": [60, 59]},
        "other": {"shop": [1, 1000000000]},
    }
    assert [series["labels"]["app"] for series in narrowed["series"]] == ["blog"]
    assert narrowed["meta"]["sampled"] is True


@pytest.mark.parametrize(
    ("token", "extra", "field"),
    [
        ("acme", {"orgId": "other"}, "orgId"),
        ("shop", {"appId": "blog"}, "appId"),
        ("acme", {"appId": "nothing"}, "appId"),
    ],
)
async def test_beyond_its_scope_a_token_is_refused(
    store: RunningStore, token: str, extra: dict[str, str], field: str
) -> None:
    async with asking(store) as ask:
        question = {"metric": "lcp", **extra}
        answer = await ask.post("/v1/query/timeseries", question, token=SECRETS[token], status=403)
        assert (answer["error"]["reason"], answer["error"]["field"]) == ("out_of_scope", field)
        question = {"metric": "lcp", "orgId": "acme", "appId": "shop"}
        await ask.post("/v1/query/timeseries", question, token=SECRETS["shop"])


async def test_a_name_that_was_never_sent_has_no_series(store: RunningStore) -> None:
    async with asking(store) as ask:
        answer = await ask.post("/v1/query/timeseries", {"metric": "no.such"})
        assert answer["series"] == []
        assert answer["meta"]["source"] == "none"


async def test_the_limit_keeps_the_largest_series_and_reports_that(store: RunningStore) -> None:
    question = {"metric": "lcp", "groupBy": ["page"], "limit": 2, "granularity": "1d", "sql": True}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post("/v1/query/timeseries", question)
    assert len(answer["series"]) == 2
    assert answer["meta"]["truncated"] is True
    assert "{p0:String}" in answer["meta"]["sql"]


async def test_catalogues(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        names = await ask.get("/v1/metrics", {"prefix": "l"})
        assert [(m["name"], m["source"]) for m in names["metrics"]] == [("lcp", "events")]
        assert names["metrics"][0]["lastSeen"] == NOW // 3_600_000 * 3_600_000
        limited = await ask.get("/v1/metrics", {"limit": "1"})
        assert limited["meta"]["truncated"] is True
        labels = await ask.get("/v1/labels", {"metric": "lcp"})
        assert {"name": "country", "source": "events"} in labels["labels"]
        values = await ask.get("/v1/labels/country/values", {"metric": "lcp"})
        assert values["values"] == [{"value": "US", "count": 40}, {"value": "DE", "count": 20}]
        other = await ask.get("/v1/labels/country/values", token=SECRETS["other"])
        assert other["values"] == []
        wrong = await ask.get("/v1/labels/user/values", status=400)
        assert wrong["error"]["reason"] == "not_a_dimension"


async def test_a_pattern_that_is_none_is_the_askers_mistake(store: RunningStore) -> None:
    question = {"metric": "lcp", "filters": [{"key": "page", "op": "=~", "value": "("}]}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        answer = await ask.post("/v1/query/timeseries", question, status=400)
        assert answer["error"]["reason"] == "invalid_filter"
