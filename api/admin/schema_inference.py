"""Proposing a schema of events from those of the last day."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from api.admin.forms import ProposedSchema
from api.query.scoping import scope_conditions
from api.query.statement import Statement, Values, fill
from api.query.typed_attributes import typed_attributes
from api.reasons import QuestionReason
from api.store import QuestionStore
from seamark.service.registry import AppRecord
from seamark.service.registry.inference import proposed_schema
from seamark.wire.failures import Rejected, Unavailable

_DAY_MS: Final = 86_400_000
_MOST_EVENTS: Final = 5_000


class TypedRow(msgspec.Struct, array_like=True, frozen=True):
    """One event, as far as its form goes; attributes are JSON."""

    attrs: str
    device: str
    value: float | None
    unit: str
    has_id: bool | int
    has_session: bool | int
    has_user: bool | int


async def infer(
    store: QuestionStore | None, app: AppRecord, event_type: str, *, now_ms: int
) -> Any:
    """What the events of the last day look like. Raises Rejected (NOT_FOUND), Unavailable."""
    if store is None:
        raise Unavailable("This process has no store.", reason=QuestionReason.UNAVAILABLE)
    rows = await store.ask(_statement(app, event_type, now_ms=now_ms), TypedRow)
    if not rows.rows:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            f"App {app.app} stored no event of type {event_type[:80]!r} in the last day.",
            field="eventType",
        )
    documents = _documents(rows.rows)
    return ProposedSchema(
        event_type=event_type, schema=proposed_schema(documents), events=len(documents)
    )


def _statement(app: AppRecord, event_type: str, *, now_ms: int) -> Statement:
    values = Values()
    where = [
        *scope_conditions(values, app.org, app.app),
        f"name = {values.text(event_type)}",
        f"time >= fromUnixTimestamp64Milli({values.integer(now_ms - _DAY_MS)})",
    ]
    sql = fill(
        "events_of_a_type",
        attributes=typed_attributes("attrs", "attr_types"),
        device=typed_attributes("device", "device_types"),
        where=" AND ".join(where),
        limit=values.add(_MOST_EVENTS, "UInt64"),
    )
    return values.statement(sql)


def _documents(rows: Sequence[TypedRow]) -> list[dict[str, Any]]:
    """The events as schemas see them; what is not there is left out."""
    made = []
    for row in rows:
        attrs, device = msgspec.json.decode(row.attrs), msgspec.json.decode(row.device)
        document: dict[str, Any] = {"name": "", "ts": 0}
        document |= {"attrs": attrs} if attrs else {}
        document |= {"device": device} if device else {}
        document |= {} if row.value is None else {"value": row.value}
        document |= {"unit": row.unit} if row.unit else {}
        for name, there in (
            ("id", row.has_id),
            ("sessionId", row.has_session),
            ("userAnonId", row.has_user),
        ):
            document |= {name: ""} if there else {}
        made.append(document)
    return made
