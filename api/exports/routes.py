"""Routes that start, show, download and remove exports. They need a query token."""

import uuid
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from api.answers import encode
from api.context import Context
from api.exports.exports import Exports
from api.exports.record import CONTENT_TYPES, ExportRecord, ExportsAnswer, Reading, answer
from api.query.decode import from_json
from api.query.export import (
    TABLES,
    ExportRequest,
    KeptRow,
    choose_source,
    plan_export,
    plan_keeping,
)
from api.reasons import QuestionReason
from api.scope import Scope, narrow, scope_of
from seamark.wire.failures import Rejected

Handle = Callable[[Exports, Scope, web.Request], Awaitable[web.StreamResponse]]


def add_exports(app: web.Application, context: Context) -> None:
    """The routes. Without a folder for exports they answer with that reason."""

    def asked(handle: Handle) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def of(request: web.Request) -> web.StreamResponse:
            scope = scope_of(request.headers, context.registry)
            if context.exports is None:
                raise Rejected(
                    QuestionReason.NOT_FOUND,
                    "This API makes no exports: SEAMARK_EXPORT_PATH names no folder.",
                )
            return await handle(context.exports, scope, request)

        return of

    async def begin(exports: Exports, scope: Scope, request: web.Request) -> web.StreamResponse:
        record = await _plan(context, exports, scope, await request.read())
        await exports.add(record)
        made = _answered(exports, record, status=202)
        made.headers["Location"] = f"/v1/exports/{record.id}"
        return made

    app.router.add_post("/v1/query/export", asked(begin))
    app.router.add_get("/v1/exports", asked(_list))
    app.router.add_get("/v1/exports/{id}", asked(_show))
    app.router.add_get("/v1/exports/{id}/file", asked(_download))
    app.router.add_delete("/v1/exports/{id}", asked(_end))


async def _plan(context: Context, exports: Exports, scope: Scope, body: bytes) -> ExportRecord:
    request = from_json(body, ExportRequest)
    scope = narrow(scope, context.registry, org_id=request.org_id, app_id=request.app_id)
    now_ms = context.clock_ms()
    plan = plan_export(request, org=scope.org, app=scope.app, now_ms=now_ms)
    if plan.limit > exports.settings.rows:
        raise Rejected(
            QuestionReason.TOO_MUCH,
            f"limit is {plan.limit}; one export has at most {exports.settings.rows} rows "
            "(SEAMARK_EXPORT_ROWS).",
            field="limit",
        )
    [kept] = (await context.store.ask(plan_keeping(plan.signal), KeptRow)).rows
    source = choose_source(request, plan, kept, now_ms)
    if source == "store":  # the archive may hold attributes that no stored row has any more
        await context.store.check(plan.rows)
    return ExportRecord(
        id=uuid.uuid4().hex,
        org=scope.org,
        app=scope.app,
        form=request.format,
        created_ms=now_ms,
        archived_ms=kept.archived_ms,
        reading=Reading(
            signal=plan.signal,
            table=TABLES[plan.signal],
            source=source,
            since_ms=plan.range.from_ms,
            until_ms=plan.range.to_ms,
            limit=plan.limit,
            rows=plan.rows,
            counts=plan.counts,
            files=plan.files,
        ),
    )


async def _list(exports: Exports, scope: Scope, _: web.Request) -> web.StreamResponse:
    records = await exports.seen_by(scope.org, scope.app)
    return _json(ExportsAnswer([answer(record, keep_ms=exports.keep_ms) for record in records]))


async def _show(exports: Exports, scope: Scope, request: web.Request) -> web.StreamResponse:
    return _answered(exports, await _asked_for(exports, scope, request))


async def _end(exports: Exports, scope: Scope, request: web.Request) -> web.StreamResponse:
    record = await _asked_for(exports, scope, request)
    ended = await exports.end(record)
    return _answered(exports, ended or record, removed=ended is None)


async def _download(exports: Exports, scope: Scope, request: web.Request) -> web.StreamResponse:
    record = await _asked_for(exports, scope, request)
    if record.status != "done":
        raise Rejected(
            QuestionReason.NOT_FOUND,
            f"This export is {record.status}; its file is there when it is done. "
            f"GET /v1/exports/{record.id} says how far it is.",
            field="id",
        )
    return web.FileResponse(
        exports.file(record),
        headers={
            "Content-Type": CONTENT_TYPES[record.form],
            "Content-Disposition": f'attachment; filename="{record.file_name}"',
            "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


async def _asked_for(exports: Exports, scope: Scope, request: web.Request) -> ExportRecord:
    return await exports.find(request.match_info["id"], org=scope.org, app=scope.app)


def _answered(
    exports: Exports, record: ExportRecord, *, status: int = 200, removed: bool = False
) -> web.Response:
    shown = answer(record, keep_ms=exports.keep_ms, removed=removed)
    return _json(shown, status=status)


def _json(shown: msgspec.Struct, *, status: int = 200) -> web.Response:
    return web.Response(status=status, body=encode(shown), content_type="application/json")
