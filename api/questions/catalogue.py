"""`GET /v1/metrics`, `/v1/labels`, `/v1/labels/{name}/values`: for editors and variables."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from api.answers import Label, LabelsAnswer, LabelValue, Meta, MetricName, encode
from api.cache import CachePolicy, cache_key
from api.cached_answer import (
    AnswerRange,
    CachedAnswer,
    cache_policy,
    meta_of,
    through_cache,
)
from api.context import Context
from api.query.decode import from_query
from api.query.labels import (
    MAX_LABELS,
    LabelsRequest,
    LabelValuesRequest,
    fixed_labels,
    plan_label_names,
    plan_label_values,
)
from api.query.names import NameRow, NamesRequest, plan_names
from api.query.statement import Statement
from api.query.timerange import parse_range
from api.scope import Scope
from api.store import Rows


async def labels(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """The dimensions of a source or metric. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, LabelsRequest)
    source = await context.source(scope, request.source, request.metric)
    now_ms = context.clock_ms()
    statement = plan_label_names(request, source, org=scope.org, app=scope.app, now_ms=now_ms)
    known = [Label(name, source) for name in fixed_labels(source)]
    if statement is None:
        return encode(LabelsAnswer(known, Meta(rows_read=0, bytes_read=0)))

    async def ask() -> CachedAnswer:
        answered = await context.store.ask(statement, tuple[str, float])
        fixed = {label.name for label in known}
        more = [Label(name, source) for name, _ in answered.rows if name not in fixed]
        return _stored(known + more, answered, truncated=len(answered.rows) >= MAX_LABELS)

    return await _answer(
        context, "labels", await _policy(context, scope, request, statement, now_ms), ask
    )


async def label_values(
    context: Context, scope: Scope, label: str, parameters: Mapping[str, str]
) -> bytes:
    """The values of a dimension. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, LabelValuesRequest)
    source = await context.source(scope, request.source, request.metric)
    now_ms = context.clock_ms()
    statement = plan_label_values(
        request, label, source, org=scope.org, app=scope.app, now_ms=now_ms
    )

    async def ask() -> CachedAnswer:
        answered = await context.store.ask(statement, tuple[str, int | float])
        values = [LabelValue(*row) for row in answered.rows[: request.limit]]
        return _stored(values, answered, truncated=len(answered.rows) > request.limit)

    return await _answer(
        context, "values", await _policy(context, scope, request, statement, now_ms), ask
    )


async def names(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """The names that can be asked for. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, NamesRequest)
    now_ms = context.clock_ms()
    statement = plan_names(request, org=scope.org, app=scope.app, now_ms=now_ms)

    async def ask() -> CachedAnswer:
        answered = await context.store.ask(statement, NameRow)
        found = [
            MetricName(row.name, row.source, row.unit, row.type, row.last_ms)
            for row in answered.rows[: request.limit]
        ]
        return _stored(found, answered, truncated=len(answered.rows) > request.limit)

    return await _answer(
        context, "metrics", await _policy(context, scope, request, statement, now_ms), ask
    )


def _stored(
    content: Sequence[msgspec.Struct], answered: Rows[object], *, truncated: bool
) -> CachedAnswer:
    return CachedAnswer(
        msgspec.Raw(msgspec.json.encode(content)),
        rows_read=answered.rows_read,
        bytes_read=answered.bytes_read,
        truncated=truncated,
    )


async def _policy(
    context: Context,
    scope: Scope,
    request: LabelsRequest | LabelValuesRequest | NamesRequest,
    statement: Statement,
    now_ms: int,
) -> CachePolicy:
    """The stale key leaves numbers out: the times of the range, and the limit with them."""
    texts = [value for value in statement.values.values() if isinstance(value, str)]
    return await cache_policy(
        context.settings,
        context.late_rows,
        AnswerRange(scope.org, scope.app, parse_range(request.from_, request.to, now_ms=now_ms)),
        now_ms,
        key=cache_key(statement.sql, sorted(statement.values.items())),
        stale=cache_key("latest", statement.sql, texts),
    )


async def _answer(
    context: Context, name: str, policy: CachePolicy, ask: Callable[[], Awaitable[CachedAnswer]]
) -> bytes:
    answer, cached = await through_cache(context.cache, policy, ask)
    return encode({name: answer.content, "meta": meta_of(answer, cached)})
