"""Answers of the compatibility routes for scripts, made from those of `timeseries` and `top`."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from multidict import MultiDict

from api.answers import encode
from api.ask import ask
from api.context import Context
from api.query.compat import (
    MetricRequest,
    MinutesRequest,
    NumbersRequest,
    dimension_filters,
    filters_of,
    split_parameters,
    unknown_parameter,
)
from api.query.decode import from_query
from api.questions import timeseries, top
from api.reasons import QuestionReason
from api.scope import Scope
from seamark.wire.failures import Rejected

MOST_VALUES: Final = 1000
_PLACE: Final = re.compile(r"filters\[(\d+)\]\.key\Z")


class _SeriesRows(msgspec.Struct):
    rows: list[list[Any]]


class _SeriesAnswer(msgspec.Struct):
    series: list[_SeriesRows]


class _TopValue(msgspec.Struct):
    label: str
    value: int | float | None


class _TopAnswer(msgspec.Struct):
    total: float | None
    values: list[_TopValue]


@contextlib.contextmanager
def _parameters_named(fields: Mapping[str, str]) -> Iterator[None]:
    """Failures name the parameter that was sent, not the field of the request that it became."""
    try:
        yield
    except Rejected as failure:
        field = failure.field.split("[")[0]
        raise Rejected(
            failure.reason, failure.message, field=fields.get(field, failure.field)
        ) from None


@contextlib.contextmanager
def _dimensions_named(names: Sequence[str]) -> Iterator[None]:
    """A failure of one of the last filters names the parameter that it was made of."""
    try:
        yield
    except Rejected as failure:
        place = _PLACE.match(failure.field)
        if place is None or int(place[1]) >= len(names) or not names[int(place[1])]:
            raise
        raise unknown_parameter(names[int(place[1])], NumbersRequest, failure) from None


async def _rows(context: Context, scope: Scope, request: dict[str, Any]) -> list[list[Any]]:
    body = await _series(context, scope, request)
    series = msgspec.json.decode(body, type=_SeriesAnswer).series
    return series[0].rows if series else []


async def _series(context: Context, scope: Scope, request: dict[str, Any]) -> bytes:
    made = _converted(request, timeseries.TimeseriesRequest)
    return await ask(context, scope, timeseries.QUESTION, made)


def _converted(request: dict[str, Any], kind: Any) -> Any:
    try:
        return msgspec.convert(request, kind)
    except msgspec.ValidationError as error:
        raise Rejected(QuestionReason.INVALID_FIELD, f"{error}.") from None


async def minutes(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """`{data: [{time, avg, max, min}]}`. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, MinutesRequest)
    wanted = {
        "metric": request.name,
        "from": request.start,
        "to": request.end,
        "granularity": "1m",
        "agg": ["avg", "max", "min"],
    }
    fields = {"metric": "name", "from": "start", "to": "end", "granularity": "start"}
    with _parameters_named(fields):
        rows = await _rows(context, scope, wanted)
    names = ("time", "avg", "max", "min")
    return encode({"data": [dict(zip(names, row, strict=True)) for row in rows]})


async def numbers(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """`[{<dimension>, value}]`, or `[{time, value}]`. Raises Rejected, Unavailable, StoreFault."""
    own, others = split_parameters(parameters.items(), NumbersRequest)
    request = from_query(MultiDict(own), NumbersRequest)
    filters = filters_of(request.filter)
    names = [*("" for _ in filters), *others]
    wanted: dict[str, Any] = {
        "metric": request.name,
        "from": f"now-{request.range}",
        "filters": [*filters, *dimension_filters(others)],
    }
    aggregates = [request.agg] if request.agg else ["avg", "count"]
    fields = {"metric": "name", "from": "range", "filters": "filter", "by": "group_by"}
    with _parameters_named(fields), _dimensions_named(names):
        if request.group_by:
            return await _by_group(context, scope, wanted, request.group_by, aggregates)
        rows = await _rows(context, scope, wanted | {"agg": aggregates})
    place = 1 if request.agg or any(row[1] is not None for row in rows) else 2
    return msgspec.json.encode([{"time": row[0], "value": row[place]} for row in rows])


async def _by_group(
    context: Context, scope: Scope, wanted: dict[str, Any], by: str, aggregates: list[str]
) -> bytes:
    found: list[dict[str, Any]] = []
    for agg in aggregates:
        fields = wanted | {"by": by, "agg": agg, "limit": MOST_VALUES}
        body = await ask(context, scope, top.QUESTION, _converted(fields, top.TopRequest))
        answer = msgspec.json.decode(body, type=_TopAnswer)
        found = [{by: value.label, "value": value.value} for value in answer.values]
        if answer.total is not None:
            break
    return msgspec.json.encode(found)


async def metric(context: Context, scope: Scope, name: str, parameters: Mapping[str, str]) -> bytes:
    """Series as of `POST /v1/query/timeseries`. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, MetricRequest)
    wanted = {
        "metric": name,
        "from": request.start_time,
        "to": request.end_time,
        "granularity": request.granularity,
        "agg": [part.strip() for part in request.agg.split(",")],
        "groupBy": [part.strip() for part in request.group_by.split(",") if part.strip()],
        "filters": filters_of(request.filter),
        "tz": request.tz,
        "weekStart": request.week_start,
    }
    fields = {"metric": "name", "from": "startTime", "to": "endTime", "filters": "filter"}
    with _parameters_named(fields):
        return await _series(context, scope, wanted)
