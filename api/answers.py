"""What questions are answered with. These types are also the published schema (`/openapi.json`)."""

from typing import Annotated, Any, Literal

import msgspec

_ROWS = {
    "type": "array",
    "items": {"type": "array", "items": {"type": ["number", "null"]}},
}


class Meta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How an answer came about.

    `from`, `to`: the whole buckets answered, epoch milliseconds. `partial`: the starts of buckets
    that had not ended when this was answered. `stale`: the store was away and this is an earlier
    answer. `truncated`: there is more than was returned; "damaged": rows of the range are lost in
    the store until it is repaired. `sampled`: counts are estimates, weighted by the sampling rate.
    """

    rows_read: int
    bytes_read: int
    cache: Literal["hit", "miss", "off"] = "off"
    stale: bool = False
    truncated: bool | Literal["damaged"] = False
    sampled: bool = False
    granularity: str | msgspec.UnsetType = msgspec.UNSET
    source: Literal["events", "metrics", "spans", "none"] | msgspec.UnsetType = msgspec.UNSET
    from_: int | msgspec.UnsetType = msgspec.field(name="from", default=msgspec.UNSET)
    to: int | msgspec.UnsetType = msgspec.UNSET
    partial: list[int] | msgspec.UnsetType = msgspec.UNSET
    sql: str | msgspec.UnsetType = msgspec.UNSET


class Series(msgspec.Struct, frozen=True):
    """One series; `rows` are `[start of the bucket in epoch ms, one value for each column …]`."""

    labels: dict[str, str]
    rows: Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema=_ROWS)]


class Exemplar(msgspec.Struct, frozen=True, rename="camel"):
    """A trace to look at for one bucket (its start, epoch ms) of the series with these labels.

    `value`: what was measured in it, of metrics.
    """

    labels: dict[str, str]
    time: int
    trace_id: str
    value: float | None = None


class TimeseriesAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Series, the one that counts most first. Empty buckets are left out.

    `exemplars`, where they were asked for: of the series that are shown, the latest first.
    """

    columns: list[str]
    series: list[Series]
    exemplars: list[Exemplar] | msgspec.UnsetType = msgspec.UNSET
    meta: Meta


class ErrorDetail(msgspec.Struct, frozen=True, omit_defaults=True):
    """`field` is the path of the offending field, if there is one."""

    reason: str
    message: str
    field: str = ""


class ErrorAnswer(msgspec.Struct, frozen=True):
    """Every failure has this form."""

    error: ErrorDetail


def encode(answer: msgspec.Struct | dict[str, Any]) -> bytes:
    """JSON."""
    return msgspec.json.encode(answer)
