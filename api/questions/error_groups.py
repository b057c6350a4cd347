"""`POST /v1/query/errors`, the groups: which errors are one and the same.

Occurrences are native error events, and exceptions in spans (events named `exception`) and log
records (those with an `exception.type`). What makes a group is in `error_grouping.py`; the
fingerprint is a hash of it. An exception of a log record is not counted where a span of the same
trace and span id, which began within an hour, recorded one of the same type.

A group is *new in* a release when all its occurrences in the range are of that one release, and
that release is the newest of the app on each platform (`platform` of events) that they come from:
the one of several in the range whose first event came last (by the hour). Spans and log records
name no platform: theirs is compared with the releases of the whole app.

Occurrences are read from the table of errors. It does not have events that are errors by another
name alone than `exception` and `error`: those come from raw events, which are sorted by name.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

import msgspec

from api.query.events import column, event_conditions
from api.query.filters import conditions
from api.query.request import Plan, QueryScope
from api.query.scoping import scope_conditions, time_conditions
from api.query.search import raw_time_conditions
from api.query.sources import EVENTS
from api.query.statement import Values, fill
from api.query.timerange import HOUR_MS, Granularity, TimeRange
from api.questions.error_grouping import (
    ANY_FRAME,
    BUILD,
    FRAME,
    INNERMOST_LAST,
    MAX_FRAMES,
    MAX_LINES,
    OUTSIDE,
    PLACEHOLDER,
    POSITION,
    VALUES,
)
from api.questions.error_rates import ErrorsRequest, errors_range
from seamark.wire.dimensions import EVENT_DIMENSIONS

RECORDED_NAMES: Final = frozenset({"exception", "error"})
"""Events of these names are in the table of errors, `exception.type` or not."""
MAX_MESSAGE_CHARS: Final = 300
"""Of a message, after its values were replaced."""
_AROUND_MS: Final = HOUR_MS
"""Spans are looked for so far around the range, as log records are later than their span began."""


class GroupRow(msgspec.Struct, array_like=True, frozen=True):
    """One group. Times are epoch ms; `sample` is its latest occurrence."""

    fingerprint: str
    app: str
    service: str
    type: str
    message: str
    frame: str
    count: int | float
    people: int
    first_ms: int
    last_ms: int
    releases: list[str]
    new_in: str
    sample: tuple[int, str, str, str, str, str, str]
    sampled: bool | int


def plan_error_groups(request: ErrorsRequest, scope: QueryScope) -> Plan:
    """The statement; one group more than `limit`, to tell whether it is all. Raises Rejected."""
    covered, _ = errors_range(request, scope)
    values = Values()
    in_scope = scope_conditions(values, scope.org, scope.app)
    sources = [_recorded(request, values, in_scope, covered)]
    if others := sorted(set(request.names) - RECORDED_NAMES):
        where = [
            *event_conditions(values, covered, org=scope.org, app=scope.app),
            f"name IN ({_texts(others, values)})",
            "NOT mapContains(attrs, 'exception.type')",
            *conditions(request.filters, values, _of_events(values)),
        ]
        of = column(values)
        release, platform = of("release", "filters"), of("platform", "filters")
        sources.append(
            fill("error_events", release=release, platform=platform, where=" AND ".join(where))
        )
    hours = Granularity(HOUR_MS).cover(covered)
    return Plan(
        values.statement(
            fill(
                "error_groups",
                occurrences="\n        UNION ALL\n".join(sources),
                **_rule(values),
                releases=" AND ".join([*in_scope, *time_conditions(values, hours)]),
                limit=values.add(request.limit + 1, "UInt64"),
            )
        ),
        covered,
    )


def _recorded(request: ErrorsRequest, values: Values, scope: list[str], covered: TimeRange) -> str:
    """SQL of the occurrences that the table of errors has."""
    sources = ["'event'", *["'span'"] * request.spans, *["'log'"] * request.logs]
    named = f" OR name IN ({_texts(request.names, values)})" if request.names else ""
    columns = {"app": "toString(app)", "release": "toString(release)", "error": "toString(kind)"}
    filters = [
        f"source IN ({', '.join(sources)})",
        f"(source != 'event' OR kind != ''{named})",
        *_once(request, values, scope, covered),
        *conditions(
            request.filters,
            values,
            lambda key, field: columns.get(_known(key, values, field), f"dims['{key}']"),
        ),
    ]
    where = " AND ".join([*scope, *raw_time_conditions(values, covered)])
    return fill("error_occurrences", where=where, filters=" AND ".join(filters))


def _once(
    request: ErrorsRequest, values: Values, scope: list[str], covered: TimeRange
) -> list[str]:
    if not (request.spans and request.logs):
        return []
    wider = TimeRange(max(covered.from_ms - _AROUND_MS, 0), covered.to_ms + _AROUND_MS)
    around = " AND ".join([*scope, *raw_time_conditions(values, wider)])
    return [fill("error_once", around=around)]


def _of_events(values: Values) -> Callable[[str, str], str]:
    """SQL of a dimension of raw events."""
    of = column(values)
    return lambda key, field: of(_known(key, values, field), field)


def _texts(names: Iterable[str], values: Values) -> str:
    return ", ".join(values.text(name) for name in sorted(set(names)))


def _known(key: str, values: Values, field: str) -> str:
    """The key, if the rates can be filtered by it too. Raises Rejected."""
    if key not in EVENT_DIMENSIONS:
        EVENTS.dimension(key, values, field)
    return key


def _rule(values: Values) -> dict[str, str]:
    """The slots that error_grouping.py fills: its patterns are values of the statement."""

    def replaced(sql: str, patterns: Sequence[str], by: str) -> str:
        for pattern in patterns:
            sql = f"replaceRegexpAll({sql}, {values.text(pattern)}, {values.text(by)})"
        return sql

    def normal(line: str) -> str:
        return f"substring({replaced(line, VALUES, PLACEHOLDER)}, 1, {MAX_MESSAGE_CHARS})"

    return {
        "normal_line": normal("substringIndex(latest.6, '\\n', 1)"),
        "normal_sample": normal("substringIndex(sample.6, '\\n', 1)"),
        "normal_frames": replaced(replaced("joined", [POSITION], ""), [BUILD], PLACEHOLDER),
        "frame": values.text(FRAME),
        "any_frame": values.text(ANY_FRAME),
        "outside": values.text(OUTSIDE),
        "innermost_last": values.text(INNERMOST_LAST),
        "max_lines": str(MAX_LINES),
        "max_frames": str(MAX_FRAMES),
    }
