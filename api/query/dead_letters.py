"""`GET /v1/deadletters`, and which dead letters a replay is about."""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from api.query.scoping import scope_conditions
from api.query.statement import Statement, Values, fill
from api.query.timerange import TimeRange, parse_range
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_DEAD_LETTERS: Final = 1_000
_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([0-9a-f-]{36})\Z")


class DeadLettersRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which dead letters, newest first. `cursor`: from an earlier answer, for the next page."""

    from_: str = msgspec.field(name="from", default="now-24h")
    to: str = "now"
    app: str = ""
    reason: Annotated[str, msgspec.Meta(max_length=64)] = ""
    name: Annotated[str, msgspec.Meta(max_length=128)] = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    cursor: Annotated[str, msgspec.Meta(max_length=64)] = ""


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


@dataclass(frozen=True, slots=True)
class Selection:
    """Which dead letters to find. Empty: any. `unplayed`: only those never replayed."""

    reason: str = ""
    name: str = ""
    dead_letter_ids: Sequence[str] = ()
    cursor: str = ""
    unplayed: bool = False


def plan_dead_letters(
    selection: Selection, asked: TimeRange, *, org: str, app: str, limit: int
) -> Statement:
    """The statement; one row more than `limit`, to tell whether more follow. Raises Rejected."""
    values = Values()
    scope = scope_conditions(values, org, app)
    own, where = " AND ".join(scope), _where(selection, values, asked, scope)
    if selection.cursor:
        time_ms, dead_letter = _read_cursor(selection.cursor)
        at = f"fromUnixTimestamp64Milli({values.integer(time_ms)}, 'UTC')"
        where += [
            f"received_at <= {at}",
            f"(received_at < {at} OR dead_letter_id < toUUID({values.text(dead_letter)}))",
        ]
    return values.statement(
        fill(
            "dead_letters",
            unplayed=fill("dead_letters_unplayed", scope=own) if selection.unplayed else "",
            scope=own,
            where=" AND ".join(where),
            limit=values.add(limit + 1, "UInt64"),
        )
    )


def plan_reasons(selection: Selection, asked: TimeRange, *, org: str, app: str) -> Statement:
    """The statement that counts the dead letters of a range by reason."""
    values = Values()
    where = _where(selection, values, asked, scope_conditions(values, org, app))
    return values.statement(fill("dead_letter_reasons", where=" AND ".join(where)))


def dead_letters_range(
    from_: str | int | float, to: str | int | float, *, now_ms: int
) -> TimeRange:
    """The range of receipt that is asked for. Raises Rejected."""
    return parse_range(from_, to, now_ms=now_ms)


def _where(
    selection: Selection, values: Values, asked: TimeRange, scope: Sequence[str]
) -> list[str]:
    where = [
        *scope,
        f"received_at >= fromUnixTimestamp64Milli({values.integer(asked.from_ms)}, 'UTC')",
        f"received_at < fromUnixTimestamp64Milli({values.integer(asked.to_ms)}, 'UTC')",
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
