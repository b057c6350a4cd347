"""`GET /v1/metrics`, `/v1/labels`, `/v1/labels/{name}/values`: for editors and variables."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from api.answers import Label, LabelsAnswer, LabelValue, Meta, MetricName, encode
from api.cache import Keep, cache_key
from api.context import Context
from api.kept import Stored, is_live, keep_for, meta_of, through_cache
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
from api.query.timerange import parse_instant
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

    async def ask() -> Stored:
        answered = await context.store.ask(statement, tuple[str, float])
        fixed = {label.name for label in known}
        more = [Label(name, source) for name, _ in answered.rows if name not in fixed]
        return _stored(known + more, answered, truncated=len(answered.rows) >= MAX_LABELS)

    return await _answer(context, "labels", _keep(context, statement, request.to, now_ms), ask)


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

    async def ask() -> Stored:
        answered = await context.store.ask(statement, tuple[str, int | float])
        values = [LabelValue(*row) for row in answered.rows[: request.limit]]
        return _stored(values, answered, truncated=len(answered.rows) > request.limit)

    return await _answer(context, "values", _keep(context, statement, request.to, now_ms), ask)


async def names(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """The names that can be asked for. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, NamesRequest)
    now_ms = context.clock_ms()
    statement = plan_names(request, org=scope.org, app=scope.app, now_ms=now_ms)

    async def ask() -> Stored:
        answered = await context.store.ask(statement, NameRow)
        found = [
            MetricName(row.name, row.source, row.unit, row.type, row.last_ms)
            for row in answered.rows[: request.limit]
        ]
        return _stored(found, answered, truncated=len(answered.rows) > request.limit)

    return await _answer(context, "metrics", _keep(context, statement, request.to, now_ms), ask)


def _stored(
    content: Sequence[msgspec.Struct], answered: Rows[object], *, truncated: bool
) -> Stored:
    return Stored(
        msgspec.Raw(msgspec.json.encode(content)),
        rows_read=answered.rows_read,
        bytes_read=answered.bytes_read,
        truncated=truncated,
    )


def _keep(context: Context, statement: Statement, to: str, now_ms: int) -> Keep:
    """The stale key leaves numbers out: the times of the range, and the limit with them."""
    live = is_live(parse_instant(to, now_ms=now_ms, field="to"), now_ms)
    texts = [value for value in statement.values.values() if isinstance(value, str)]
    return keep_for(
        context.settings,
        live=live,
        key=cache_key(statement.sql, sorted(statement.values.items())),
        stale_key=cache_key("latest", statement.sql, texts),
    )


async def _answer(
    context: Context, name: str, keep: Keep, ask: Callable[[], Awaitable[Stored]]
) -> bytes:
    stored, kept = await through_cache(context.cache, keep, ask)
    return encode({name: stored.content, "meta": meta_of(stored, kept)})
