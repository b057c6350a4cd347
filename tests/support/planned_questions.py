"""The questions that are one plan each: requests, plans and answers, by their name in docs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from api.answers import TimeseriesAnswer
from api.product_answers import FunnelAnswer, PathsAnswer, RetentionAnswer, TopAnswer
from api.query.asked import Within
from api.query.decode import from_json
from api.query.error_groups import plan_error_groups
from api.query.error_rates import ErrorsRequest, plan_error_rates
from api.query.funnel import FunnelRequest, plan_funnel
from api.query.log_context import LogContextRequest, plan_log_context
from api.query.log_histogram import LogHistogramRequest, plan_log_histogram
from api.query.paths import PathsRequest, plan_paths
from api.query.retention import RetentionRequest, plan_retention
from api.query.servicemap import ServicemapRequest, plan_servicemap
from api.query.services import ServicesRequest, plan_services
from api.query.sessions import SessionsRequest, plan_sessions
from api.query.statement import Statement
from api.query.top import TopRequest, plan_top
from api.service_answers import (
    ErrorsAnswer,
    LogContextAnswer,
    ServicemapAnswer,
    ServicesAnswer,
)

NOW = 1_795_343_040_123


@dataclass(frozen=True)
class Planned:
    """A kind of question: `plans` give its statements."""

    request: type[Any]
    plans: tuple[Callable[[Any, Within], Statement], ...]
    answer: type[Any]


def _planned(
    request: type[Any], answer: type[Any], *plans: Callable[[Any, Within], Any]
) -> Planned:
    def statement(plan: Callable[[Any, Within], Any]) -> Callable[[Any, Within], Statement]:
        return lambda asked, within: plan(asked, within).statement

    return Planned(request, tuple(statement(plan) for plan in plans), answer)


QUESTIONS = {
    "funnel": _planned(FunnelRequest, FunnelAnswer, plan_funnel),
    "retention": _planned(RetentionRequest, RetentionAnswer, plan_retention),
    "sessions": _planned(SessionsRequest, TimeseriesAnswer, plan_sessions),
    "paths": _planned(PathsRequest, PathsAnswer, plan_paths),
    "top": _planned(TopRequest, TopAnswer, lambda asked, within: plan_top(asked, within, "events")),
    "errors": _planned(ErrorsRequest, ErrorsAnswer, plan_error_rates, plan_error_groups),
    "services": _planned(ServicesRequest, ServicesAnswer, plan_services),
    "servicemap": _planned(ServicemapRequest, ServicemapAnswer, plan_servicemap),
    "histogram": _planned(LogHistogramRequest, TimeseriesAnswer, plan_log_histogram),
    "context": Planned(
        LogContextRequest,
        (lambda asked, within: plan_log_context(asked, org=within.org, app=within.app),),
        LogContextAnswer,
    ),
}
PLANNED = {*QUESTIONS, *(f"{name}_answer" for name in QUESTIONS)}
"""Kinds of examples in docs/questions.md that belong to them."""


def within(org: str = "acme", app: str = "") -> Within:
    """A moment, and limits as of the settings."""
    return Within(org=org, app=app, now_ms=NOW, search_days=31, minute_days=396)


def statements(name: str, body: Any, *, org: str = "acme", app: str = "") -> list[Statement]:
    """The statements of a question. Raises Refused."""
    question = QUESTIONS[name]
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    asked = from_json(data, question.request)
    return [plan(asked, within(org, app)) for plan in question.plans]
