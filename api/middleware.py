"""Around every route: failures in one form, own metrics, and CORS for the origins allowed."""

import time
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from api.admin.route import StaleRecord
from api.answers import ErrorAnswer, ErrorDetail, encode
from api.internal import internal
from api.own_metrics import OwnMetrics
from api.reasons import STATUS, QuestionReason
from api.routes import ROUTES
from seamark.service.http_faults import MESSAGES, HttpFault, codes_transfer
from seamark.wire.failures import Rejected, Unavailable

_CORS_MAX_AGE_SECONDS: Final = 7200
_CORS_METHODS: Final = ", ".join(sorted({route.method for route in ROUTES}))
_CORS_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, If-Match"
_CORS_EXPOSED: Final = "ETag, Retry-After"
_FROM_AIOHTTP: Final = {
    404: QuestionReason.NOT_FOUND,
    405: QuestionReason.METHOD,
    413: QuestionReason.TOO_LARGE,
}


def problem(
    reason: QuestionReason, message: str, *, field: str = "", headers: dict[str, str] | None = None
) -> web.Response:
    """A failure as `{"error": {"reason", "message", "field"?}}`."""
    return web.Response(
        status=STATUS[reason],
        body=encode(ErrorAnswer(ErrorDetail(reason.value, message, field))),
        content_type="application/json",
        headers=headers,
    )


def _failed(request: web.Request, error: Exception) -> tuple[QuestionReason, web.Response]:
    match error:
        case StaleRecord():
            return error.reason, _stale(error)
        case Rejected() if isinstance(error.reason, QuestionReason):
            headers = {"WWW-Authenticate": "Bearer"} if STATUS[error.reason] == 401 else None
            answer = problem(error.reason, error.message, field=error.field, headers=headers)
            return error.reason, answer
        case Unavailable() if isinstance(error.reason, QuestionReason):
            headers = {"Retry-After": str(max(round(error.retry_after), 1))}
            return error.reason, problem(error.reason, error.message, headers=headers)
        case web.HTTPException() if error.status in _FROM_AIOHTTP:
            reason = _FROM_AIOHTTP[error.status]
            kept = {k: v for k, v in error.headers.items() if k == "Allow"}
            return reason, problem(reason, _said_by_aiohttp(request, error), headers=kept)
        case web.HTTPException():
            reason = QuestionReason.MALFORMED
            return reason, problem(reason, error.reason)
        case _:
            failure = internal(error, request.path)
            return failure.reason, problem(failure.reason, failure.message)


def _stale(error: StaleRecord) -> web.Response:
    """A lost race: the failure, and the record as it is now."""
    failure = ErrorDetail(error.reason.value, error.message, error.field)
    return web.Response(
        status=STATUS[error.reason],
        body=encode({"error": failure, "current": error.current}),
        content_type="application/json",
        headers={"ETag": f'"{error.revision}"', "Cache-Control": "no-store"},
    )


def _said_by_aiohttp(request: web.Request, error: web.HTTPException) -> str:
    if error.status == 404:
        return f"There is nothing at {request.path[:200]}; GET / lists the routes."
    if error.status == 405:
        return f"{request.method} does not go here; {error.headers.get('Allow', '')} does."
    return f"The question is larger than the limit of {request.client_max_size} bytes."


def make_guard(metrics: OwnMetrics) -> Middleware:
    """The middleware that turns failures into answers and counts what was answered."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "none"
        reason: QuestionReason | None = None
        try:
            if codes_transfer(request.headers):
                fault = HttpFault.TRANSFER_ENCODING
                raise Rejected(QuestionReason(fault), MESSAGES[fault])
            response = await handler(request)
        except Exception as error:
            reason, failed = _failed(request, error)
            response = failed
            if reason is QuestionReason.TRANSFER_ENCODING:
                failed.force_close()  # where the body ends is not known
        except BaseException:  # the asker hung up
            metrics.cancelled.labels(route).inc()
            raise
        metrics.requests.labels(route, str(response.status), reason or "").inc()
        metrics.seconds.labels(route).observe(time.perf_counter() - started)
        return response

    return guard


def origin_headers(request: web.Request, origins: frozenset[str]) -> dict[str, str]:
    """What an answer to the request's origin carries, for routes that write their own headers."""
    origin = request.headers.get("Origin", "")
    made = {"Vary": "Origin"} if origins else {}
    if origin and (origin in origins or "*" in origins):
        made["Access-Control-Allow-Origin"] = origin
        made["Access-Control-Expose-Headers"] = _CORS_EXPOSED
    return made


def make_cors(origins: frozenset[str]) -> Middleware:
    """The middleware that lets browsers of these origins ask; with none it changes nothing."""

    @web.middleware
    async def cors(request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin", "")
        allowed = bool(origin) and (origin in origins or "*" in origins)
        preflight = (
            request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        )
        response = web.Response(status=204) if allowed and preflight else await handler(request)
        if origins:
            response.headers["Vary"] = "Origin"
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = _CORS_EXPOSED
            if preflight:
                response.headers["Access-Control-Allow-Methods"] = _CORS_METHODS
                response.headers["Access-Control-Allow-Headers"] = _CORS_HEADERS
                response.headers["Access-Control-Max-Age"] = str(_CORS_MAX_AGE_SECONDS)
        return response

    return cors
