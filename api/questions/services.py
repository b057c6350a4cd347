"""`POST /v1/query/services` and `POST /v1/query/servicemap`."""

from collections.abc import Sequence

from api.answers import encode
from api.context import Context
from api.query.decode import from_json
from api.query.request import Plan
from api.query.servicemap import EdgeRow, ServicemapRequest, plan_servicemap
from api.query.services import ServiceRow, ServicesRequest, plan_services
from api.questions.planned import Question, Shown, both
from api.scope import Scope
from api.service_answers import Edge, Service


def _show(request: ServicesRequest, plan: Plan, rows: Sequence[ServiceRow]) -> Shown:
    shown = rows[: request.limit]
    seconds = plan.range.length_ms / 1000
    services = [
        Service(
            row.service,
            row.operation,
            row.calls,
            row.calls / seconds,
            row.errors,
            row.errors / row.calls,
            row.mean_ms,
            row.max_ms,
            p50_ms=row.levels_ms[0],
            p95_ms=row.levels_ms[1],
            p99_ms=row.levels_ms[2],
            trace_id=row.trace_id,
        )
        for row in shown
    ]
    return Shown(
        {"services": services},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


def _show_edges(request: ServicemapRequest, _: Plan, rows: Sequence[EdgeRow]) -> Shown:
    shown = rows[: request.limit]
    edges = [
        Edge(
            row.client,
            row.server,
            row.calls,
            row.errors,
            p50_ms=row.levels_ms[0],
            p95_ms=row.levels_ms[1],
            trace_id=row.trace_id,
        )
        for row in shown
    ]
    return Shown(
        {"edges": edges},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


SERVICES = Question("services", ServicesRequest, plan_services, ServiceRow, _show)
EDGES = Question("edges", ServicemapRequest, plan_servicemap, EdgeRow, _show_edges)


async def servicemap(context: Context, scope: Scope, body: bytes) -> bytes:
    """Edges, and all services with spans in the range. Raises Rejected, Unavailable, StoreFault."""
    request = from_json(body, ServicemapRequest)
    edges, edges_meta = await EDGES.find(context, scope, request)
    whole = ServicesRequest(
        from_=edges_meta.from_ or 0,
        to=edges_meta.to or 0,
        kinds=[],
        limit=1000,
        cache=request.cache,
        sql=request.sql,
        org_id=request.org_id,
        app_id=request.app_id,
    )
    services, services_meta = await SERVICES.find(context, scope, whole)
    meta = both(edges_meta, services_meta)
    return encode({"nodes": services["services"], **edges, "meta": meta})
