"""`POST /v1/query/logs/tail`: a live tail as server-sent events.

Of the two forms a stream could have, this one passes proxies by its very type, has a place for the
cursor (`id`) and for heartbeats, and is read by `curl -N`, by browsers, and in Go by lines.
"""

import asyncio
from typing import Final

from aiohttp import web

from api.context import Context
from api.middleware import origin_headers
from api.own_metrics import OwnMetrics
from api.query.decode import from_json
from api.query.log_following import LogTailRequest
from api.scope import narrow, scope_of
from api.tail import messages
from api.tail.tails import Tail, Tails
from seamark.wire.failures import Rejected

PATH: Final = "/v1/query/logs/tail"
_WRITE_SECONDS: Final = 30.0
_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",  # nginx would gather the stream before it passes it on
}


def add_tail(app: web.Application, context: Context, metrics: OwnMetrics) -> None:
    """Add the route. Tails end when the application shuts down."""
    settings = context.settings
    tails = Tails(context.store, settings, metrics=metrics, clock_ms=context.clock_ms)

    async def tail(request: web.Request) -> web.StreamResponse:
        scope = scope_of(request.headers, context.registry)
        asked = from_json(await request.read() or b"{}", LogTailRequest)
        scope = narrow(scope, context.registry, org_id=asked.org_id, app_id=asked.app_id)
        async with tails.opened(scope, asked) as opened:
            headers = _HEADERS | origin_headers(request, settings.allowed_origins)
            response = web.StreamResponse(headers=headers)
            try:
                await response.prepare(request)
                await _tell(opened, request, response, context)
            except (ConnectionError, TimeoutError):
                pass  # the client has gone, or takes nothing
        return response

    async def stop(_: web.Application) -> None:
        tails.stop()

    app.router.add_post(PATH, tail)
    app.on_shutdown.append(stop)


async def _tell(
    tail: Tail, request: web.Request, response: web.StreamResponse, context: Context
) -> None:
    """Write the follower's messages, until the last one, or until its token is disabled."""
    while True:
        message = await tail.follower.next(context.settings.tail_heartbeat_seconds)
        if message is None:
            message = messages.heartbeat(tail.feed.cursor)
        try:
            scope_of(request.headers, context.registry)
        except Rejected as rejected:
            message = messages.end(rejected.reason.value, rejected.message)
        async with asyncio.timeout(_WRITE_SECONDS):
            await response.write(message.data)
        if message.last:
            await response.write_eof()
            return
