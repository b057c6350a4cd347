"""The OpenAPI 3.1 document, made from the types that requests are decoded into and answers from."""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

import api.answers as answers
import api.book_answers as books
import api.product_answers as product
import api.service_answers as services
from api.query.dead_letters import DeadLettersRequest
from api.query.error_rates import ErrorsRequest
from api.query.funnel import FunnelRequest
from api.query.labels import LabelsRequest, LabelValuesRequest
from api.query.ledger import LedgerRequest
from api.query.log_context import LogContextRequest
from api.query.log_histogram import LogHistogramRequest
from api.query.logs import LogsRequest
from api.query.names import NamesRequest
from api.query.paths import PathsRequest
from api.query.plain import MetricRequest, MinutesRequest
from api.query.replay import ReplayRequest
from api.query.retention import RetentionRequest
from api.query.servicemap import ServicemapRequest
from api.query.services import ServicesRequest
from api.query.sessions import SessionsRequest
from api.query.timeseries import TimeseriesRequest
from api.query.top import TopRequest
from api.query.traces import TracesRequest

_TEMPLATE: Final = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class Route:
    """One route of the description. `body` and `query` are types of requests."""

    method: str
    path: str
    summary: str
    answer: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    path_parameters: dict[str, str] = field(default_factory=dict)
    """Name -> pattern."""
    public: bool = False
    content_type: str = "application/json"


ROUTES: Final = (
    Route(
        "POST",
        "/v1/query/timeseries",
        "Series of a metric, by buckets of time and by dimensions.",
        answers.TimeseriesAnswer,
        body=TimeseriesRequest,
    ),
    Route(
        "POST",
        "/v1/query/funnel",
        "How many people do one thing after another.",
        product.FunnelAnswer,
        body=FunnelRequest,
    ),
    Route(
        "POST",
        "/v1/query/retention",
        "Who comes back.",
        product.RetentionAnswer,
        body=RetentionRequest,
    ),
    Route(
        "POST",
        "/v1/query/sessions",
        "Sessions: how many, how long, how many bounce.",
        answers.TimeseriesAnswer,
        body=SessionsRequest,
    ),
    Route(
        "POST",
        "/v1/query/paths",
        "What people do next, or did before.",
        product.PathsAnswer,
        body=PathsRequest,
    ),
    Route(
        "POST",
        "/v1/query/top",
        "The largest values of a dimension or attribute.",
        product.TopAnswer,
        body=TopRequest,
    ),
    Route(
        "POST",
        "/v1/query/errors",
        "Error rates, by release, and groups of errors.",
        services.ErrorsAnswer,
        body=ErrorsRequest,
    ),
    Route(
        "POST",
        "/v1/query/services",
        "Rate, errors and duration of services or operations.",
        services.ServicesAnswer,
        body=ServicesRequest,
    ),
    Route(
        "POST",
        "/v1/query/servicemap",
        "Which service calls which.",
        services.ServicemapAnswer,
        body=ServicemapRequest,
    ),
    Route("POST", "/v1/query/logs", "Search in logs.", answers.LogsAnswer, body=LogsRequest),
    Route(
        "POST",
        "/v1/query/logs/histogram",
        "Log records by level and time.",
        answers.TimeseriesAnswer,
        body=LogHistogramRequest,
    ),
    Route(
        "POST",
        "/v1/query/logs/context",
        "The log records before and after one.",
        services.LogContextAnswer,
        body=LogContextRequest,
    ),
    Route(
        "POST", "/v1/query/traces", "Search for traces.", answers.TracesAnswer, body=TracesRequest
    ),
    Route(
        "GET",
        "/v1/traces/{id}",
        "All spans of one trace.",
        answers.TraceAnswer,
        path_parameters={"id": "^[0-9a-fA-F]{32}$"},
    ),
    Route("GET", "/v1/metrics", "Names to ask for.", answers.NamesAnswer, query=NamesRequest),
    Route(
        "GET",
        "/v1/metrics/{name}",
        "Series of a metric, asked for in the address.",
        answers.TimeseriesAnswer,
        query=MetricRequest,
        path_parameters={"name": "^[^/]{1,128}$"},
    ),
    Route(
        "GET",
        "/api/query",
        "Average, most and least of each minute.",
        product.MinutesAnswer,
        query=MinutesRequest,
    ),
    Route(
        "GET",
        "/v1/labels",
        "Dimensions to filter and group by.",
        answers.LabelsAnswer,
        query=LabelsRequest,
    ),
    Route(
        "GET",
        "/v1/labels/{name}/values",
        "Values of a dimension.",
        answers.LabelValuesAnswer,
        query=LabelValuesRequest,
        path_parameters={"name": "^[^/]{1,128}$"},
    ),
    Route(
        "GET",
        "/v1/ledger",
        "What became of what was offered, and whether it adds up.",
        books.LedgerAnswer,
        query=LedgerRequest,
    ),
    Route(
        "GET",
        "/v1/receipts/{id}",
        "What became of one request.",
        books.ReceiptAnswer,
        path_parameters={"id": "^[0-9a-fA-F-]{32,36}$"},
    ),
    Route(
        "GET",
        "/v1/deadletters",
        "Rejected items, as they were sent.",
        books.DeadLettersAnswer,
        query=DeadLettersRequest,
    ),
    Route(
        "POST",
        "/v1/deadletters:replay",
        "Mend rejected events and send them again; needs an admin token.",
        books.ReplayAnswer,
        body=ReplayRequest,
    ),
    Route("GET", "/livez", "Whether the process lives.", public=True),
    Route("GET", "/readyz", "Whether it can answer; what is down, and since when.", public=True),
    Route("GET", "/v1/healthz", "The same as /readyz.", public=True),
    Route(
        "GET",
        "/metrics",
        "Own metrics; with ?name= those of an app.",
        public=True,
        content_type="text/plain",
    ),
    Route("GET", "/openapi.json", "This document.", public=True),
    Route("GET", "/docs", "This document for people.", public=True, content_type="text/html"),
    Route("GET", "/", "The routes there are.", public=True),
)
_FAILURES: Final = {
    "400": "The question is wrong; `field` says where.",
    "401": "No query token, or an unknown one.",
    "403": "Another kind of key, or beyond the token's scope.",
    "404": "There is no such thing.",
    "413": "The question is too large.",
    "422": "The answer would cost too much; the message says what to narrow.",
    "503": "For now; ask again after `Retry-After` seconds.",
    "504": "It took too long; the message says what to narrow.",
}


