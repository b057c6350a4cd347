"""`GET /v1/receipts/{id}`: the outcome of one request, from the log to the archive."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, TypeVar, cast

import msgspec

from api.answers import Meta, encode
from api.context import Context
from api.ledger_answers import ArchivedFiles, ReceiptAnswer, ReceiptState, StoredRows
from api.log_frames import Carried
from api.log_tail import LogAway, Looked
from api.query.receipts import (
    MAX_FILES,
    EnvelopeRow,
    plan_archive,
    plan_minute,
    plan_receipt,
    plan_rows,
    read_receipt,
    verdict,
)
from api.query.timerange import DAY_MS, MINUTE_MS
from api.reasons import QuestionFailure, QuestionReason
from api.scope import Scope
from api.store import Rows
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.signals import Signal

R = TypeVar("R")
_KEPT_DAYS: Final = 29
"""Raw rows are kept 30 days by the day of their receipt; parts go as a whole, so allow for one."""
_MOST_MINUTES: Final = 4
"""Minutes for which the archive is asked; one, but for a batch that came again a day later."""


async def receipt(context: Context, scope: Scope, text: str) -> bytes:
    """The outcome of a request. Raises Rejected (NOT_FOUND), Unavailable, StoreFault."""
    name = read_receipt(text)
    cost = _Cost()
    looked = await _look(context, scope, name)
    # after the log, so that what was carried over meanwhile is found here
    stored = cost.add(
        await context.store.ask(plan_receipt(name, org=scope.org, app=scope.app), EnvelopeRow)
    )
    waiting = _waiting(stored, looked)
    if not stored and not waiting:
        raise _not_found(looked)
    rows = 0
    if any(row.expected for row in stored):
        counted = await context.store.ask(plan_rows(name, stored, org=scope.org), tuple[int])
        rows = cost.add(counted)[0][0]
    state, why = verdict(
        stored,
        rows=rows,
        waiting=len(waiting),
        oldest_kept_ms=context.clock_ms() - _KEPT_DAYS * DAY_MS,
    )
    archived = await _archived(context, scope, stored, cost)
    every = [*stored, *waiting]
    return encode(
        ReceiptAnswer(
            receipt_id=name,
            state=cast("ReceiptState", state),
            signal=every[0].signal,
            app=every[0].app,
            received_at=min(row.received_ms for row in every),
            tries=len(every),
            offered=sum(row.offered for row in every),
            accepted=sum(row.accepted for row in every),
            rejected=dict(sum((Counter(row.rejected) for row in every), Counter())),
            sampled=sum(row.sampled for row in every),
            limited=sum(row.limited for row in every),
            duplicate=sum(row.duplicate for row in every),
            dead_lettered=sum(row.dead_lettered for row in every),
            logged=bool(waiting),
            stored=StoredRows(rows, sum(row.expected for row in every)),
            archived=archived,
            dead_letters=sum(row.dead_letters for row in stored),
            meta=Meta(rows_read=cost.rows, bytes_read=cost.bytes),
            why=why or msgspec.UNSET,
        )
    )


class _Cost:
    """What the statements of one answer read in all."""

    def __init__(self) -> None:
        self.rows = 0
        self.bytes = 0

    def add(self, answered: Rows[R]) -> Sequence[R]:
        """Count it, and return its rows."""
        self.rows += answered.rows_read
        self.bytes += answered.bytes_read
        return answered.rows


async def _look(context: Context, scope: Scope, name: str) -> Looked | None:
    """What of it waits in the log; None: the log does not answer."""
    try:
        return await context.log.find(org=scope.org, app=scope.app, receipt=name)
    except LogAway:
        return None


def _waiting(stored: Sequence[EnvelopeRow], looked: Looked | None) -> list[EnvelopeRow]:
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


def _not_found(looked: Looked | None) -> QuestionFailure:
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
    context: Context, scope: Scope, stored: Sequence[EnvelopeRow], cost: _Cost
) -> ArchivedFiles:
    by_minute = {row.received_ms // MINUTE_MS: row for row in stored if row.expected}
    files: set[str] = set()
    complete = bool(by_minute) and len(by_minute) <= _MOST_MINUTES
    for row in list(by_minute.values())[:_MOST_MINUTES]:
        held, minute = await asyncio.gather(
            context.store.ask(plan_archive(row, org=scope.org), tuple[str, int]),
            context.store.ask(plan_minute(row, org=scope.org), tuple[int, int]),
        )
        files |= {path for path, _ in cost.add(held)}
        in_store, in_archive = cost.add(minute)[0]
        complete = complete and 0 < in_store <= in_archive
    return ArchivedFiles(sorted(files)[:MAX_FILES], complete)
