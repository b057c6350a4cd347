"""Laws of statements of planned questions: what an asker wrote is never part of the SQL."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from api.query.sources import SPAN_METRIC
from api.questions.timeseries import TimeseriesRequest, plan_timeseries
from api.questions.top import TopRequest, plan_top
from tests.properties.test_query_sql import any_filters, check, event_filters, hostile
from tests.support.planned_questions import statements, within

attribute_filters = st.lists(any_filters, max_size=3)


@settings(max_examples=150, deadline=None)
@given(org=hostile, app=hostile, text=hostile, filters=attribute_filters, own=attribute_filters)
def test_questions_about_people(
    org: str, app: str, text: str, filters: list[Any], own: list[Any]
) -> None:
    match = {"name": text, "filters": own}
    for name, body in (
        ("funnel", {"steps": [match, text, match], "groupBy": "page"}),
        ("retention", {"start": match, "return": match}),
        ("sessions", {"view": text}),
        ("paths", {"start": text, "view": text}),
        ("top", {"metric": text, "by": text}),
    ):
        for made in statements(name, body | {"filters": filters}, org=org, app=app):
            check(made, org, app, text)
            for filter_ in filters:
                assert {filter_["key"], filter_["value"]} <= set(made.values.values())


@settings(max_examples=150, deadline=None)
@given(
    org=hostile,
    app=hostile,
    text=hostile,
    filters=st.lists(event_filters, max_size=3),
    own=attribute_filters,
)
def test_questions_about_services(
    org: str, app: str, text: str, filters: list[Any], own: list[Any]
) -> None:
    body: dict[str, Any]
    for name, body in (
        ("top", {"metric": text, "by": "page", "filters": filters}),
        ("errors", {"names": [text], "against": text, "filters": filters}),
        ("services", {"service": text}),
        ("servicemap", {"service": text, "filters": own}),
        ("log_histogram", {"service": text, "contains": text, "filters": own}),
        ("log_context", {"id": "ab" * 8, "time": "1", "service": text, "filters": own}),
    ):
        plans = statements(name, body, org=org, app=app)
        for made in plans:
            check(made, org, app)
        holding = [made for made in plans if text in made.values.values()]
        if name == "servicemap":  # its other statement names the services of the answer
            assert holding
        elif name != "errors":
            assert holding == plans
    series = {"metric": SPAN_METRIC, "exemplars": True, "groupBy": ["service"]}
    spans = [{"key": "operation", "value": text}]
    _, exemplars = plan_timeseries(
        msgspec.convert(series | {"filters": spans}, TimeseriesRequest),
        within(org, app, source="spans"),
    )
    check(exemplars.plan.statement, org, app, text)
    asked = {"metric": text, "by": text, "filters": own, "from": "now-1h"}
    request = msgspec.convert(asked, TopRequest)
    check(plan_top(request, within(org, app, source="metrics")).statement, org, app, text)


def test_equal_questions_make_equal_statements() -> None:
    one = [{"key": "country", "value": "US"}, {"key": "plan", "op": "in", "value": ["b", "a"]}]
    other = [
        {"key": "plan", "op": "in", "value": ["a", "b", "a"]},
        {"key": "country", "value": "US"},
    ]
    made = [statements("funnel", {"steps": ["a"], "filters": filters}) for filters in (one, other)]
    assert made[0] == made[1]
