"""Every route of the questions, and what it takes and answers: what the description is made of."""

from typing import Any, Final

from api.admin.routes import ADMIN_ROUTES
from api.answers import TimeseriesAnswer
from api.exports.record import ExportAnswer, ExportsAnswer
from api.query.compat import MetricRequest, MinutesAnswer, MinutesRequest, NumbersRequest
from api.query.export import ExportRequest
from api.query.log_following import LogTailRequest
from api.questions.describe import QuestionsAnswer
from api.questions.question import Question
from api.questions.registry import QUESTIONS
from api.routing import Route


def _route(question: Question[Any]) -> Route:
    posted = question.method == "POST"
    return Route(
        question.method,
        question.path,
        question.summary,
        question.answer,
        body=question.request if posted else None,
        query=None if posted else question.request,
        path_parameters=dict(question.path_parameters),
    )


ROUTES: Final = (
    *map(_route, QUESTIONS),
    Route(
        "GET",
        "/v1/questions",
        "Every question, its fields and its columns.",
        QuestionsAnswer,
        public=True,
    ),
    Route(
        "POST",
        "/v1/query/logs/tail",
        "Log records as they arrive.",
        body=LogTailRequest,
        content_type="text/event-stream",
    ),
    Route(
        "GET",
        "/v1/metrics/{name}",
        "Series of a metric, asked for in the address.",
        TimeseriesAnswer,
        query=MetricRequest,
        path_parameters={"name": "^[^/]{1,128}$"},
    ),
    Route(
        "GET",
        "/api/query",
        "Average, most and least of each minute.",
        MinutesAnswer,
        query=MinutesRequest,
    ),
    Route(
        "POST",
        "/v1/query/export",
        "Raw rows as a file, made meanwhile.",
        ExportAnswer,
        body=ExportRequest,
        status=202,
    ),
    Route("GET", "/v1/exports", "The exports there are.", ExportsAnswer),
    Route(
        "GET",
        "/v1/exports/{id}",
        "How far an export is.",
        ExportAnswer,
        path_parameters={"id": "^[0-9a-f]{32}$"},
    ),
    Route(
        "DELETE",
        "/v1/exports/{id}",
        "Cancel an export; remove one that is over.",
        ExportAnswer,
        path_parameters={"id": "^[0-9a-f]{32}$"},
    ),
    Route(
        "GET",
        "/v1/exports/{id}/file",
        "The file of an export that is done; takes Range.",
        path_parameters={"id": "^[0-9a-f]{32}$"},
        content_type="application/octet-stream",
    ),
    *ADMIN_ROUTES,
    Route("GET", "/livez", "Whether the process lives.", public=True),
    Route("GET", "/readyz", "Whether it can answer; what is down, and since when.", public=True),
    Route("GET", "/v1/healthz", "The same as /readyz.", public=True),
    Route(
        "GET",
        "/metrics",
        "Values of a metric by a dimension or by time; own metrics are on the monitor port.",
        query=NumbersRequest,
    ),
    Route("GET", "/openapi.json", "This document.", public=True),
    Route("GET", "/docs", "This document for people.", public=True, content_type="text/html"),
    Route("GET", "/look", "A first look, for people.", public=True, content_type="text/html"),
    Route("GET", "/", "The routes there are; a browser is sent to /look.", public=True),
)
