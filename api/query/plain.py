"""Questions as query strings, for scripts: `/api/query`, `/metrics?name=`, `/v1/metrics/{name}`.

Each becomes a request of its own kind (`timeseries`, `top`); nothing is planned here.
"""

from typing import Annotated, Final

import msgspec

from api.query.filters import Filter
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Instant = Annotated[str, msgspec.Meta(max_length=64)]
SERIES_AGGREGATES: Final = ("count", "sum", "avg", "min", "max")


class MinutesRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Average, most and least of each minute between `start` and `end`."""

    name: Name
    start: Instant = "now-1h"
    end: Instant = "now"


class ValuesRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A metric over the last `range`: by `group_by`, or without it as a series.

    `filter`: `dimension:value`, several of them separated by commas. `agg`: as of series; without
    it the average where the metric has values, else the count.
    """

    name: Name
    range: Annotated[str, msgspec.Meta(pattern="^[1-9][0-9]{0,5}[smhdw]$")] = "7d"
    group_by: Annotated[str, msgspec.Meta(max_length=128)] = ""
    filter: Annotated[str, msgspec.Meta(max_length=4096)] = ""
    agg: Annotated[str, msgspec.Meta(max_length=16)] = ""


class MetricRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Series of one metric. `agg`: aggregates separated by commas."""

    start_time: Instant = "now-24h"
    end_time: Instant = "now"
    granularity: Annotated[str, msgspec.Meta(max_length=16)] = "auto"
    agg: Annotated[str, msgspec.Meta(max_length=256)] = ",".join(SERIES_AGGREGATES)
    group_by: Annotated[str, msgspec.Meta(max_length=512)] = ""
    filter: Annotated[str, msgspec.Meta(max_length=4096)] = ""


def plain_filters(text: str) -> list[Filter]:
    """`device:mobile,country:US` as filters. Raises Rejected."""
    found = []
    for part in filter(None, text.split(",")):
        key, colon, value = part.partition(":")
        if not colon or not key:
            raise Rejected(
                QuestionReason.INVALID_FILTER,
                f"filter {part[:60]!r} is not dimension:value; separate several by commas.",
                field="filter",
            )
        found.append(Filter(key.strip(), "=", value.strip()))
    return found
