"""Questions that are asked by `POST` and answered through `Question`: where each is found."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import web

from api.context import Context
from api.questions.errors import errors
from api.questions.services import SERVICES, servicemap
from api.scope import Scope

Ask = Callable[[Context, Scope, bytes], Awaitable[bytes]]
POSTED: Final[Mapping[str, Ask]] = {
    "/v1/query/errors": errors,
    "/v1/query/servicemap": servicemap,
    "/v1/query/services": SERVICES.ask,
}


def posted(context: Context, ask: Ask) -> Callable[[Scope, web.Request], Awaitable[bytes]]:
    """How a question is asked over HTTP: its request is the body."""

    async def asked(scope: Scope, request: web.Request) -> bytes:
        return await ask(context, scope, await request.read())

    return asked
