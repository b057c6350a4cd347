"""Where the ledger is asked for: ledger, receipts, dead letters; and who may."""

from collections.abc import Awaitable, Callable, Container

from aiohttp import web

from api.context import Context
from api.questions.dead_letters import dead_letters
from api.questions.ledger import ledger
from api.questions.receipts import receipt
from api.questions.replay import replay
from api.scope import ADMIN, LEDGER_ROLES, Scope, scope_of, secret_in

Asked = Callable[[Scope, web.Request], Awaitable[bytes]]


def add_ledger(app: web.Application, context: Context) -> None:
    """Query and admin tokens may read; only admin tokens may replay."""

    def asked(
        question: Asked, kinds: Container[str] = LEDGER_ROLES
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def handle(request: web.Request) -> web.Response:
            scope = scope_of(request.headers, context.registry, kinds=kinds)
            body = await question(scope, request)
            return web.Response(body=body, content_type="application/json")

        return handle

    async def ask_ledger(scope: Scope, request: web.Request) -> bytes:
        return await ledger(context, scope, request.query)

    async def ask_receipt(scope: Scope, request: web.Request) -> bytes:
        return await receipt(context, scope, request.match_info["id"])

    async def ask_dead_letters(scope: Scope, request: web.Request) -> bytes:
        return await dead_letters(context, scope, request.query)

    async def ask_replay(scope: Scope, request: web.Request) -> bytes:
        token = secret_in(request.headers)
        return await replay(context, scope, await request.read(), token=token)

    app.router.add_get("/v1/ledger", asked(ask_ledger))
    app.router.add_get("/v1/receipts/{id}", asked(ask_receipt))
    app.router.add_get("/v1/deadletters", asked(ask_dead_letters))
    app.router.add_post("/v1/deadletters:replay", asked(ask_replay, ADMIN))
