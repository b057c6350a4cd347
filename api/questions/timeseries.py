"""`POST /v1/query/timeseries`."""

import msgspec

from api.answers import Exemplar, Meta, Series, encode
from api.cache import Keep, Kept, cache_key
from api.context import Context
from api.kept import Stored, is_live, keep_for, meta_of, through_cache
from api.query.decode import from_json
from api.query.exemplars import MAX_EXEMPLARS, ExemplarRow
from api.query.statement import Statement
from api.query.timeseries import (
    TimeseriesPlan,
    TimeseriesRequest,
    TimeseriesRow,
    plan_timeseries,
    source_named,
)
from api.questions.planned import both
from api.scope import Scope, narrow
from api.settings import ApiSettings


async def timeseries(context: Context, scope: Scope, body: bytes) -> bytes:
    """The answer (JSON) to a request (JSON). Raises Rejected, Unavailable, StoreFault."""
    request = from_json(body, TimeseriesRequest)
    scope = narrow(scope, context.registry, org_id=request.org_id, app_id=request.app_id)
    found = source_named(request) or await context.find(scope, request.metric)
    now_ms = context.clock_ms()
    plan = plan_timeseries(
        request,
        found or "events",
        org=scope.org,
        app=scope.app,
        now_ms=now_ms,
        minute_days=context.settings.minute_days,
    )
    if found is None:  # a name nobody has sent yet: no store would know more
        nothing = msgspec.Raw(b"[]")
        stored = Stored(nothing, from_ms=plan.range.from_ms, to_ms=plan.range.to_ms)
        kept = Kept(b"", "off")
    else:
        keep = _keep(request, plan, scope, now_ms, context.settings) if request.cache else None
        stored, kept = await through_cache(context.cache, keep, lambda: _ask(context, plan))
    meta = meta_of(
        stored,
        kept,
        granularity=plan.granularity.text,
        source=found or "none",
        sql=plan.statement.sql if request.sql else msgspec.UNSET,
    )
    answer: dict[str, object] = {"columns": plan.columns, "series": stored.content}
    if request.exemplars:
        answer["exemplars"] = []
        if plan.exemplars is not None:
            statement = plan.exemplars
            answer["exemplars"], more = await _exemplars(context, request, plan, stored, statement)
            meta = both(meta, more)
    return encode({**answer, "meta": meta})


async def _exemplars(
    context: Context,
    request: TimeseriesRequest,
    plan: TimeseriesPlan,
    stored: Stored,
    statement: Statement,
) -> tuple[list[Exemplar], Meta]:
    """Of the series that are shown; kept for as long as these are."""

    async def ask() -> Stored:
        answered = await context.store.ask(statement, ExemplarRow)
        return Stored(
            msgspec.Raw(msgspec.json.encode(answered.rows)),
            rows_read=answered.rows_read,
            bytes_read=answered.bytes_read,
            truncated=len(answered.rows) >= MAX_EXEMPLARS,
        )

    question = ("exemplars", statement.sql, sorted(statement.values.items()))
    keep = keep_for(
        context.settings,
        live=is_live(plan.range.to_ms, context.clock_ms()),
        key=cache_key(question),
        stale_key=cache_key(question, "latest"),
    )
    found, kept = await through_cache(context.cache, keep if request.cache else None, ask)
    shown = {
        tuple(series.labels.values())
        for series in msgspec.json.decode(stored.content, type=list[Series])
    }
    return [
        Exemplar(dict(zip(plan.labels, row.labels, strict=True)), row.time, row.trace_id)
        for row in msgspec.json.decode(found.content, type=list[ExemplarRow])
        if tuple(row.labels) in shown
    ], meta_of(found, kept, sql=statement.sql)


async def _ask(context: Context, plan: TimeseriesPlan) -> Stored:
    answered = await context.store.ask(plan.statement, TimeseriesRow)
    shown = answered.rows[: plan.limit]
    series = [Series(dict(zip(plan.labels, row.labels, strict=True)), row.points) for row in shown]
    return Stored(
        content=msgspec.Raw(msgspec.json.encode(series)),
        rows_read=answered.rows_read,
        bytes_read=answered.bytes_read,
        truncated=len(answered.rows) > plan.limit,
        sampled=any(row.sampled for row in shown),
        from_ms=plan.range.from_ms,
        to_ms=plan.range.to_ms,
    )


def _keep(
    request: TimeseriesRequest,
    plan: TimeseriesPlan,
    scope: Scope,
    now_ms: int,
    settings: ApiSettings,
) -> Keep:
    """Equal buckets have equal keys. The stale key of a live range leaves out where it lies."""
    live = is_live(plan.range.to_ms, now_ms)
    question = (
        scope,
        plan.source,
        request.metric,
        plan.granularity,
        sorted(map(repr, request.filters)),
        plan.labels,
        plan.columns,
        plan.limit,
    )
    shape = ("live", plan.range.length_ms) if live else plan.range
    return keep_for(
        settings,
        live=live,
        key=cache_key(question, plan.range),
        stale_key=cache_key(question, shape, "latest"),
    )
