"""Compatibility routes for scripts: `/api/query`, `/metrics?name=`, `/v1/metrics/{name}`.

Their parameters become a request for `timeseries` or `top`; nothing is planned here.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec

from api.query.decode import parameters_of
from api.query.near import did_you_mean
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Instant = Annotated[str, msgspec.Meta(max_length=64)]
FilterText = Annotated[str, msgspec.Meta(max_length=4096)]
Filters = Annotated[list[FilterText], msgspec.Meta(max_length=20)]
SERIES_AGGREGATES: Final = ("count", "sum", "avg", "min", "max")


class MinutesRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Average, most and least of each minute between `start` and `end`."""

    name: Name
    start: Instant = "now-1h"
    end: Instant = "now"


class NumbersRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A metric over the last `range`: by `group_by`, or without it as a series.

    `filter`: `dimension:value`, several separated by commas, or the parameter again; all apply.
    Every other parameter is a dimension of the metric: `country=US` is the filter `country:US`, and
    where it repeats, either value is let through. `agg`: as of series; without it the average where
    the metric has values, else the count.
    """

    name: Name
    range: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,5}[smhdw]$")] = "7d"
    group_by: Annotated[str, msgspec.Meta(max_length=128)] = ""
    filter: Filters = []
    agg: Annotated[str, msgspec.Meta(max_length=16)] = ""


class MetricRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Series of one metric. `agg`: aggregates separated by commas. `filter` as of `/metrics`."""

    start_time: Instant = "now-24h"
    end_time: Instant = "now"
    granularity: Annotated[str, msgspec.Meta(max_length=16)] = "auto"
    agg: Annotated[str, msgspec.Meta(max_length=256)] = ",".join(SERIES_AGGREGATES)
    group_by: Annotated[str, msgspec.Meta(max_length=512)] = ""
    filter: Filters = []
    tz: Annotated[str, msgspec.Meta(max_length=64)] = "UTC"
    week_start: Annotated[str, msgspec.Meta(max_length=9)] = "monday"


class MinuteValues(msgspec.Struct, frozen=True):
    """One minute (its start, epoch ms); null where no event of it has a value."""

    time: int
    avg: float | None
    max: float | None
    min: float | None


class MinutesAnswer(msgspec.Struct, frozen=True):
    """Minutes in order of time; those without events are left out."""

    data: list[MinuteValues]


def filters_of(texts: Iterable[str]) -> list[dict[str, Any]]:
    """`device:mobile,country:US` as filters. Raises Rejected."""
    found = []
    for part in (part for text in texts for part in text.split(",") if part):
        key, colon, value = part.partition(":")
        if not colon or not key:
            raise Rejected(
                QuestionReason.INVALID_FILTER,
                f"filter {part[:60]!r} is not dimension:value; separate several by commas.",
                field="filter",
            )
        found.append({"key": key.strip(), "value": value.strip()})
    return found


def split_parameters(
    parameters: Iterable[tuple[str, str]], kind: type[msgspec.Struct]
) -> tuple[list[tuple[str, str]], dict[str, list[str]]]:
    """Those of the request's own, and the others with all their values."""
    own = parameters_of(kind)
    known: list[tuple[str, str]] = []
    others: dict[str, list[str]] = {}
    for name, value in parameters:
        if name in own:
            known.append((name, value))
        else:
            others.setdefault(name, []).append(value)
    return known, others


def dimension_filters(others: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """Parameters that are dimensions, as filters."""
    return [
        {"key": name, "value": values[0]}
        if len(values) == 1
        else {"key": name, "op": "in", "value": values}
        for name, values in others.items()
    ]


def unknown_parameter(
    name: str, kind: type[msgspec.Struct], failure: Rejected[QuestionReason]
) -> Rejected[QuestionReason]:
    """The failure for a parameter that is none, and no dimension either."""
    own = parameters_of(kind)
    return Rejected(
        failure.reason,
        f"{name[:60]!r} is no parameter ({', '.join(own)}) and no dimension."
        f"{did_you_mean(name[:60], own)} {failure.message}",
        field=name[:60],
    )
