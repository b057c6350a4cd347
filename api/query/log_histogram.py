"""`POST /v1/query/logs/histogram`: how many log records there are, by level and time."""

from typing import Annotated, Final

import msgspec

from api.query.logs import LogsRequest, log_conditions
from api.query.request import Plan, QueryScope, QuestionRequest, raw_range
from api.query.statement import Values, fill
from api.query.timerange import MINUTE_MS, choose_granularity

LEVELS: Final = ("trace", "debug", "info", "warn", "error", "fatal")
"""Each is four severity numbers, from 1.
Source: https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber"""


class LogHistogramRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """A search as of `POST /v1/query/logs`, counted by level and buckets of time."""

    from_: str | int | float = msgspec.field(name="from", default="now-1h")
    granularity: Annotated[str, msgspec.Meta(max_length=16)] = "auto"
    service: Annotated[str, msgspec.Meta(max_length=255)] = ""
    severity: str | int = 0
    contains: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    trace_id: str = ""


class LevelRow(msgspec.Struct, array_like=True, frozen=True):
    """One level; `place` in LEVELS from 1, 0 for records without a severity."""

    place: int
    points: msgspec.Raw
    sampled: bool | int


def plan_log_histogram(request: LogHistogramRequest, scope: QueryScope) -> Plan:
    """The statement; whole buckets. Raises Rejected."""
    asked = raw_range(request, scope)
    granularity = choose_granularity(
        request.granularity, asked, finest_ms=MINUTE_MS, auto_buckets=120, most_buckets=1000
    )
    covered = granularity.cover(asked)
    values = Values()
    search = LogsRequest(
        service=request.service,
        severity=request.severity,
        contains=request.contains,
        filters=request.filters,
        trace_id=request.trace_id,
    )
    return Plan(
        values.statement(
            fill(
                "log_histogram",
                origin=values.integer(granularity.origin_ms),
                step=values.integer(granularity.length_ms),
                where=" AND ".join(log_conditions(search, values, covered, scope.org, scope.app)),
            )
        ),
        covered,
        granularity.text,
    )
