"""From a request to a plan: what is refused, which table is read, and the SQL as it stands."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.query.decode import from_json
from api.query.request import Plan, QueryScope
from api.query.sources import SourceName
from api.questions.timeseries import TimeseriesRequest, plan_timeseries
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

NOW = 1_795_343_040_123
GOLDEN = Path(__file__).parents[1] / "golden" / "questions"


def plan(
    source: SourceName | None = "events", *, app: str = "", minute_days: int = 396, **request: Any
) -> Plan:
    body = msgspec.json.encode({"metric": "lcp", **request})
    scope = QueryScope(
        org="acme", app=app, now_ms=NOW, search_days=31, minute_days=minute_days, source=source
    )
    return plan_timeseries(from_json(body, TimeseriesRequest), scope)[0].plan


def refused(source: SourceName = "events", **request: Any) -> Rejected[QuestionReason]:
    with pytest.raises(Rejected) as caught:
        plan(source, **request)
    return caught.value


def since(days: int = 0, *, hours: int = 0) -> dict[str, Any]:
    return {"from": f"now-{days * 24 + hours}h"}


GOLDEN_CASES: dict[str, dict[str, Any]] = {
    "count_by_minute": {},
    "every_aggregate_by_hour": {
        "granularity": "1h",
        "from": "now-1d",
        "agg": ["count", "sum", "avg", "min", "max", "rate", "p50", "p99.9", "uniq_users"],
        "app": "shop",
    },
    "percentiles_of_the_largest_groups": {
        "agg": ["p(95)", "count"],
        "groupBy": ["country", "release"],
        "filters": [
            {"key": "device", "op": "in", "value": ["mobile", "tablet"]},
            {"key": "country", "op": "!=", "value": "US"},
            {"key": "page", "op": "=~", "value": "/product/.*"},
            {"key": "error", "op": "!exists"},
        ],
        "limit": 10,
    },
    "spans_by_week": {
        "source": "spans",
        "metric": "traces.span.duration",
        "granularity": "1w",
        "from": "now-60d",
        "agg": ["avg", "p95"],
        "groupBy": ["service", "status"],
    },
}


@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_the_sql_is_as_agreed(name: str) -> None:
    case = dict(GOLDEN_CASES[name])
    source = case.pop("source", "events")
    made = plan(source, **case).statement
    values = "\n".join(f"-- {key} = {value!r}" for key, value in made.values.items())
    assert f"{made.sql}\n{values}\n" == (GOLDEN / f"{name}.txt").read_text()


@pytest.mark.parametrize(
    ("granularity", "from_", "table"),
    [
        ("1m", "now-1h", "events_1m"),
        ("90m", "now-1d", "events_1m"),
        ("1h", "now-1d", "events_1h"),
        ("6h", "now-1d", "events_1h"),
        ("1d", "now-7d", "events_1d"),
        ("1w", "now-60d", "events_1d"),
    ],
)
def test_the_coarsest_table_that_tells_buckets_apart_is_read(
    granularity: str, from_: str, table: str
) -> None:
    request: dict[str, Any] = {"granularity": granularity, "from": from_}
    made = plan(**request)
    assert f"FROM {table}\n" in made.statement.sql


def test_beyond_the_minutes_kept_hours_are_read() -> None:
    request: dict[str, Any] = {"from": "now-31d", "to": "now-30d"}
    made = plan(minute_days=30, **request)
    assert made.granularity == "1h"
    assert "FROM events_1h\n" in made.statement.sql


def test_a_pattern_for_anything_is_no_condition() -> None:
    everything = {"key": "country", "op": "=~", "value": ".*"}
    assert "match(" not in plan(filters=[everything]).statement.sql
    assert "match(" in plan(filters=[everything | {"op": "!~"}]).statement.sql
    unknown = refused(filters=[everything | {"key": "plan"}])
    assert unknown.reason is QuestionReason.NOT_A_DIMENSION


def test_rows_are_limited_to_the_scope() -> None:
    everywhere, one = plan().statement, plan(app="shop").statement
    assert "org = {p1:String}" in everywhere.sql
    assert everywhere.values["p1"] == "acme"
    assert "app =" not in everywhere.sql
    assert "app = {p2:String}" in one.sql
    assert one.values["p2"] == "shop"


def test_what_is_no_dimension_is_refused_naming_those_there_are() -> None:
    failure = refused(groupBy=["user_id"])
    assert failure.reason is QuestionReason.NOT_A_DIMENSION
    assert failure.field == "groupBy[0]"
    for word in ("country", "release", "page", "/v1/query/logs"):
        assert word in failure.message
    assert "Did you mean 'country'?" in refused(groupBy=["contry"]).message
    failure = refused(filters=[{"key": "country", "value": "US"}, {"key": "cart", "value": 1}])
    assert failure.field == "filters[1].key"
    assert (
        refused("spans", metric="traces.span.duration", groupBy=["country"]).field == "groupBy[0]"
    )
    assert "http.route" in plan("metrics", groupBy=["http.route"]).statement.values.values()


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        ({"agg": []}, "agg"),
        ({"agg": ["count", "count"]}, "agg"),
        ({"agg": ["count", "median"]}, "agg[1]"),
        ({"agg": ["p100.5"]}, "agg[0]"),
        ({"agg": ["p95; DROP TABLE events"]}, "agg[0]"),
        ({"groupBy": ["country", "country"]}, "groupBy"),
        ({"groupBy": ["a", "b", "c", "d", "e"]}, "groupBy"),
        ({"limit": 0}, "limit"),
        ({"limit": 1000, "groupBy": ["page"], "granularity": "1m", "from": "now-1d"}, "limit"),
        ({"granularity": "1x"}, "granularity"),
        ({"from": "soon"}, "from"),
        ({"groupby": ["country"]}, "groupby"),
        ({"filters": [{"key": "page", "op": "in", "value": "/a"}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "op": "="}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "op": "=", "value": "x" * 1025}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "op": "<>", "value": 1}]}, "filters[0].op"),
        ({"filters": [{"key": "page", "op": "<", "value": "abc"}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "op": ">", "value": True}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "op": ">=", "value": [1]}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "value": 1 << 255}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "value": {}}]}, "filters[0].value"),
        ({"filters": [{"key": "page", "value": "a"}] * 21}, "filters"),
    ],
)
def test_a_wrong_request_names_the_field(request_: dict[str, Any], field: str) -> None:
    assert refused(**request_).field == field


def test_spans_and_metrics_say_which_aggregates_they_have() -> None:
    failure = refused("spans", metric="traces.span.duration", agg=["uniq_users"])
    assert failure.reason is QuestionReason.INVALID_AGGREGATE
    assert "percentile" in failure.message
    assert refused("spans", metric="other").field == "metric"


def test_equal_questions_make_equal_statements() -> None:
    one = [{"key": "country", "value": "US"}, {"key": "page", "op": "in", "value": ["/b", "/a"]}]
    other = [
        {"key": "page", "op": "in", "value": ["/a", "/b", "/a"]},
        {"key": "country", "value": "US"},
    ]
    assert plan(filters=one).statement == plan(filters=other).statement


def test_a_name_that_has_not_arrived_has_no_statement() -> None:
    """Nothing is known of its dimensions yet, so none of them is wrong."""
    request: dict[str, Any] = {"groupBy": ["host.name"], "filters": [{"key": "a", "value": 1}]}
    made = plan(None, **request)
    assert made.statement.sql == ""
    assert made.granularity == "1m"


@pytest.mark.parametrize(
    ("tz", "granularity", "table"),
    [
        ("Europe/Berlin", "1d", "events_1h"),
        ("Europe/Berlin", "month", "events_1h"),
        ("Asia/Kolkata", "1d", "events_1m"),
        ("Asia/Kolkata", "30m", "events_1m"),
        ("UTC", "month", "events_1d"),
        ("", "week", "events_1d"),
    ],
)
def test_the_table_tells_the_buckets_of_a_zone_apart(tz: str, granularity: str, table: str) -> None:
    made = plan("events", tz=tz, granularity=granularity, **since(30))
    assert f"FROM {table}\n" in made.statement.sql


def test_a_zone_is_of_the_iana_database_and_its_hours_have_to_be_kept() -> None:
    wrong = refused(tz="Europe/Belin")
    assert wrong.field == "tz"
    assert "'Europe/Berlin'" in wrong.message
    assert refused(tz="../../etc/passwd").field == "tz"
    assert refused(weekStart="someday").field == "weekStart"
    old: dict[str, Any] = {"from": "now-400d", "to": "now-390d", "granularity": "1d"}
    assert refused(tz="Asia/Kolkata", **old).field == "granularity"
    assert plan("events", tz="Asia/Tokyo", **old).granularity == "1d"
    assert plan("events", tz="Asia/Kolkata", **since(5)).granularity == "1h"


def test_the_rate_of_the_running_bucket_is_over_the_time_that_has_passed() -> None:
    ended = plan(agg=["rate"], granularity="1h", to="now-2h", **since(hours=3))
    assert ended.running_ms is None
    assert "/ 3600 AS a0" in ended.statement.sql
    running = plan(agg=["rate"], granularity="1h", **since(hours=3))
    assert running.running_ms == NOW // 3_600_000 * 3_600_000
    assert (NOW - running.running_ms) // 1000 in running.statement.values.values()
    month = plan(agg=["rate"], granularity="month", **since(70))
    assert "transform(bucket" in month.statement.sql
