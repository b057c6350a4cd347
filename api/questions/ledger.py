"""`GET /v1/ledger`: never cached, so that a fault shows at once and goes at once."""

from collections.abc import Mapping
from typing import Final

from api.answers import Meta, encode
from api.context import Context
from api.ledger_answers import LedgerAnswer, LedgerBalance, LedgerRow, LedgerTotals
from api.log_tail import LogAway
from api.query.decode import from_query
from api.query.ledger import MAX_ROWS, LedgerCounts, LedgerRequest, balance, plan_ledger, total
from api.scope import Scope, narrow

_INSERT_MS: Final = 30_000
"""An insert reaches its tables one after the other; what is younger than this may be half there."""
_BEFORE_LOG_MS: Final = 60_000
"""The log's time of a message is later than its receipt: by a request, or a collector's spool."""


async def ledger(context: Context, scope: Scope, parameters: Mapping[str, str]) -> bytes:
    """Rows, totals, and whether they balance. Raises Rejected, Unavailable, StoreFault."""
    request = from_query(parameters, LedgerRequest)
    scope = narrow(scope, context.registry, org_id="", app_id=request.app, app_field="app")
    now_ms = context.clock_ms()
    plan = plan_ledger(request, org=scope.org, app=scope.app, now_ms=now_ms)
    settled_ms = await _settled(context, "rows", now_ms)
    archived_ms = await _settled(context, "archive", now_ms)
    answered = await context.store.ask(plan.statement, LedgerCounts)
    counts = list(answered.rows[:MAX_ROWS])
    rows = [
        _row(row, plan.step.length_ms, settled_ms=settled_ms, archived_ms=archived_ms)
        for row in counts
    ]
    checked = [row.balance for row in rows if row.settled and row.balance.stored is not None]
    return encode(
        LedgerAnswer(
            rows=rows,
            totals=_totals(total(counts)),
            balanced=all((b.offered, b.stored) == (0, 0) for b in checked) if checked else None,
            settled_until=settled_ms,
            archive_settled_until=archived_ms,
            meta=Meta(
                rows_read=answered.rows_read,
                bytes_read=answered.bytes_read,
                truncated=len(answered.rows) > MAX_ROWS,
                granularity=plan.step.text,
                from_=plan.range.from_ms,
                to=plan.range.to_ms,
            ),
        )
    )


async def _settled(context: Context, sink: str, now_ms: int) -> int | None:
    """What was received before this instant has been through the sink; None: nobody knows."""
    try:
        until_ms = await context.log.settled_ms(sink, now_ms=now_ms)
    except LogAway:
        return None
    if until_ms < now_ms:
        until_ms -= _BEFORE_LOG_MS
    return min(until_ms, now_ms - _INSERT_MS)


def _row(
    row: LedgerCounts, length_ms: int, *, settled_ms: int | None, archived_ms: int | None
) -> LedgerRow:
    end_ms = row.time + length_ms
    return LedgerRow(
        time=row.time,
        app=row.app,
        signal=row.signal,
        requests=row.requests,
        offered=row.offered,
        accepted=row.accepted,
        rejected=row.rejected,
        sampled=row.sampled,
        limited=row.limited,
        duplicate=row.duplicate,
        dead_lettered=row.dead_lettered,
        stored=row.stored,
        archived=row.archived,
        dead_letters=row.dead_letters,
        request_rejections=row.request_rejections,
        balance=_balance(row),
        settled=settled_ms is not None and end_ms <= settled_ms,
        archive_settled=archived_ms is not None and end_ms <= archived_ms,
    )


def _totals(row: LedgerCounts) -> LedgerTotals:
    return LedgerTotals(
        requests=row.requests,
        offered=row.offered,
        accepted=row.accepted,
        rejected=row.rejected,
        sampled=row.sampled,
        limited=row.limited,
        duplicate=row.duplicate,
        dead_lettered=row.dead_lettered,
        stored=row.stored,
        archived=row.archived,
        dead_letters=row.dead_letters,
        request_rejections=row.request_rejections,
        balance=_balance(row),
    )


def _balance(row: LedgerCounts) -> LedgerBalance:
    found = balance(row)
    return LedgerBalance(offered=found.offered, stored=found.stored, archived=found.archived)
