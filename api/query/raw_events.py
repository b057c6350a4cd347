"""Aggregates over raw events, for what rollups cannot tell: attributes that are no dimension, and
people under an identity (`people.py`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from api.query.events import column, event_conditions
from api.query.filters import Filter, conditions
from api.query.people import HAS_PERSON, Identity, people_by
from api.query.sources import EVENTS, Source
from api.query.statement import Values
from api.query.timerange import TimeRange

_COLUMNS: Final[Mapping[str, str]] = {
    "count": "sum(weight)",
    "sum": "if(countIf(value IS NOT NULL) = 0, NULL, sum(weight * ifNull(value, 0)))",
    "avg": "sum(weight * ifNull(value, 0)) / nullIf(sumIf(weight, value IS NOT NULL), 0)",
    "min": "min(value)",
    "max": "max(value)",
    "rate": "sum(weight) / {seconds}",
    "uniq_users": "uniqExactIf(user_id, user_id != '')",
    "uniq_sessions": "uniqExactIf(session_id, session_id != '')",
    "percentile": "quantilesExactInclusiveIf({levels})(assumeNotNull(value), value IS NOT NULL)",
}
_SOURCE: Final = replace(EVENTS, columns=_COLUMNS, total="sum(weight)", sampled="max(weight != 1)")


@dataclass(frozen=True, slots=True)
class RawEvents:
    """Events of one name. `rows`: SQL of what stands behind FROM; `where`: the conditions on it;
    `source`: what aggregates are over it."""

    rows: str
    where: Sequence[str]
    source: Source


def raw_events(
    values: Values,
    covered: TimeRange,
    *,
    org: str,
    app: str,
    name: str,
    filters: Sequence[Filter],
    identity: Identity | None,
) -> RawEvents:
    """Events of `name` in a range. `uniq_users` counts the people of `identity`, exactly; without
    one, the users that events name. Raises Rejected."""
    named = [f"name = {values.text(name)}"]
    where = [
        *event_conditions(values, covered, org=org, app=app),
        *named,
        *conditions(filters, values, column(values)),
    ]
    if identity is None:
        return RawEvents("events", where, _SOURCE)
    people = people_by(identity, values, covered, org=org, app=app, events=named)
    columns = {**_COLUMNS, "uniq_users": f"uniqExactIf({people.person}, {HAS_PERSON})"}
    return RawEvents(f"events\n{people.join}", where, replace(_SOURCE, columns=columns))
