"""What questions about raw events and services have in common: request fields, range, plan."""

from dataclasses import dataclass
from typing import Final

import msgspec

from api.query.filters import Filter
from api.query.statement import Statement
from api.query.timerange import DAY_MS, MINUTE_MS, Granularity, TimeRange, parse_range

MINUTES: Final = Granularity(MINUTE_MS)


class Asked(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What every one of these questions may say.

    `sql` asks for the statement in `meta.sql`; `cache: false` asks the store in any case.
    """

    from_: str | int | float = msgspec.field(name="from", default="now-24h")
    to: str | int | float = "now"
    filters: list[Filter] = []
    cache: bool = True
    sql: bool = False
    org_id: str = ""
    app_id: str = ""


@dataclass(frozen=True, slots=True)
class Within:
    """For whom and when a question is planned. `app` empty: all apps of the org.

    `search_days` is the longest range that raw rows are read for, `minute_days` how long rollups
    per minute are kept.
    """

    org: str
    app: str
    now_ms: int
    search_days: int
    minute_days: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One statement, and the range it answers. `granularity` empty: there are no buckets."""

    statement: Statement
    range: TimeRange
    granularity: str = ""


def raw_range(request: Asked, within: Within, whole: Granularity = MINUTES) -> TimeRange:
    """The range of a question about raw rows, widened to whole minutes (or `whole`).

    So equal questions of one minute are equal statements. Raises Refused when it is empty, no
    time, or longer than raw rows are read for.
    """
    asked = parse_range(
        request.from_,
        request.to,
        now_ms=within.now_ms,
        longest_ms=within.search_days * DAY_MS,
    )
    return whole.cover(asked)
