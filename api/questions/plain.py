"""`GET /api/query`, `GET /metrics?name=…`, `GET /v1/metrics/{name}`: plain answers for scripts."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from api.answers import encode
from api.context import Context
from api.query.decode import from_query
from api.query.plain import MetricRequest, MinutesRequest, ValuesRequest, plain_filters
from api.questions.timeseries import timeseries
from api.questions.top import top
from api.scope import Scope
from seamark.wire.failures import Rejected


class _Told(msgspec.Struct):
    series: list["_Series"]


class _Series(msgspec.Struct):
    rows: list[list[Any]]


class _Values(msgspec.Struct):
    total: float | None
    values: list["_Value"]


class _Value(msgspec.Struct):
    label: str
    value: int | float | None


@contextlib.contextmanager
def _named(fields: Mapping[str, str]) -> Iterator[None]:
    """Failures name the parameter that was sent, not the field it became."""
    try:
        yield
    except Rejected as failure:
        field = failure.field.split("[")[0]
        raise Rejected(
            failure.reason, failure.message, field=fields.get(field, failure.field)
        ) from None


async def minutes(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """`{data: [{time, avg, max, min}]}`. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, MinutesRequest)
    asked = {
        "metric": request.name,
        "from": request.start,
        "to": request.end,
        "granularity": "1m",
        "agg": ["avg", "max", "min"],
    }
    with _named({"metric": "name", "from": "start", "to": "end", "granularity": "start"}):
        body = await timeseries(context, scope, msgspec.json.encode(asked))
    told = msgspec.json.decode(body, type=_Told)
    rows = told.series[0].rows if told.series else []
    return encode(
        {"data": [dict(zip(("time", "avg", "max", "min"), r, strict=True)) for r in rows]}
    )


async def values(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """`[{<dimension>, value}]`, or `[{time, value}]`. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, ValuesRequest)
    asked: dict[str, Any] = {
        "metric": request.name,
        "from": f"now-{request.range}",
        "filters": plain_filters(request.filter),
    }
    aggregates = [request.agg] if request.agg else ["avg", "count"]
    with _named({"metric": "name", "from": "range", "filters": "filter", "by": "group_by"}):
        if request.group_by:
            return await _by_group(context, scope, asked, request.group_by, aggregates)
        body = await timeseries(context, scope, msgspec.json.encode(asked | {"agg": aggregates}))
    told = msgspec.json.decode(body, type=_Told)
    rows = told.series[0].rows if told.series else []
    place = 1 if request.agg or any(row[1] is not None for row in rows) else 2
    return msgspec.json.encode([{"time": row[0], "value": row[place]} for row in rows])


async def _by_group(
    context: Context, scope: Scope, asked: dict[str, Any], by: str, aggregates: list[str]
) -> bytes:
    found: list[dict[str, Any]] = []
    for agg in aggregates:
        question = asked | {"by": by, "agg": agg, "limit": 1000}
        body = await top(context, scope, msgspec.json.encode(question))
        told = msgspec.json.decode(body, type=_Values)
        found = [{by: value.label, "value": value.value} for value in told.values]
        if told.total is not None:
            break
    return msgspec.json.encode(found)


async def metric(context: Context, scope: Scope, name: str, parameters: Mapping[str, str]) -> bytes:
    """Series as of `POST /v1/query/timeseries`. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, MetricRequest)
    asked = {
        "metric": name,
        "from": request.start_time,
        "to": request.end_time,
        "granularity": request.granularity,
        "agg": [part.strip() for part in request.agg.split(",")],
        "groupBy": [part.strip() for part in request.group_by.split(",") if part.strip()],
        "filters": plain_filters(request.filter),
    }
    with _named({"metric": "name", "from": "startTime", "to": "endTime", "filters": "filter"}):
        return await timeseries(context, scope, msgspec.json.encode(asked))
