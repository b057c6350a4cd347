"""Answers a question of the registry: scope, plan, cache, store, answer."""

import functools
import logging
from typing import Any, TypeVar

import msgspec

from api.answers import Meta, encode
from api.cache import CachePolicy, cache_key
from api.cached_answer import (
    AnswerRange,
    CachedAnswer,
    cache_policy,
    meta_of,
    through_cache,
)
from api.context import Context
from api.damage import Damage
from api.late_rows import is_live
from api.query.late_rows import SignalName
from api.query.request import QueryScope, ScopedRequest
from api.query.sources import SourceName
from api.questions.question import Question, StoreQuery
from api.scope import Scope, narrow
from api.store import ResultTooLarge, Rows
from api.upstreams import RequestUpstreams

Q = TypeVar("Q", bound=ScopedRequest)
logger = logging.getLogger(__name__)


async def ask(
    context: Context, scope: Scope, question: Question[Q], request: Q, token: str = ""
) -> bytes:
    """The answer (JSON) to a request; `token` is the asker's.

    Raises Rejected, Unavailable, StoreFault.
    """
    scope = narrow(
        scope,
        context.registry,
        org_id=request.org_id,
        app_id=request.app_id,
        app_field=_app_field(question.request),
    )
    query_scope = await _query_scope(context, scope, question, request)
    if question.steps is not None:
        upstreams = RequestUpstreams(context, scope, now_ms=query_scope.now_ms, token=token)
        part = await question.steps(request, query_scope, upstreams)
        if part.logged:
            made = {"org": scope.org, "app": scope.app, **part.logged}
            logger.info("%s done", question.kind, extra=made)
        meta = upstreams.meta(part, sql=request.sql)
        return encode({"columns": question.columns, **part.fields, "meta": meta})
    fields: dict[str, msgspec.Raw] = {}
    metas: list[Meta] = []
    for query in question.plan(request, query_scope):
        found, meta = await _read(context, question, query, request, query_scope)
        fields |= found
        metas.append(meta)
    finished = question.finish(request, fields) if question.finish else fields
    return encode({"columns": question.columns, **finished, "meta": combined(metas)})


@functools.cache
def _app_field(request: type[ScopedRequest]) -> str:
    """What requests of this type call the app."""
    return next(f.encode_name for f in msgspec.structs.fields(request) if f.name == "app_id")


async def _query_scope(
    context: Context, scope: Scope, question: Question[Q], request: Q
) -> QueryScope:
    source = None
    if question.metric is not None:
        metric = question.metric(request)
        source = metric.source or await context.find(scope, metric.name)
    return QueryScope(
        org=scope.org,
        app=scope.app,
        now_ms=context.clock_ms(),
        search_days=context.settings.search_days,
        minute_days=context.settings.minute_days,
        source=source,
    )


async def _read(
    context: Context,
    question: Question[Q],
    query: StoreQuery[Any],
    request: Q,
    scope: QueryScope,
) -> tuple[dict[str, msgspec.Raw], Meta]:
    """The fields that one statement makes, from the cache or the store, and their `meta`."""
    plan = query.plan

    async def produce() -> CachedAnswer:
        answered, read = await _rows(context, query)
        part = read.answer_part(answered.rows)
        return CachedAnswer(
            msgspec.Raw(msgspec.json.encode(part.fields)),
            rows_read=answered.rows_read,
            bytes_read=answered.bytes_read,
            truncated=part.truncated,
            sampled=part.sampled,
            from_ms=plan.range.from_ms,
            to_ms=plan.range.to_ms,
            running_ms=plan.running_ms,
        )

    cached = question.cached and request.cache and not query.empty
    damage = context.damage.about(plan.statement.sql, plan.range)
    policy = await _cache_policy(context, query, request, scope, damage) if cached else None
    answer, cached_body = await through_cache(context.cache, policy, produce)
    meta = meta_of(
        answer,
        cached_body,
        granularity=plan.granularity or msgspec.UNSET,
        source=(scope.source or "none") if question.metric else msgspec.UNSET,
        damage=damage,
        sql=plan.statement.sql if request.sql else msgspec.UNSET,
    )
    return msgspec.json.decode(answer.content, type=dict[str, msgspec.Raw]), meta


async def _rows(context: Context, query: StoreQuery[Any]) -> tuple[Rows[Any], StoreQuery[Any]]:
    """The rows of a statement, or of the one that its `smaller` or `then` gives instead."""
    if query.empty:
        return Rows([], rows_read=0, bytes_read=0), query
    rows_read = bytes_read = 0
    while True:
        try:
            answered = await context.store.ask(query.plan.statement, query.row)
        except ResultTooLarge:
            if query.smaller is None:
                raise
            query = query.smaller()
            continue
        rows_read += answered.rows_read
        bytes_read += answered.bytes_read
        following = query.then(answered.rows) if query.then else None
        if following is None:
            return Rows(answered.rows, rows_read, bytes_read), query
        query = following


async def _cache_policy(
    context: Context,
    query: StoreQuery[Any],
    request: ScopedRequest,
    scope: QueryScope,
    damage: Damage,
) -> CachePolicy:
    """Equal statements have equal keys. The stale key of a live range leaves out where the range
    lies, so that a dashboard's moving window finds its last answer."""
    plan = query.plan
    live = is_live(plan.range.to_ms, scope.now_ms)
    shape = ("live", plan.range.length_ms) if live else plan.range
    fixed: dict[str, Any] = {"sql": False, "cache": True}
    fixed |= {name: 0 for name in ("from_", "to") if hasattr(request, name)}
    bare = msgspec.structs.replace(request, **fixed)
    values = sorted(plan.statement.values.items())
    return await cache_policy(
        context.settings,
        context.late_rows,
        AnswerRange(scope.org, scope.app, plan.range, _signals(scope.source)),
        scope.now_ms,
        key=cache_key(query.name, plan.statement.sql, values),
        stale=cache_key(query.name, scope.org, scope.app, repr(bare), shape, "latest"),
        damage=damage,
    )


def _signals(source: SourceName | None) -> tuple[SignalName, ...]:
    """The signal of a metric's source; of other questions any may be read."""
    match source:
        case None:
            return ()
        case "spans":
            return ("traces",)
        case _:
            return (source,)


def combined(metas: list[Meta]) -> Meta:
    """The `meta` of an answer made of several: what was read adds up, doubts of any remain."""
    one, *others = metas
    for other in others:
        one = msgspec.structs.replace(
            one,
            rows_read=one.rows_read + other.rows_read,
            bytes_read=one.bytes_read + other.bytes_read,
            cache=one.cache if one.cache == other.cache else "miss",
            stale=one.stale or other.stale,
            truncated="damaged"
            if "damaged" in (one.truncated, other.truncated)
            else one.truncated or other.truncated,
            sampled=one.sampled or other.sampled,
            sql=f"{one.sql};\n{other.sql}" if one.sql and other.sql else one.sql,
        )
    return one
