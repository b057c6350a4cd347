"""`GET /v1/receipts/{id}`: the outcome of one request, from the log to the archive.

Counted from its envelopes: those in the store, and those that wait in the log. Rows are counted in
the raw table. A file of the archive is named when it holds rows of its app and minute of receipt.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Final

import msgspec

from api.answers import Meta
from api.log_frames import Carried
from api.query.outcomes import OutcomeCounts, added
from api.query.request import QueryScope, ScopedRequest
from api.query.timerange import DAY_MS, MINUTE_MS
from api.questions.columns import Column, count, text
from api.questions.question import LEDGER_READERS, AnswerPart, Question
from api.questions.receipt_envelopes import (
    MAX_FILES,
    EnvelopeRow,
    FileRow,
    MinuteRow,
    ReceiptState,
    RowCount,
    plan_archive,
    plan_minute,
    plan_receipt,
    plan_rows,
    verdict,
)
from api.questions.upstreams import LookedThrough, Upstreams
from api.reasons import QuestionFailure, QuestionReason
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.signals import Signal

_KEPT_DAYS: Final = 29
"""Raw rows are kept 30 days by the day of their receipt; parts go as a whole, so allow for one."""
_MOST_MINUTES: Final = 4
"""Minutes for which the archive is asked; one, but for a batch that came again a day later."""


class ReceiptRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """`id`: the `receiptId` of an answer to a batch."""

    id: Annotated[str, msgspec.Meta(title="Receipt")]
    app_id: str = msgspec.field(name="app", default="")


class StoredRows(msgspec.Struct, frozen=True):
    """Rows that are in the store, and how many there have to be."""

    rows: int
    expected: int


class ArchivedFiles(msgspec.Struct, frozen=True):
    """Files that hold rows of the receipt's app, signal and minute; its own are in some of them.

    `complete`: every row of that app, signal and minute is in the archive, so the receipt's are.
    """

    files: list[str]
    complete: bool


class ReceiptAnswer(OutcomeCounts, frozen=True, rename="camel"):
    """The outcome of a request. Counts are of its items, over every try that reached the log.

    `tries` are envelopes: parts of a split batch, and retries under one `batchId`. `why` is there
    when the state is not `stored`.
    """

    columns: list[Column]
    receipt_id: str
    state: ReceiptState
    signal: str
    app: str
    received_at: int
    tries: int
    logged: bool
    stored: StoredRows
    archived: ArchivedFiles
    dead_letters: int
    meta: Meta
    why: str | msgspec.UnsetType = msgspec.UNSET


def read_receipt(text: str) -> str:
    """A receipt as it is written in answers. Raises Rejected unless it is a UUID."""
    try:
        if len(text) not in (32, 36):
            raise ValueError
        return str(uuid.UUID(text))
    except ValueError:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            "A receipt is a UUID: the receiptId of an answer to a batch.",
            field="id",
        ) from None


async def _answer(request: ReceiptRequest, scope: QueryScope, upstreams: Upstreams) -> AnswerPart:
    name = read_receipt(request.id)
    looked = await upstreams.find_in_log(name)
    # after the log, so that what was carried over meanwhile is found here
    stored = await upstreams.rows(plan_receipt(name, scope), EnvelopeRow)
    waiting = _waiting(stored, looked)
    if not stored and not waiting:
        raise _not_found(looked)
    rows = 0
    if any(row.expected for row in stored):
        [counted] = await upstreams.rows(plan_rows(name, stored, scope), RowCount)
        rows = counted.rows
    state, why = verdict(
        stored,
        rows=rows,
        waiting=len(waiting),
        oldest_kept_ms=scope.now_ms - _KEPT_DAYS * DAY_MS,
    )
    archived = await _archived(stored, scope, upstreams)
    every = [*stored, *waiting]
    fields = {
        "receiptId": name,
        "state": state,
        "signal": every[0].signal,
        "app": every[0].app,
        "receivedAt": min(row.received_ms for row in every),
        "tries": len(every),
        **msgspec.to_builtins(OutcomeCounts(**added(OutcomeCounts, every))),
        "logged": bool(waiting),
        "stored": StoredRows(rows, sum(row.expected for row in every)),
        "archived": archived,
        "deadLetters": sum(row.dead_letters for row in stored),
    }
    return AnswerPart(fields | ({"why": why} if why else {}))


def _waiting(stored: Sequence[EnvelopeRow], looked: LookedThrough | None) -> list[EnvelopeRow]:
    """The envelopes that are in the log only. A block just stored may still count as waiting."""
    there = Counter((row.received_ms, row.offered, row.accepted) for row in stored)
    found = []
    for signal, carried in looked.found if looked else ():
        row = _row(signal, carried)
        same = (row.received_ms, row.offered, row.accepted)
        if there[same] > 0:
            there[same] -= 1
        else:
            found.append(row)
    return found


def _row(signal: Signal, carried: Carried) -> EnvelopeRow:
    outcome = carried.outcome
    return EnvelopeRow(
        app=carried.app,
        signal=signal.value,
        received_ms=carried.received_ms,
        offered=outcome.offered,
        accepted=outcome.accepted,
        rejected=dict(outcome.rejected),
        sampled=outcome.sampled,
        limited=outcome.limited,
        duplicate=outcome.duplicate,
        dead_lettered=outcome.dead_lettered,
        dead_letters=0,
    )


def _not_found(looked: LookedThrough | None) -> QuestionFailure:
    if looked is None:
        return Unavailable(
            "It is not in the store, and whether it waits in the log cannot be said: the log does "
            "not answer at the moment.",
            retry_after=2.0,
            reason=QuestionReason.UNAVAILABLE,
        )
    more = (
        ""
        if looked.whole
        else " More waits in the log than is looked through for one question: the store is behind; "
        "ask again when GET /v1/ledger says it is settled."
    )
    return Rejected(
        QuestionReason.NOT_FOUND,
        "This receipt is neither in the store nor in the log. Check that it is the receiptId of a "
        "202, that it is not older than 30 days, that the token is of its org (and app), and, if "
        f"the log was away, whether a collector still has it in its spool.{more}",
        field="id",
    )


async def _archived(
    stored: Sequence[EnvelopeRow], scope: QueryScope, upstreams: Upstreams
) -> ArchivedFiles:
    by_minute = {row.received_ms // MINUTE_MS: row for row in stored if row.expected}
    files: set[str] = set()
    complete = bool(by_minute) and len(by_minute) <= _MOST_MINUTES
    for row in list(by_minute.values())[:_MOST_MINUTES]:
        held, [minute] = await asyncio.gather(
            upstreams.rows(plan_archive(row, scope), FileRow),
            upstreams.rows(plan_minute(row, scope), MinuteRow),
        )
        files |= {file.path for file in held}
        complete = complete and 0 < minute.stored <= minute.archived
    return ArchivedFiles(sorted(files)[:MAX_FILES], complete)


QUESTION: Final = Question(
    kind="receipt",
    title="Receipt",
    summary="The outcome of one request.",
    request=ReceiptRequest,
    answer=ReceiptAnswer,
    steps=_answer,
    columns=(
        count("stored", "rows", "Stored rows"),
        count("stored", "expected", "Expected rows"),
        text("archived", "files", "Files"),
        Column("archived", "complete", "Complete", "flag", ""),
    ),
    example={"id": "019ad000-0000-7000-8000-000000000001"},
    cached=False,
    readers=LEDGER_READERS,
    method="GET",
    route="/v1/receipts/{id}",
    path_parameters={"id": "^[0-9a-fA-F-]{32,36}$"},
)
