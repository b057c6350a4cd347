"""The monitor port of a process: health, readiness and own metrics, for its operators.

The same in every process, apart from the ports that others are given. It listens on loopback;
anywhere else it shows its metrics only to who has the token. Health and readiness need none: they
are asked by supervisors, containers and load balancers.
"""

import asyncio
import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from seamark.service.health import Health
from seamark.service.health_answers import (
    ALIVE,
    CONTENT_TYPE,
    LIVE,
    READY,
    HealthAnswer,
    readiness,
)
from seamark.service.monitor.settings import PREFIX, MonitorSettings

METRICS_PATH: Final = "/metrics"


@dataclass(frozen=True, slots=True)
class Monitored:
    """What a process shows: its parts, and its metrics in Prometheus' text format (may block)."""

    health: Health
    exposition: Callable[[], bytes] = generate_latest
    optional: Health | None = None


@asynccontextmanager
async def serve_monitor(
    monitored: Monitored, settings: MonitorSettings, *, port: int, shared: bool = False
) -> AsyncIterator[int]:
    """Serve while the context lasts; yields the port. `shared`: by processes with the same port.

    Raises OSError when the port is taken, SettingsError.
    """
    runner = web.AppRunner(
        _application(monitored, settings.token), access_log=None, handler_cancellation=True
    )
    tls = await asyncio.to_thread(settings.check)
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, port, ssl_context=tls, reuse_port=shared or None)
        await site.start()
        bound: int = runner.addresses[0][1]
        yield bound
    finally:
        await runner.cleanup()


def add_health(app: web.Application, health: Health, *, optional: Health | None = None) -> None:
    """Serve health and readiness on an aiohttp application."""

    async def live(_: web.Request) -> web.Response:
        return _response(ALIVE)

    async def ready(_: web.Request) -> web.Response:
        return _response(readiness(health, optional=optional))

    for path in LIVE:
        app.router.add_get(path, live)
    for path in READY:
        app.router.add_get(path, ready)


def _response(answer: HealthAnswer) -> web.Response:
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=CONTENT_TYPE,
        headers=dict(answer.headers),
    )


def _application(monitored: Monitored, token: str) -> web.Application:
    expected = f"Bearer {token}".encode()

    async def metrics(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").encode()
        if token and not hmac.compare_digest(given, expected):
            return web.Response(
                status=401,
                text=f"own metrics need the token of {PREFIX}_TOKEN as Authorization: Bearer\n",
                headers={"WWW-Authenticate": "Bearer"},
            )
        body = await asyncio.to_thread(monitored.exposition)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    add_health(app, monitored.health, optional=monitored.optional)
    app.router.add_get(METRICS_PATH, metrics)
    return app
