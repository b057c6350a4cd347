"""Laws of statements: what an asker wrote is never part of the SQL, whatever it is."""

import re
from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.query.buckets import buckets_of, choose_buckets, parse_step
from api.query.decode import from_json
from api.query.request import QueryScope
from api.query.statement import Statement
from api.query.timerange import Granularity, TimeRange
from api.questions.label_values import LabelValuesRequest, plan_label_values
from api.questions.labels import LabelsRequest, plan_labels
from api.questions.logs import LogsRequest, plan_logs
from api.questions.metric_names import NamesRequest, plan_names
from api.questions.timeseries import TimeseriesRequest, plan_timeseries
from api.questions.traces import TracesRequest, plan_traces
from tests.support.planned_questions import within

NOW = 1_795_343_040_123
MARK = "☠"
PLACEHOLDER = re.compile(r"\{(p[0-9]+):(?:String|Int64|UInt64|Float64|Array\(Int64\))\}")
nasty = st.sampled_from(
    [
        "'",
        "' OR 1=1 --",
        "\\",
        "\\'",
        "{p0:String}",
        "*/",
        "/*where*/",
        ");",
        "\n",
        "\t",
        "\r",
        "%s",
        "`",
    ]
)
hostile = st.builds(
    lambda *parts: MARK + "".join(parts), nasty, st.text(max_size=12), nasty
).filter(lambda text: "\0" not in text)
names = st.sampled_from(["country", "page", "device", "app", "error"])
aggregates = ["count", "avg", "p95", "p(12.5)", "uniq_users", "rate"]
event_filters = st.one_of(
    st.fixed_dictionaries(
        {"key": names, "op": st.sampled_from(["=", "!=", "=~", "!~"]), "value": hostile}
    ),
    st.fixed_dictionaries(
        {
            "key": names,
            "op": st.sampled_from(["in", "!in"]),
            "value": st.lists(hostile, max_size=3),
        }
    ),
)
any_filters = st.builds(lambda k, v: {"key": k, "value": v}, hostile, hostile)


def check(made: Statement, *tenant: str) -> None:
    assert made.sql.isascii()
    assert "{p" not in PLACEHOLDER.sub("", made.sql)
    assert set(PLACEHOLDER.findall(made.sql)) <= set(made.values)
    assert "/*" not in made.sql
    assert "*/" not in made.sql
    first = made.values["p0"]
    for name in tenant:
        assert name in made.values.values()
    # every table that is read is read for this org alone
    named = set(re.findall(r"\b([a-z_]+) AS\s*\(\s*SELECT", made.sql))
    read = re.findall(r"\b(?:FROM|from)\s+([a-z_0-9]+)", made.sql)
    assert made.sql.count("org = ") == len([table for table in read if table not in named])
    assert isinstance(first, str | int)


@settings(max_examples=150, deadline=None)
@given(
    metric=hostile,
    org=hostile,
    app=hostile,
    filters=st.lists(event_filters, max_size=4),
    group_by=st.lists(names, max_size=4, unique=True),
    agg=st.lists(st.sampled_from(aggregates), min_size=1, unique=True),
)
def test_series(
    metric: str, org: str, app: str, filters: list[Any], group_by: list[str], agg: list[str]
) -> None:
    body = {"metric": metric, "filters": filters, "groupBy": group_by, "agg": agg}
    request = from_json(msgspec.json.encode(body), TimeseriesRequest)
    (query,) = plan_timeseries(request, within(org, app))
    made = query.plan
    check(made.statement, org, app, metric)
    for filter_ in filters:
        values = filter_["value"]
        for value in values if isinstance(values, list) else [values]:
            assert value in made.statement.values.values()


@settings(max_examples=100, deadline=None)
@given(
    metric=hostile,
    org=hostile,
    keys=st.lists(hostile, max_size=4, unique=True),
    filters=st.lists(any_filters, max_size=3),
)
def test_series_of_metrics_take_any_attribute(
    metric: str, org: str, keys: list[str], filters: list[Any]
) -> None:
    body = {"metric": metric, "filters": filters, "groupBy": keys}
    request = from_json(msgspec.json.encode(body), TimeseriesRequest)
    (query,) = plan_timeseries(request, within(org, source="metrics"))
    check(query.plan.statement, org, metric, *keys)


@settings(max_examples=100, deadline=None)
@given(org=hostile, app=hostile, text=hostile, filters=st.lists(any_filters, max_size=3))
def test_searches(org: str, app: str, text: str, filters: list[Any]) -> None:
    logs = {"service": text, "contains": text, "filters": filters, "traceId": "ab" * 16}
    request = from_json(msgspec.json.encode(logs), LogsRequest)
    scope = QueryScope(org=org, app=app, now_ms=NOW, search_days=31, minute_days=396)
    check(plan_logs(request, scope, reads=11).statement, org, app, text)
    traces = {"service": text, "operation": text, "filters": filters, "minDurationMs": 1}
    asked = from_json(msgspec.json.encode(traces), TracesRequest)
    for plan in plan_traces(asked, scope):
        check(plan.statement, org, app, text)


@settings(max_examples=100, deadline=None)
@given(org=hostile, app=hostile, metric=hostile, prefix=hostile)
def test_catalogues(org: str, app: str, metric: str, prefix: str) -> None:
    scope = QueryScope(org=org, app=app, now_ms=NOW, search_days=31, minute_days=396)
    values = LabelValuesRequest(name="page", metric=metric, prefix=prefix)
    check(plan_label_values(values, scope).statement, org, app, metric, prefix)
    made = plan_labels(LabelsRequest(metric=metric), replace(scope, source="metrics"))
    assert made is not None
    check(made.statement, org, app, metric)
    listed = plan_names(NamesRequest(prefix=prefix), scope).statement
    assert listed.sql.isascii()
    assert {org, app, prefix} <= set(listed.values.values())


granularities = st.builds(
    lambda n, unit_ms: Granularity(n * unit_ms),
    st.integers(1, 90),
    st.sampled_from([60_000, 3_600_000, 86_400_000]),
)


@settings(max_examples=200, deadline=None)
@given(granularities, st.integers(0, 4_000_000_000_000), st.integers(1, 10**12))
def test_buckets_cover_the_range_and_no_more(
    granularity: Granularity, from_ms: int, length_ms: int
) -> None:
    asked = TimeRange(from_ms, from_ms + length_ms)
    covered = granularity.cover(asked)
    assert 0 <= asked.from_ms - covered.from_ms < granularity.length_ms
    assert 0 <= covered.to_ms - asked.to_ms < granularity.length_ms
    assert granularity.cover(covered) == covered
    assert granularity.start_of(from_ms) == granularity.start_of(granularity.start_of(from_ms))


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**12), st.sampled_from([60_000, 3_600_000]))
def test_the_automatic_granularity_is_kept_and_small_enough(length_ms: int, finest_ms: int) -> None:
    asked = TimeRange(NOW - length_ms, NOW)
    chosen = choose_buckets(
        "auto", asked, finest_ms=finest_ms, auto_buckets=300, most_buckets=11_000
    )
    assert chosen.length_ms % finest_ms == 0
    assert chosen.count <= 301
    assert buckets_of(parse_step(chosen.text), asked) == chosen