def document() -> dict[str, Any]:
    """The whole document."""
    kinds: list[Any] = [answers.ErrorAnswer]
    for route in ROUTES:
        kinds += [kind for kind in (route.answer, route.body) if kind is not None]
    _, components = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Seamark questions",
            "version": "1",
            "description": "Questions about telemetry. The scope of every answer is that of the "
            "query token. See docs/questions.md.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "smq_…"}
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": pattern},
            }
            for name, pattern in route.path_parameters.items()
        ],
        "responses": {"200": _response("The answer.", route.answer, route.content_type)},
    }
    if route.query is not None:
        operation["parameters"] += _query_parameters(route.query)
    if route.body is not None:
        content = {"application/json": {"schema": _reference(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.public:
        operation["security"] = []
        if route.path in ("/readyz", "/v1/healthz"):
            operation["responses"]["503"] = {"description": "Not ready."}
    else:
        for status, text in _FAILURES.items():
            operation["responses"][status] = _response(text, answers.ErrorAnswer)
    return operation


def _response(
    text: str, kind: type[msgspec.Struct] | None, content_type: str = "application/json"
) -> dict[str, Any]:
    schema = _reference(kind) if kind else {}
    return {"description": text, "content": {content_type: {"schema": schema}}}


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(name=kind.__name__)}


def _query_parameters(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    schema = components[kind.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": property_}
        for name, property_ in schema["properties"].items()
    ]
