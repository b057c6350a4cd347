"""A server that keeps state and answers as Grafana's HTTP API does, for what a push asks of it.

Status codes, bodies and habits are those of Grafana's handlers: a dashboard is saved only over the
version that was read; what is secret is shown as "[REDACTED]"; rules gain defaults; a rule made
through the API takes its group's interval, and a group that is put loses the rules not named.
"""

import asyncio
import copy
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.integration.push_handlers import JSON, Handlers, said

TOKEN = "glsa_made-up"
NEEDED = {
    ("POST", "/api/datasources"): "datasources:create",
    ("POST", "/api/folders"): "folders:create",
    ("POST", "/api/v1/provisioning/alert-rules"): "alert.provisioning:write",
    ("GET", "/api/v1/provisioning/contact-points"): "alert.provisioning:read",
}


@dataclass
class State:
    """What stands in this Grafana, by uid, and how it is."""

    version: str = "12.4.1"
    plugins: set[str] = field(default_factory=lambda: {"seamark-datasource"})
    lacks: set[str] = field(default_factory=set)
    health: str = "OK"
    moved_to: str = ""
    meanwhile: str = ""
    """Uid of a dashboard that a user saves just before a push does."""
    folders: dict[str, JSON] = field(default_factory=dict)
    datasources: dict[str, JSON] = field(default_factory=dict)
    dashboards: dict[str, JSON] = field(default_factory=dict)
    history: dict[str, list[JSON]] = field(default_factory=dict)
    rules: dict[str, JSON] = field(default_factory=dict)
    intervals: dict[tuple[str, str], int] = field(default_factory=dict)
    points: dict[str, JSON] = field(default_factory=dict)
    alerting_after: int = 0
    """How many requests about alerting are answered as in an organization made a moment ago."""
    asked: list[tuple[str, str]] = field(default_factory=list)

    def standing(self) -> JSON:
        """All of it, to compare."""
        names = ("folders", "datasources", "dashboards", "history", "rules", "points", "intervals")
        return copy.deepcopy({name: getattr(self, name) for name in names})

    def written(self) -> list[tuple[str, str]]:
        """The requests that change something."""
        return [(method, path) for method, path in self.asked if method != "GET"]

    def save_dashboard(self, board: JSON, folder: str, message: str, by: str) -> int:
        """As a person, or an API, saves one; returns its version."""
        versions = self.history.setdefault(board["uid"], [])
        version = len(versions) + 1
        versions.append({"version": version, "createdBy": by, "message": message})
        saved = {**board, "id": 1000 + len(self.dashboards), "version": version}
        meta = {"folderUid": folder, "version": version, "provisioned": False, "updatedBy": by}
        self.dashboards[board["uid"]] = {"dashboard": saved, "meta": meta}
        return version


@contextmanager
def serving(state: State, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The server on a free port of loopback, in a thread of its own; gives its address."""
    loop = asyncio.new_event_loop()
    app = web.Application(middlewares=[_guarded(state)])
    app.add_routes(Handlers(state).routes())
    runner = web.AppRunner(app)

    async def start() -> int:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        assert runner.addresses
        return int(runner.addresses[0][1])

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        port = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


def _guarded(state: State) -> Any:
    @web.middleware
    async def guard(request: web.Request, handler: Any) -> web.StreamResponse:
        state.asked.append((request.method, request.path))
        if request.path != "/api/health":
            if request.headers.get("Authorization") != f"Bearer {TOKEN}":
                return said(401, "Invalid API key", messageId="api-key.invalid")
            if request.path.endswith("/contact-points") and state.alerting_after > 0:
                state.alerting_after -= 1
                why = "No alertmanager configuration present in this organization"
                return said(500, why, messageId="alerting.notification.configMissing")
            needed = NEEDED.get((request.method, request.path))
            if needed in state.lacks:
                text = "You'll need additional permissions to perform this action. "
                return said(403, f"{text}Permissions needed: {needed}", title="Access denied")
        response: web.StreamResponse = await handler(request)
        return response

    return guard
