"""`GET /v1/deadletters`: rejected items as they were sent, newest first.

Never cached, so that a dead letter shows at once.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec

from api.answers import Meta
from api.query.dead_letters import (
    DeadLetterRow,
    Selection,
    SelectionRequest,
    cursor_after,
    original_of,
    plan_dead_letters,
    plan_reasons,
)
from api.query.request import QueryScope
from api.questions.columns import Column, instant, text
from api.questions.question import LEDGER_READERS, AnswerPart, Question, StoreQuery


class DeadLettersRequest(SelectionRequest, frozen=True, kw_only=True, rename="camel"):
    """A page of dead letters."""

    from_: str = msgspec.field(name="from", default="now-24h")
    to: str = "now"
    limit: Annotated[int, msgspec.Meta(ge=1, le=500, title="Limit")] = 100


class ReasonRow(msgspec.Struct, array_like=True, frozen=True):
    """A reason, and how many dead letters have it."""

    reason: str
    total: int


class Replayed(msgspec.Struct, frozen=True, rename="camel"):
    """When a dead letter's event was stored (epoch ms), and the receipt of that replay."""

    at: int
    receipt_id: str


class DeadLetterItem(msgspec.Struct, frozen=True, rename="camel"):
    """A rejected item. `original` is JSON text, or base64 where it is not (`encoding`)."""

    dead_letter_id: str
    app: str
    signal: str
    received_at: int
    receipt_id: str
    index: int
    reason: str
    field: str
    message: str
    name: str
    original: str
    encoding: Literal["json", "base64"]
    key_id: str
    sent_at: int | None
    sdk_name: str
    sdk_version: str
    protocol: str
    replayed: Replayed | None


class DeadLettersAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """A page of dead letters, newest first. `cursor` asks for the next one; empty: the last page.

    `reasons` counts all of the range by reason, whatever the page.
    """

    columns: list[Column]
    dead_letters: list[DeadLetterItem]
    reasons: dict[str, int]
    cursor: str
    meta: Meta


def _shown(row: DeadLetterRow) -> DeadLetterItem:
    json_text = _json_text(original_of(row))
    return DeadLetterItem(
        dead_letter_id=row.dead_letter_id,
        app=row.app,
        signal=row.signal,
        received_at=row.received_ms,
        receipt_id=row.receipt,
        index=row.index,
        reason=row.reason,
        field=row.field,
        message=row.message,
        name=row.name,
        original=row.original if json_text is None else json_text,
        encoding="base64" if json_text is None else "json",
        key_id=row.key_id,
        sent_at=row.sent_ms or None,
        sdk_name=row.sdk_name,
        sdk_version=row.sdk_version,
        protocol=row.protocol,
        replayed=Replayed(row.replayed_ms, row.replay_receipt) if row.replayed_ms else None,
    )


def _json_text(original: bytes) -> str | None:
    """JSON as it was sent; None where it is none."""
    try:
        msgspec.json.decode(original)
        return original.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _plan(request: DeadLettersRequest, scope: QueryScope) -> list[StoreQuery[Any]]:
    page = Selection(reason=request.reason, name=request.name, cursor=request.cursor)
    covered = request.covered(scope)

    def of_page(rows: Sequence[DeadLetterRow]) -> AnswerPart:
        shown = rows[: request.limit]
        more = len(rows) > request.limit
        fields = {
            "deadLetters": [_shown(row) for row in shown],
            "cursor": cursor_after(shown[-1]) if more else "",
        }
        return AnswerPart(fields, truncated=more)

    def of_reasons(rows: Sequence[ReasonRow]) -> AnswerPart:
        return AnswerPart({"reasons": {row.reason: row.total for row in rows}})

    found = plan_dead_letters(page, covered, scope, limit=request.limit)
    reasons = plan_reasons(Selection(name=request.name), covered, scope)
    return [
        StoreQuery("dead_letters", found, DeadLetterRow, of_page),
        StoreQuery("dead_letter_reasons", reasons, ReasonRow, of_reasons),
    ]


QUESTION: Final = Question(
    kind="dead_letters",
    title="Dead letters",
    summary="Rejected items, as they were sent.",
    request=DeadLettersRequest,
    answer=DeadLettersAnswer,
    plan=_plan,
    columns=(
        instant("deadLetters", "receivedAt", "Received"),
        text("deadLetters", "app", "App"),
        text("deadLetters", "signal", "Signal"),
        text("deadLetters", "reason", "Reason"),
        text("deadLetters", "field", "Field"),
        text("deadLetters", "message", "Message"),
        text("deadLetters", "name", "Name"),
        text("deadLetters", "original", "Original"),
        Column("deadLetters", "receiptId", "Receipt", "id", ""),
        Column("deadLetters", "deadLetterId", "Dead letter", "id", ""),
    ),
    example={},
    cached=False,
    readers=LEDGER_READERS,
    method="GET",
    route="/v1/deadletters",
)
