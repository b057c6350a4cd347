"""The HTTP server: routes to questions, health, and the description of itself."""

import importlib.resources
import ssl
from collections.abc import Awaitable, Callable, Container
from typing import Any

from aiohttp import web
from multidict import MultiDict

from api import compat_routes
from api.admin.serve import add_administration
from api.answers import encode
from api.ask import ask
from api.connection import Runner
from api.context import Context
from api.exports.routes import add_exports
from api.look.routes import add_look, for_people
from api.middleware import make_cors, make_guard
from api.openapi import document
from api.own_metrics import OwnMetrics
from api.query.decode import from_json, from_query
from api.questions.describe import described
from api.questions.question import ANY_TEXT, Question
from api.questions.registry import QUESTIONS
from api.routes import ROUTES
from api.scope import QUERY, Scope, scope_of, secret_in
from api.settings import ApiSettings
from api.tail.stream import add_tail
from seamark.service.health import Health
from seamark.service.monitor.server import add_health
from seamark.service.tls import server_context

Asked = Callable[[Scope, web.Request], Awaitable[bytes]]


def make_app(
    context: Context, *, health: Health, optional: Health, metrics: OwnMetrics
) -> web.Application:
    """The application. `health` decides readiness; `optional` parts are only reported."""
    settings = context.settings
    app = web.Application(
        client_max_size=settings.body_bytes,
        middlewares=[make_cors(settings.allowed_origins), make_guard(metrics)],
    )
    _add_questions(app, context)
    add_tail(app, context, metrics)
    add_exports(app, context)
    add_administration(app, context.admin)
    add_health(app, health, optional=optional)
    _add_description(app)
    add_look(app)
    return app


def _add_questions(app: web.Application, context: Context) -> None:
    def asked(
        question: Asked, readers: Container[str] = QUERY
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            scope = scope_of(request.headers, context.registry, kinds=readers)
            body = await question(scope, request)
            return web.Response(body=body, content_type="application/json")

        return handle

    async def ask_minutes(scope: Scope, request: web.Request) -> bytes:
        return await compat_routes.minutes(context, scope, request.query)

    async def ask_metric(scope: Scope, request: web.Request) -> bytes:
        name = request.match_info["name"]
        return await compat_routes.metric(context, scope, name, request.query)

    async def ask_numbers(scope: Scope, request: web.Request) -> bytes:
        return await compat_routes.numbers(context, scope, request.query)

    app.router.add_get("/metrics", asked(ask_numbers))
    app.router.add_get("/api/query", asked(ask_minutes))
    app.router.add_get("/v1/metrics/{name}", asked(ask_metric))
    for question in QUESTIONS:
        app.router.add_route(
            question.method,
            _served(question),
            asked(_answerer(context, question), question.readers),
        )


def _served(question: Question[Any]) -> str:
    """The path for the router: a parameter that may be any text may hold slashes."""
    path = question.path
    for name, pattern in question.path_parameters.items():
        if pattern == ANY_TEXT:
            path = path.replace(f"{{{name}}}", f"{{{name}:.+}}")
    return path


def _answerer(context: Context, question: Question[Any]) -> Asked:
    async def answer(scope: Scope, request: web.Request) -> bytes:
        token = secret_in(request.headers)
        if question.method == "POST":
            body = await request.read()
            return await ask(context, scope, question, from_json(body, question.request), token)
        parameters = MultiDict([*request.query.items(), *request.match_info.items()])
        return await ask(context, scope, question, from_query(parameters, question.request), token)

    return answer


def _add_description(app: web.Application) -> None:
    schema = encode(document())
    questions = encode(described(QUESTIONS))
    page = importlib.resources.files("api").joinpath("docs.html").read_bytes()

    async def openapi(_: web.Request) -> web.Response:
        return web.Response(body=schema, content_type="application/json")

    async def described_questions(_: web.Request) -> web.Response:
        return web.Response(body=questions, content_type="application/json")

    async def docs(_: web.Request) -> web.Response:
        return web.Response(
            body=page,
            content_type="text/html",
            charset="utf-8",
            headers={"Content-Security-Policy": "default-src 'self' 'unsafe-inline'"},
        )

    async def index(request: web.Request) -> web.Response:
        routes = [{"method": r.method, "path": r.path, "text": r.summary} for r in ROUTES]
        listed = web.Response(body=encode({"routes": routes}), content_type="application/json")
        return for_people(request) or listed

    app.router.add_get("/", index)
    app.router.add_get("/openapi.json", openapi)
    app.router.add_get("/v1/questions", described_questions)
    app.router.add_get("/docs", docs)


def tls_context(settings: ApiSettings) -> ssl.SSLContext | None:
    """The server's TLS, None for plain HTTP. Raises SettingsError."""
    return server_context(settings.tls_cert, settings.tls_key, prefix="SEAMARK_API")


async def start_server(app: web.Application, settings: ApiSettings) -> tuple[web.AppRunner, int]:
    """Listen; returns what to clean up, and the port. A hung-up asker cancels its handler."""
    runner = Runner(app, handler_cancellation=True, access_log=None, shutdown_timeout=3.0)
    await runner.setup()
    site = web.TCPSite(
        runner, settings.host, settings.port, ssl_context=tls_context(settings), reuse_address=True
    )
    await site.start()
    return runner, int(runner.addresses[0][1])
