"""Types of fields that several requests have: limits of a text, and what an editor makes of it."""

from typing import Annotated, Final

import msgspec

from api.query.calendar import WeekStart

SPAN_STATUSES: Final = ("ok", "error", "unset")
_AGGREGATES: Final = (
    *("count", "sum", "avg", "min", "max", "rate", "p50", "p75", "p90", "p95", "p99"),
    *("uniq_users", "uniq_sessions", "last", "sum_last", "avg_last"),
)
_GRANULARITIES: Final = ("auto", "1m", "5m", "15m", "1h", "6h", "1d", "1w")
_SEVERITIES: Final = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")

MetricField = Annotated[
    str,
    msgspec.Meta(
        max_length=255,
        title="Metric",
        description="An event, an OpenTelemetry metric, or traces.span.duration",
        extra={"completes": "metric"},
    ),
]
LabelField = Annotated[
    str, msgspec.Meta(max_length=128, title="Group by", extra={"completes": "label"})
]
ServiceField = Annotated[
    str, msgspec.Meta(max_length=255, title="Service", extra={"completes": "service"})
]
AggregateField = Annotated[str, msgspec.Meta(extra={"suggests": _AGGREGATES})]
GranularityField = Annotated[
    str, msgspec.Meta(max_length=16, title="Buckets", extra={"suggests": _GRANULARITIES})
]
ZoneField = Annotated[str, msgspec.Meta(max_length=64, title="Time zone")]
WeekStartField = Annotated[WeekStart, msgspec.Meta(title="Week starts on")]
SeverityField = Annotated[
    str | int, msgspec.Meta(title="At least", extra={"suggests": _SEVERITIES})
]
BodyField = Annotated[str, msgspec.Meta(max_length=1024, title="Contains")]
TraceField = Annotated[str, msgspec.Meta(title="Trace")]
HiddenFlag = Annotated[bool, msgspec.Meta(extra={"hidden": True})]
CursorField = Annotated[str, msgspec.Meta(extra={"hidden": True})]
