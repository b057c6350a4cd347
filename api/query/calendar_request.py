"""Questions about raw rows whose buckets are those of a calendar: its fields, and their buckets."""

from zoneinfo import ZoneInfo

from api.query.buckets import Buckets, choose_buckets
from api.query.calendar import calendar_of
from api.query.request import MINUTES, QueryScope, QuestionRequest
from api.query.request_fields import WeekStartField, ZoneField
from api.query.timerange import DAY_MS, MINUTE_MS, parse_range


class CalendarRequest(QuestionRequest, frozen=True, kw_only=True, rename="camel"):
    """Buckets are those of the time zone `tz` (IANA), weeks begin on `weekStart`; an ISO 8601 time
    without an offset is of that zone."""

    tz: ZoneField = "UTC"
    week_start: WeekStartField = "monday"


def raw_buckets(
    request: CalendarRequest,
    scope: QueryScope,
    granularity: str,
    *,
    auto_buckets: int,
    most_buckets: int,
) -> Buckets:
    """The buckets that touch the range. Raises Rejected, also for a range that is too long."""
    calendar = calendar_of(request.tz, request.week_start)
    asked = parse_range(
        request.from_,
        request.to,
        now_ms=scope.now_ms,
        longest_ms=scope.search_days * DAY_MS,
        zone=ZoneInfo(calendar.zone),
    )
    if granularity == "all":
        whole = MINUTES.cover(asked)
        return Buckets("all", whole, whole.length_ms, whole.from_ms)
    return choose_buckets(
        granularity,
        asked,
        calendar=calendar,
        finest_ms=MINUTE_MS,
        auto_buckets=auto_buckets,
        most_buckets=most_buckets,
    )
