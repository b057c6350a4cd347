"""Questions as plans: the SQL as it stands, what is refused, and the examples of the docs."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from api.query.compat import filters_of
from api.query.decode import from_json
from api.query.sources import SourceName
from api.questions.timeseries import TimeseriesRequest, plan_timeseries
from api.questions.top import TopRequest, plan_top
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected
from tests.support.planned_questions import PLANNED, QUESTIONS, statements, within

GOLDEN = Path(__file__).parents[1] / "golden" / "questions"
TEXT = (Path(__file__).parents[2] / "docs" / "questions.md").read_text()
EXAMPLES = [
    example
    for example in re.findall(r"```json ?(\w*)\n(.*?)```", TEXT, re.DOTALL)
    if example[0] in PLANNED
]
GOLDEN_CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "funnel_of_three_steps": (
        "funnel",
        {
            "steps": ["view", {"name": "cart", "filters": [{"key": "plan", "value": 1}]}, "pay"],
            "windowSec": 600,
            "groupBy": "release",
            "filters": [{"key": "country", "op": "!=", "value": "US"}],
        },
    ),
    "retention_by_week": ("retention", {"start": "view", "return": "pay", "period": "week"}),
    "sessions_by_day_and_device": (
        "sessions",
        {
            "from": "now-7d",
            "groupBy": "device",
            "filters": [{"key": "release", "op": "=~", "value": ".*"}],  # as dashboards say "all"
        },
    ),
    "sessions_of_a_country": (
        "sessions",
        {"groupBy": "feature", "filters": [{"key": "country", "value": "US"}]},
    ),
    "paths_before_an_event": (
        "paths",
        {"start": "pay", "of": "event", "direction": "previous", "depth": 4},
    ),
    "top_pages_by_p95": ("top", {"metric": "lcp", "by": "page", "agg": "p95"}),
    "series_by_month_of_a_zone": (
        "timeseries",
        {
            "metric": "lcp",
            "from": "2026-09-10",
            "granularity": "month",
            "tz": "Europe/Berlin",
            "agg": ["rate"],
        },
    ),
    "top_of_an_attribute": ("top", {"metric": "pay", "by": "plan", "agg": "sum"}),
    "top_by_linked_people": (
        "top",
        {"metric": "pay", "by": "country", "agg": "uniq_users", "identity": "linked"},
    ),
    "linked_people_by_day": (
        "timeseries",
        {
            "metric": "pay",
            "from": "now-7d",
            "granularity": "1d",
            "agg": ["uniq_users", "p95"],
            "groupBy": ["country"],
            "filters": [{"key": "plan", "value": "gold"}],
            "identity": "linked",
        },
    ),
    "errors_of_an_app": ("errors", {"filters": [{"key": "release", "value": "1.0"}]}),
    "services_by_operation": ("services", {"by": "operation", "service": "cart"}),
    "servicemap_of_a_service": ("servicemap", {"service": "cart"}),
    "log_histogram": ("log_histogram", {"service": "cart", "severity": "warn", "contains": "no"}),
    "logs_after_a_cursor": (
        "logs",
        {
            "service": "cart",
            "limit": 50,
            "cursor": "1795343040123456789.9f86d081884c7d65.2",
        },
    ),
    "traces_with_errors": ("traces", {"service": "cart", "status": "error", "limit": 5}),
    "trace": ("trace", {"id": "4bf92f3577b34da6a3ce929d0e0e4736"}),
    "event_by_id": ("event", {"id": "order/17"}),
    "log_context": (
        "log_context",
        {"id": "9f86d081884c7d65", "time": "1795343040123456789", "service": "cart"},
    ),
    "names_of_metrics": ("metric_names", {"prefix": "page", "from": "now-2h"}),
    "labels_of_metrics": ("labels", {"source": "metrics", "metric": "requests"}),
    "values_of_a_label": ("label_values", {"name": "country", "prefix": "D"}),
    "freshness_of_an_app": (
        "freshness",
        {"minutes": 30, "filters": [{"key": "app", "op": "=~", "value": "shop|blog"}]},
    ),
    "ledger_of_a_key": ("ledger", {"signal": "events", "key": "k1", "step": "5m"}),
    "receipt": ("receipt", {"id": "019ad000-0000-7000-8000-000000000001"}),
    "dead_letters_after_a_cursor": (
        "dead_letters",
        {
            "reason": "invalid_value",
            "cursor": "1795343040123.019ad000-0000-7000-8000-000000000001",
        },
    ),
    "dead_letters_to_replay": ("replay", {"name": "view"}),
}


@pytest.mark.parametrize("name", GOLDEN_CASES)
def test_the_sql_is_as_agreed(name: str) -> None:
    question, body = GOLDEN_CASES[name]
    found = "".join(
        f"{made.sql}\n" + "".join(f"-- {k} = {v!r}\n" for k, v in made.values.items())
        for made in statements(question, body, app="shop")
    )
    assert found == (GOLDEN / f"{name}.txt").read_text()


def test_every_question_has_its_sql_agreed() -> None:
    assert {question for question, _ in GOLDEN_CASES.values()} == set(QUESTIONS)


@pytest.mark.parametrize(
    ("question", "body", "field"),
    [
        ("funnel", {}, "steps"),
        ("funnel", {"steps": []}, "steps"),
        ("freshness", {"minutes": 0}, "minutes"),
        ("freshness", {"from": "now", "to": "now"}, "from"),
        ("freshness", {"filters": [{"key": "page", "value": "/"}]}, "filters[0].key"),
        ("funnel", {"steps": ["a"] * 11}, "steps"),
        ("funnel", {"steps": ["a"], "windowSec": 0}, "windowSec"),
        ("funnel", {"steps": ["a"], "groupBy": "plan"}, "groupBy"),
        ("funnel", {"steps": ["a"], "from": "now-40d"}, "from"),
        ("funnel", {"steps": [{"name": "a", "filters": [{"key": "", "value": 1}]}]},
         "steps[0].filters[0].key"),
        ("funnel", {"steps": ["a"], "filters": [{"key": "a\0", "value": 1}]}, "filters[0].key"),
        ("retention", {"start": "a", "period": "month"}, "period"),
        ("retention", {"start": "a", "periods": 61}, "periods"),
        ("retention", {"start": "a", "return": {"name": "b", "filters": [{"key": "x"}]}},
         "return.filters[0].value"),
        ("sessions", {"granularity": "1x"}, "granularity"),
        ("sessions", {"granularity": "1m", "from": "now-7d"}, "granularity"),
        ("sessions", {"groupBy": "user_id"}, "groupBy"),
        ("sessions", {"gapSec": 0}, "gapSec"),
        ("paths", {"start": ""}, "start"),
        ("paths", {"start": "/", "depth": 11}, "depth"),
        ("top", {"metric": "lcp"}, "by"),
        ("top", {"metric": "lcp", "by": "page", "agg": "median"}, "agg"),
        ("top", {"metric": "lcp", "by": "page", "filters": [{"key": "plan", "value": 1}]},
         "filters[0].key"),
        ("top", {"metric": "lcp", "by": "plan", "from": "now-40d"}, "from"),
        ("top", {"metric": "lcp", "by": "page", "agg": "uniq_users", "identity": "linked",
                 "from": "now-40d"}, "from"),
        ("top", {"metric": "lcp", "by": "page", "agg": "count", "identity": "user"}, "identity"),
        ("top", {"metric": "lcp", "by": "page", "agg": "uniq_users", "identity": "person"},
         "identity"),
        ("timeseries", {"metric": "lcp", "identity": "linked"}, "identity"),
        ("timeseries", {"metric": "lcp", "agg": ["uniq_users"], "identity": "user",
                        "groupBy": ["plan"]}, "groupBy[0]"),
        ("errors", {"filters": [{"key": "plan", "value": "x"}]}, "filters[0].key"),
        ("errors", {"from": "now-40d"}, "from"),
        ("services", {"kinds": ["web"]}, "kinds[0]"),
        ("services", {"filters": [{"key": "zone", "value": "x"}]}, "filters[0].key"),
        ("servicemap", {"limit": 0}, "limit"),
        ("log_histogram", {"severity": "loud"}, "severity"),
        ("log_context", {"id": "x", "time": "1"}, "id"),
        ("log_context", {"id": "9f86d081884c7d65", "time": "now"}, "time"),
        ("log_context", {"id": "9f86d081884c7d65", "time": "9" * 19}, "time"),
    ],
)  # fmt: skip
def test_a_wrong_request_names_the_field(question: str, body: Any, field: str) -> None:
    with pytest.raises(Rejected) as caught:
        statements(question, body)
    assert caught.value.field == field


def test_what_is_no_dimension_is_refused_naming_those_there_are() -> None:
    with pytest.raises(Rejected, match=r"country, device.*Filters take any") as caught:
        statements("funnel", {"steps": ["a"], "groupBy": "plan"})
    assert caught.value.reason is QuestionReason.NOT_A_DIMENSION


@pytest.mark.parametrize("source", ["events", None])
def test_people_of_a_long_range_are_refused_naming_what_to_narrow(
    source: SourceName | None,
) -> None:
    asked = TimeseriesRequest(
        metric="view", agg=["count", "uniq_users"], identity="linked", from_="now-40d"
    )
    with pytest.raises(Rejected) as caught:
        plan_timeseries(asked, within(source=source))
    assert (caught.value.reason, caught.value.field) == (QuestionReason.TOO_MUCH, "from")
    assert "40.0 days" in caught.value.message
    assert "at most 31 days. Move from and to closer together, or leave identity out" in (
        caught.value.message
    )
    counted = plan_timeseries(structs.replace(asked, identity=None), within(source=source))
    assert counted[0].plan.range.length_ms >= 40 * 86_400_000


def test_an_identity_is_of_events_alone() -> None:
    series = TimeseriesRequest(metric="requests", agg=["count"], identity="user")
    with pytest.raises(Rejected, match="identity is of events") as caught:
        plan_timeseries(series, within(source="metrics"))
    assert caught.value.field == "identity"


def test_top_of_spans_and_metrics_reads_their_rollups() -> None:
    asked = TopRequest(metric="traces.span.duration", by="service", agg="p95")
    assert "FROM spans_1h" in plan_top(asked, within(source="spans")).statement.sql
    asked = TopRequest(metric="requests", by="route", agg="sum", from_="now-1h")
    assert "FROM metrics_1m" in plan_top(asked, within(source="metrics")).statement.sql
    with pytest.raises(Rejected) as caught:
        plan_top(TopRequest(metric="x", by="service"), within(source="spans"))
    assert caught.value.field == "metric"


def test_filters_in_a_query_string() -> None:
    assert filters_of(["device:mobile, page:/a:b", "country:US"]) == [
        {"key": "device", "value": "mobile"},
        {"key": "page", "value": "/a:b"},
        {"key": "country", "value": "US"},
    ]
    with pytest.raises(Rejected):
        filters_of(["mobile"])


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_an_example_is_understood(kind: str, example: str) -> None:
    name, answer, _ = kind.partition("_answer")
    if not answer:
        assert statements(name, example.encode())
        return
    given = msgspec.json.decode(example)
    decoded = from_json(example.encode(), QUESTIONS[name].answer)
    assert msgspec.json.decode(msgspec.json.encode(decoded)) == given


def test_there_are_examples_of_each_question() -> None:
    assert {kind for kind, _ in EXAMPLES} >= set(QUESTIONS)
