"""`GET /v1/events/{id}`: a native event by its id, and the files of the archive that hold it.

An id is unique within an app for 24 hours (later the same id is another event), so there may be
several events: those still in the store, the latest received first. An id is any text; in an
address a slash in it may be percent-encoded or not. A file is named when it holds rows of the
event's app and minute of receipt.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.query.request import Plan, QueryScope, ScopedRequest
from api.query.scoping import scope_conditions
from api.query.statement import Values, fill
from api.query.timerange import DAY_MS, TimeRange
from api.query.typed_attributes import TypedAttributes, as_answered, typed_attributes
from api.questions.columns import Column, instant, text
from api.questions.question import ANY_TEXT, AnswerPart, Question, StoreQuery
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_EVENTS: Final = 100
MAX_ID_CHARS: Final = 1024


class EventRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """`id`: the event's own id, as it was sent."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS, title="Id")]


class EventRow(msgspec.Struct, array_like=True, frozen=True):
    """One event. Times are epoch ms, attributes JSON."""

    id: str
    app: str
    name: str
    time: int
    ts: int
    time_flag: int
    skew_ms: int
    received_at: int
    receipt_id: str
    weight: float
    value: float | None
    unit: str
    session_id: str
    user_id: str
    attributes: str
    device: str
    country: str
    browser: str
    browser_version: str
    os: str
    os_version: str
    device_type: str
    sdk_name: str
    sdk_version: str


class StoredEvent(msgspec.Struct, frozen=True, rename="camel"):
    """A native event as it is stored. Times are epoch ms; `ts` is the device's own.

    `timeFlag` 1: the device's time was not usable, `time` is that of receipt. `userId` is the hash
    that is stored. `country` to `deviceType` are what the collector found out.
    """

    id: str
    app: str
    name: str
    time: int
    ts: int
    time_flag: int
    skew_ms: int
    received_at: int
    receipt_id: str
    weight: float
    value: float | None
    unit: str
    session_id: str
    user_id: str
    attributes: TypedAttributes
    device: TypedAttributes
    country: str
    browser: str
    browser_version: str
    os: str
    os_version: str
    device_type: str
    sdk_name: str
    sdk_version: str


class EventFilesRow(msgspec.Struct, array_like=True, frozen=True):
    """Paths in the archive, and whether it has every row of the events' minutes."""

    paths: list[str]
    complete: bool | int


class EventFiles(msgspec.Struct, frozen=True):
    """Files of the archive with rows of the events' app and minute of receipt.

    `complete`: every row of those minutes is archived, so the events are in these files. Else the
    archive has yet to write some.
    """

    files: list[str]
    complete: bool


class EventAnswer(msgspec.Struct, frozen=True):
    """The events of this id."""

    columns: list[Column]
    events: list[StoredEvent]
    archived: EventFiles
    meta: Meta


def _values(request: EventRequest, scope: QueryScope) -> tuple[Values, str]:
    values = Values()
    where = scope_conditions(values, scope.org, scope.app)
    return values, " AND ".join([*where, f"event_id = {values.text(request.id)}"])


def plan_event(request: EventRequest, scope: QueryScope) -> Plan:
    """The statement for the events."""
    values, where = _values(request, scope)
    sql = fill(
        "event",
        where=where,
        attributes=typed_attributes("attrs", "attr_types"),
        device=typed_attributes("device", "device_types"),
        limit=values.add(MAX_EVENTS + 1, "UInt64"),
    )
    return Plan(values.statement(sql), _kept(scope))


def plan_event_files(request: EventRequest, scope: QueryScope) -> Plan:
    """The statement for the files of the archive."""
    values, where = _values(request, scope)
    sql = fill(
        "event_files",
        where=where,
        scope=" AND ".join(scope_conditions(values, scope.org, scope.app)),
        org=values.text(scope.org),
    )
    return Plan(values.statement(sql), _kept(scope))


def _kept(scope: QueryScope) -> TimeRange:
    return TimeRange(max(scope.now_ms - scope.search_days * DAY_MS, 0), scope.now_ms)


def _events(rows: Sequence[EventRow]) -> AnswerPart:
    if not rows:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            "No event of this id is in the store: it may not be stored yet, be older than raw rows "
            "are kept (30 days; the archive has it), or be outside this token's scope.",
            field="id",
        )
    found = [_stored(row) for row in rows[:MAX_EVENTS]]
    return AnswerPart({"events": found}, truncated=len(rows) > MAX_EVENTS)


def _stored(row: EventRow) -> StoredEvent:
    fields = msgspec.structs.asdict(row)
    for name in ("attributes", "device"):
        fields[name] = as_answered(fields[name])
    return StoredEvent(**fields)


def _files(rows: Sequence[EventFilesRow]) -> AnswerPart:
    paths = sorted({path for row in rows for path in row.paths})
    complete = bool(paths) and all(row.complete for row in rows)
    return AnswerPart({"archived": EventFiles(paths, complete)})


def _plan(
    request: EventRequest, scope: QueryScope
) -> list[StoreQuery[EventRow] | StoreQuery[EventFilesRow]]:
    return [
        StoreQuery("event", plan_event(request, scope), EventRow, _events),
        StoreQuery("event_files", plan_event_files(request, scope), EventFilesRow, _files),
    ]


QUESTION: Final = Question(
    kind="event",
    title="Event",
    summary="A native event by its id, and the files of the archive that hold it.",
    request=EventRequest,
    answer=EventAnswer,
    plan=_plan,
    columns=(
        instant("events", "time", "Time"),
        text("events", "name", "Event"),
        text("events", "app", "App"),
        text("events", "receiptId", "Receipt"),
    ),
    example={"id": "e-1"},
    cached=False,
    method="GET",
    route="/v1/events/{id}",
    path_parameters={"id": ANY_TEXT},
)
