"""Dead letters: which ones a page or a replay is about, and the statement that finds them."""

import base64
import binascii
import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from api.query.request import Instant, Plan, QueryScope, ScopedRequest
from api.query.request_fields import CursorField
from api.query.scoping import scope_conditions
from api.query.statement import Values, fill
from api.query.timerange import TimeRange, parse_range
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_DEAD_LETTERS: Final = 1_000
_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([0-9a-f-]{36})\Z")


class SelectionRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """Which dead letters, newest first. `cursor`: from an earlier answer, for the next page."""

    from_: Instant = msgspec.field(name="from", default="now-24h")
    to: Instant = "now"
    app_id: str = msgspec.field(name="app", default="")
    reason: Annotated[str, msgspec.Meta(max_length=64, title="Reason")] = ""
    name: Annotated[str, msgspec.Meta(max_length=128, title="Name")] = ""
    cursor: Annotated[CursorField, msgspec.Meta(max_length=64)] = ""

    def covered(self, scope: QueryScope) -> TimeRange:
        """The range of receipt. Raises Rejected."""
        return parse_range(self.from_, self.to, now_ms=scope.now_ms)


class DeadLetterRow(msgspec.Struct, array_like=True, frozen=True):
    """One row of the statement. `original` is base64; `replayed_ms` is 0 when it never was."""

    dead_letter_id: str
    app: str
    signal: str
    received_ms: int
    receipt: str
    index: int
    reason: str
    field: str
    message: str
    name: str
    original: str
    key_id: str
    sent_ms: int
    sdk_name: str
    sdk_version: str
    protocol: str
    replayed_ms: int
    replay_receipt: str


def original_of(row: DeadLetterRow) -> bytes:
    """The bytes of a dead letter's original."""
    try:
        return base64.b64decode(row.original, validate=True)
    except binascii.Error:
        return b""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters to find. Empty: any. `unplayed`: only those never replayed."""

    reason: str = ""
    name: str = ""
    dead_letter_ids: Sequence[str] = ()
    cursor: str = ""
    unplayed: bool = False


def plan_dead_letters(
    selection: Selection, covered: TimeRange, scope: QueryScope, *, limit: int
) -> Plan:
    """The statement; one row more than `limit`, to tell whether more follow. Raises Rejected."""
    values = Values()
    own = scope_conditions(values, scope.org, scope.app)
    where = [*own, *_conditions(selection, values, covered)]
    if selection.cursor:
        time_ms, dead_letter = _read_cursor(selection.cursor)
        at = f"fromUnixTimestamp64Milli({values.integer(time_ms)}, 'UTC')"
        where += [
            f"received_at <= {at}",
            f"(received_at < {at} OR dead_letter_id < toUUID({values.text(dead_letter)}))",
        ]
    mine = " AND ".join(own)
    sql = fill(
        "dead_letters",
        unplayed=fill("dead_letters_unplayed", scope=mine) if selection.unplayed else "",
        scope=mine,
        where=" AND ".join(where),
        limit=values.add(limit + 1, "UInt64"),
    )
    return Plan(values.statement(sql), covered)


def plan_reasons(selection: Selection, covered: TimeRange, scope: QueryScope) -> Plan:
    """The statement that counts the dead letters of a range by reason."""
    values = Values()
    where = [
        *scope_conditions(values, scope.org, scope.app),
        *_conditions(selection, values, covered),
    ]
    return Plan(values.statement(fill("dead_letter_reasons", where=" AND ".join(where))), covered)


def _conditions(selection: Selection, values: Values, covered: TimeRange) -> list[str]:
    where = [
        f"received_at >= fromUnixTimestamp64Milli({values.integer(covered.from_ms)}, 'UTC')",
        f"received_at < fromUnixTimestamp64Milli({values.integer(covered.to_ms)}, 'UTC')",
    ]
    if selection.reason:
        where.append(f"reason = {values.text(selection.reason)}")
    if selection.name:
        where.append(f"name = {values.text(selection.name)}")
    if selection.dead_letter_ids:
        named = ", ".join(
            f"toUUID({values.text(_dead_letter_id(text, place))})"
            for place, text in enumerate(selection.dead_letter_ids)
        )
        where.append(f"dead_letter_id IN ({named})")
    return where


def _dead_letter_id(text: str, place: int) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            "A deadLetterId is a UUID; take it from GET /v1/deadletters.",
            field=f"deadLetterIds[{place}]",
        ) from None


def _read_cursor(cursor: str) -> tuple[int, str]:
    match = _CURSOR.match(cursor)
    try:
        if match is None:
            raise ValueError
        return int(match[1]), str(uuid.UUID(match[2]))
    except ValueError:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            "cursor is not one of ours; take it from the answer that this one follows.",
            field="cursor",
        ) from None


def cursor_after(row: DeadLetterRow) -> str:
    """Where the page after this row begins."""
    return f"{row.received_ms}.{row.dead_letter_id}"
