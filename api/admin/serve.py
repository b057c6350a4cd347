"""Administration on the API's server: a request becomes a call, what was made an answer."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from aiohttp import web

from api.admin.administration import Administration
from api.admin.forms import given
from api.admin.idempotency import read_key
from api.admin.route import IDEMPOTENCY_KEY, IF_MATCH, AdminRoute, Call, Made
from api.admin.routes import ADMIN_ROUTES
from api.answers import encode
from api.query.decode import from_json, from_query
from api.reasons import QuestionReason
from api.scope import secret_in, token_of
from seamark.wire.failures import Rejected

_etag: Final = re.compile(r'"([0-9]{1,18})"').fullmatch


def add_administration(app: web.Application, admin: Administration) -> None:
    """The routes."""
    for route in ADMIN_ROUTES:
        app.router.add_route(route.method, route.path, _handler(admin, route))


def _handler(
    admin: Administration, route: AdminRoute
) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        token = token_of(request.headers, admin.registry, kinds=route.kinds)
        body = await request.read()
        call = Call(
            admin=admin,
            token=token,
            secret=secret_in(request.headers),
            address=request.remote or "",
            given=_given(route, body),
            query=from_query(request.query, route.query) if route.query else None,
            path=dict(request.match_info),
            text=b"\0".join([route.method.encode(), request.path_qs.encode(), body]),
            revision=_revision(request.headers.get(IF_MATCH, "*")),
            idempotency_key=read_key(request.headers.get(IDEMPOTENCY_KEY, "")),
        )
        return _answer(await route.handle(call))

    return handle


def _given(route: AdminRoute, body: bytes) -> dict[str, Any]:
    if route.body is None:
        if body.strip() not in (b"", b"{}"):
            raise Rejected(QuestionReason.MALFORMED, "This takes no body; leave it out.")
        return {}
    return given(from_json(body or b"{}", route.body))


def _revision(text: str) -> int | None:
    if text.strip() == "*":
        return None
    found = _etag(text.strip())
    if found is None:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            'If-Match is an ETag as it was answered, for instance "12", or *.',
            field=IF_MATCH,
        )
    return int(found[1])


def _answer(made: Made) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    if made.revision:
        headers["ETag"] = f'"{made.revision}"'
    if made.location:
        headers["Location"] = made.location
    body: msgspec.Struct = made.body
    return web.Response(
        status=made.status, body=encode(body), content_type="application/json", headers=headers
    )
