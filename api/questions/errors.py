"""`POST /v1/query/errors`: rates from rollups, groups from the table of errors.

What is counted is said in `error_rates.py` and `error_groups.py`; what makes a group in
`error_grouping.py`.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from api.answers import Meta
from api.query.request import QueryScope
from api.questions.columns import Column, count, instant, ratio, text
from api.questions.error_groups import GroupRow, plan_error_groups
from api.questions.error_rates import MAX_RELEASES, ErrorsRequest, ReleaseRow, plan_error_rates
from api.questions.question import AnswerPart, Question, StoreQuery


class ReleaseErrors(msgspec.Struct, frozen=True):
    """Errors of a release (empty: without one), what they are measured against, and their share.

    `rate` is null where there is nothing to measure against; it is above 1 where there are more
    errors than views.
    """

    release: str
    errors: int | float
    against: int | float
    rate: float | None


class ErrorSample(msgspec.Struct, frozen=True, rename="camel"):
    """One occurrence. `time`: epoch ms. A trace and span where it came in one."""

    time: int
    event_id: str
    trace_id: str
    span_id: str
    release: str
    message: str
    stacktrace: str


class ErrorGroup(msgspec.Struct, frozen=True, rename="camel"):
    """Errors of one group. Times are epoch ms, of the range alone. `message` and `frame` are as the
    rule of groups leaves them.

    `newIn`: the release it is new in, empty if it is not. `service` is empty for native events.
    `people` is null where no occurrence names anybody.
    """

    fingerprint: str
    app: str
    service: str
    type: str
    message: str
    frame: str
    count: int | float
    people: int | None
    first_seen: int
    last_seen: int
    releases: list[str]
    new_in: str
    sample: ErrorSample


class ErrorsAnswer(msgspec.Struct, frozen=True):
    """Rates of native error events, of all and by release; and groups, the most frequent first."""

    columns: list[Column]
    total: ReleaseErrors
    releases: list[ReleaseErrors]
    groups: list[ErrorGroup]
    meta: Meta


def _rates(rows: Sequence[ReleaseRow]) -> AnswerPart:
    total, *releases = [
        ReleaseErrors(
            row.release, row.errors, row.against, row.errors / row.against if row.against else None
        )
        for row in rows
    ] or [ReleaseErrors("", 0, 0, None)]
    return AnswerPart(
        {"total": total, "releases": releases[:MAX_RELEASES]},
        truncated=len(releases) > MAX_RELEASES,
        sampled=any(row.sampled for row in rows),
    )


def _groups(request: ErrorsRequest, rows: Sequence[GroupRow]) -> AnswerPart:
    shown = rows[: request.limit]
    groups = [
        ErrorGroup(
            fingerprint=row.fingerprint,
            app=row.app,
            service=row.service,
            type=row.type,
            message=row.message,
            frame=row.frame,
            count=row.count,
            people=row.people or None,
            first_seen=row.first_ms,
            last_seen=row.last_ms,
            releases=row.releases,
            new_in=row.new_in,
            sample=ErrorSample(*row.sample),
        )
        for row in shown
    ]
    return AnswerPart(
        {"groups": groups},
        truncated=len(rows) > request.limit,
        sampled=any(row.sampled for row in shown),
    )


def _plan(request: ErrorsRequest, scope: QueryScope) -> list[StoreQuery[Any]]:
    groups = plan_error_groups(request, scope)
    return [
        StoreQuery("error_rates", plan_error_rates(request, scope), ReleaseRow, _rates),
        StoreQuery("error_groups", groups, GroupRow, lambda rows: _groups(request, rows)),
    ]


QUESTION: Final = Question(
    kind="errors",
    title="Errors",
    summary="Error rates, by release, and groups of errors.",
    request=ErrorsRequest,
    answer=ErrorsAnswer,
    plan=_plan,
    columns=(
        text("groups", "type", "Type", label="type"),
        text("groups", "message", "Message", label="message"),
        count("groups", "count", "Count"),
        count("groups", "people", "People"),
        text("groups", "newIn", "New in"),
        text("groups", "releases", "Releases"),
        instant("groups", "firstSeen", "First seen"),
        instant("groups", "lastSeen", "Last seen"),
        text("groups", "app", "App", label="app"),
        Column("groups", "service", "Service", "service", "", "service"),
        text("groups", "frame", "Frame"),
        Column("groups", "sample.traceId", "Trace ID", "trace", ""),
        text("groups", "sample.message", "As it was"),
        text("groups", "sample.stacktrace", "Stack trace"),
        Column("groups", "fingerprint", "Fingerprint", "id", "", "fingerprint"),
        text("releases", "release", "Release", label="release"),
        count("releases", "errors", "Errors"),
        count("releases", "against", "Of"),
        ratio("releases", "rate", "Rate"),
        count("total", "errors", "Errors"),
        ratio("total", "rate", "Rate", headline=True),
    ),
    example={},
)
