"""Raw events as questions see them: who did what and when, their dimensions and attributes.

Whom an event belongs to is in `people.py`. Events of one person are in order of their time, then of
the device's clock.
"""

from typing import Annotated, Final

import msgspec

from api.query.attributes import RawColumns, attribute_column
from api.query.filters import Column, Filter, conditions
from api.query.near import did_you_mean
from api.query.scoping import scope_conditions
from api.query.statement import Values, fill
from api.query.timerange import TimeRange
from api.reasons import QuestionReason
from seamark.wire.dimensions import EVENT_DIMENSIONS
from seamark.wire.failures import Rejected

EventName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
WEIGHT: Final = "reinterpretAsUInt64(weight)"
"""SQL of a weight as a number of `in_order`: the smaller weight is the smaller number."""
_ENVELOPE: Final = {"country": "country", "device": "device_type", "browser": "browser", "os": "os"}


class EventMatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event by its name, and by filters of its own."""

    name: EventName
    filters: list[Filter] = []


def as_match(event: str | EventMatch) -> EventMatch:
    """A name alone is a match without filters."""
    return EventMatch(event) if isinstance(event, str) else event


def event_conditions(values: Values, covered: TimeRange, *, org: str, app: str) -> list[str]:
    """Rows of `events` in scope and range. No event is later than its receipt, and partitions are
    days of receipt, so days before the range are not opened."""
    since = f"fromUnixTimestamp64Milli({values.integer(covered.from_ms)}, 'UTC')"
    until = f"fromUnixTimestamp64Milli({values.integer(covered.to_ms)}, 'UTC')"
    return [
        *scope_conditions(values, org, app),
        f"received_at >= {since}",
        f"time >= {since}",
        f"time < {until}",
    ]


def matching(values: Values, match: EventMatch, field: str) -> str:
    """SQL that is true of the events of a match. `field` is where it stands in the request."""
    found = [f"name = {values.text(match.name)}"]
    try:
        found += conditions(match.filters, values, column(values))
    except Rejected as failure:
        raise Rejected(failure.reason, failure.message, field=f"{field}.{failure.field}") from None
    return " AND ".join(found)


def dimension(key: str, field: str) -> str:
    """SQL (a string) of a bounded dimension. Raises Rejected when there is no such dimension."""
    if key in ("app", "name"):
        return f"toString({key})"
    if key not in EVENT_DIMENSIONS:
        raise Rejected(
            QuestionReason.NOT_A_DIMENSION,
            f"{key[:60]!r} is not a dimension of events."
            f"{did_you_mean(key[:60], (*EVENT_DIMENSIONS, 'app', 'name'))} The dimensions are: "
            f"{', '.join(sorted((*EVENT_DIMENSIONS, 'app', 'name')))}. Filters take any attribute.",
            field=field,
        )
    sources = [_source(source) for source in EVENT_DIMENSIONS[key]]
    sql = sources[-1]
    for source in reversed(sources[:-1]):
        sql = f"if({source} != '', {source}, {sql})"
    return sql


def in_order(time: str, ts: str, third: str, fourth: str) -> str:
    """SQL (a UInt256) by which events are in order: of these, each a column or a number (UInt64).

    To group and sort numbers is several times as fast as tuples.
    """
    return fill("event_order", time=time, ts=ts, third=third, fourth=fourth)


def _source(source: str) -> str:
    place, _, name = source.partition(".")
    return f"toString({_ENVELOPE[name]})" if place == "envelope" else f"{place}['{name}']"


_COLUMNS: Final = RawColumns(
    "events",
    {key: dimension(key, "") for key in (*EVENT_DIMENSIONS, "app", "name")},
    {"attr": "attrs", "device": "device"},
)


def column(values: Values) -> Column:
    """SQL of a key in filters: a dimension, else an attribute of the event, else of its device."""
    return attribute_column(values, _COLUMNS)
