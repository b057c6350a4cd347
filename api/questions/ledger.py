"""`GET /v1/ledger`: the outcome of every offered item, and whether the ledger balances.

Counted by the minute of receipt, app and signal. Never cached, so that a fault shows at once and
goes at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

import msgspec

from api.answers import Meta
from api.query.buckets import Buckets, choose_buckets
from api.query.calendar import Calendar, calendar_of
from api.query.outcomes import OutcomeCounts, added
from api.query.request import Plan, QueryScope, ScopedRequest
from api.query.request_fields import GranularityField, WeekStartField, ZoneField
from api.query.scoping import scope_conditions
from api.query.statement import Values, fill
from api.query.timerange import MINUTE_MS, TimeRange, parse_range
from api.questions.columns import Column, count, instant, text
from api.questions.question import LEDGER_READERS, AnswerPart, Question
from api.questions.upstreams import Upstreams
from seamark.wire.failures import Rejected

AUTO_STEPS: Final = 120
MOST_STEPS: Final = 3_000
MAX_ROWS: Final = 10_000
_INSERT_MS: Final = 30_000
"""An insert reaches its tables one after the other; what is younger than this may be half there."""
_BEFORE_LOG_MS: Final = 60_000
"""The log's time of a message is later than its receipt: by a request, or a collector's spool."""
SignalName = Literal["events", "traces", "metrics", "logs"]


class LedgerRequest(ScopedRequest, frozen=True, kw_only=True, rename="camel"):
    """What part of the ledger. `step` is as the `granularity` of series, `tz` and `weekStart` too;
    `key` is a key's id."""

    from_: str = msgspec.field(name="from", default="now-1h")
    to: str = "now"
    app_id: str = msgspec.field(name="app", default="")
    signal: Annotated[SignalName | Literal[""], msgspec.Meta(title="Signal")] = ""
    key: Annotated[str, msgspec.Meta(max_length=128, title="Key")] = ""
    step: GranularityField = "auto"
    tz: ZoneField = "UTC"
    week_start: WeekStartField = "monday"


class ItemCounts(OutcomeCounts, frozen=True, rename="camel"):
    """Counts of items; `requests` had their items counted, `request_rejections` did not.

    `dead_letters` are how many of the rejected are kept as dead letters.
    """

    requests: int
    stored: int
    archived: int
    dead_letters: int
    request_rejections: dict[str, int]


class LedgerCounts(ItemCounts, frozen=True, array_like=True):
    """One row of the statement; `time` is the start of its step, in epoch ms."""

    time: int
    app: str
    signal: str


class LedgerBalance(msgspec.Struct, frozen=True):
    """What each law is off by; 0: it holds.

    `offered` = offered − (accepted + Σ rejected + sampled + limited); `stored` = accepted −
    (stored + duplicate + dead-lettered); `archived` = stored − archived.
    """

    offered: int
    stored: int
    archived: int


class LedgerTotals(ItemCounts, frozen=True, rename="camel"):
    """Counts of all rows."""

    balance: LedgerBalance


class LedgerRow(ItemCounts, frozen=True, rename="camel"):
    """The counts of one step of time (its start, epoch ms), one app, one signal.

    `settled`: everything received by its end is stored, so its `balance` means something;
    `archive_settled`: the same of the archive.
    """

    time: int
    app: str
    signal: str
    balance: LedgerBalance
    settled: bool
    archive_settled: bool


class LedgerAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Rows in order of time, app and signal; steps in which nothing happened are left out.

    `balanced`: the first two laws hold in every settled row; null when no row could be checked.
    `settled_until`, `archive_settled_until`: epoch ms; null: unknown, the log does not answer.
    """

    columns: list[Column]
    rows: list[LedgerRow]
    totals: LedgerTotals
    balanced: bool | None
    settled_until: int | None
    archive_settled_until: int | None
    meta: Meta


@dataclass(frozen=True, slots=True)
class LedgerPlan:
    """One statement, and the whole steps it answers."""

    plan: Plan
    step: Buckets


def plan_ledger(request: LedgerRequest, scope: QueryScope) -> LedgerPlan:
    """The statement; one row more than MAX_ROWS, to tell whether it is all. Raises Rejected."""
    calendar = calendar_of(request.tz, request.week_start)
    asked = parse_range(
        request.from_, request.to, now_ms=scope.now_ms, zone=ZoneInfo(calendar.zone)
    )
    step = _step(request.step, asked, calendar)
    covered = step.range
    values = Values()
    where = [
        *scope_conditions(values, scope.org, scope.app),
        f"minute >= toDateTime({values.integer(covered.from_ms // 1000)}, 'UTC')",
        f"minute < toDateTime({values.integer(covered.to_ms // 1000)}, 'UTC')",
    ]
    if request.signal:
        where.append(f"signal = {values.text(request.signal)}")
    if request.key:
        where.append(f"key_id = {values.text(request.key)}")
    sql = fill(
        "ledger",
        where=" AND ".join(where),
        bucket=step.start_sql(values, "toInt64(toUnixTimestamp(minute))"),
        limit=values.add(MAX_ROWS + 1, "UInt64"),
    )
    running_ms = step.running_at(scope.now_ms)
    return LedgerPlan(Plan(values.statement(sql), covered, step.text, running_ms), step)


def _step(text: str, asked: TimeRange, calendar: Calendar) -> Buckets:
    try:
        return choose_buckets(
            text,
            asked,
            calendar=calendar,
            finest_ms=MINUTE_MS,
            auto_buckets=AUTO_STEPS,
            most_buckets=MOST_STEPS,
        )
    except Rejected as rejected:
        words = rejected.message.replace("granularity", "step")
        raise Rejected(rejected.reason, words, field="step") from None


def balance(row: ItemCounts) -> LedgerBalance:
    """The differences of a row."""
    judged = row.accepted + sum(row.rejected.values()) + row.sampled + row.limited
    kept = row.stored + row.duplicate + row.dead_lettered
    return LedgerBalance(
        offered=row.offered - judged,
        stored=row.accepted - kept,
        archived=row.stored - row.archived,
    )


def total(rows: Sequence[ItemCounts]) -> ItemCounts:
    """All rows in one."""
    return ItemCounts(**added(ItemCounts, rows))


async def _answer(request: LedgerRequest, scope: QueryScope, upstreams: Upstreams) -> AnswerPart:
    ledger = plan_ledger(request, scope)
    settled_ms = await _settled(upstreams, "rows", scope.now_ms)
    archived_ms = await _settled(upstreams, "archive", scope.now_ms)
    found = await upstreams.rows(ledger.plan, LedgerCounts)
    counts = found[:MAX_ROWS]

    def shown(row: LedgerCounts) -> LedgerRow:
        end_ms = ledger.step.end_of(row.time)
        return LedgerRow(
            **msgspec.structs.asdict(row),
            balance=balance(row),
            settled=settled_ms is not None and end_ms <= settled_ms,
            archive_settled=archived_ms is not None and end_ms <= archived_ms,
        )

    rows = [shown(row) for row in counts]
    checked = [row.balance for row in rows if row.settled]
    whole = total(counts)
    fields = {
        "rows": rows,
        "totals": LedgerTotals(**msgspec.structs.asdict(whole), balance=balance(whole)),
        "balanced": all((b.offered, b.stored) == (0, 0) for b in checked) if checked else None,
        "settledUntil": settled_ms,
        "archiveSettledUntil": archived_ms,
    }
    return AnswerPart(fields, truncated=len(found) > MAX_ROWS)


async def _settled(upstreams: Upstreams, sink: str, now_ms: int) -> int | None:
    """What was received before this instant has been through the sink; None: unknown."""
    until_ms = await upstreams.settled_ms(sink)
    if until_ms is None:
        return None
    if until_ms < now_ms:
        until_ms -= _BEFORE_LOG_MS
    return min(until_ms, now_ms - _INSERT_MS)


QUESTION: Final = Question(
    kind="ledger",
    title="Ledger",
    summary="The outcome of every offered item, and whether the ledger balances.",
    request=LedgerRequest,
    answer=LedgerAnswer,
    steps=_answer,
    columns=(
        instant("rows", "time", "Time"),
        text("rows", "app", "App", label="app"),
        text("rows", "signal", "Signal", label="signal"),
        count("rows", "requests", "Requests"),
        count("rows", "offered", "Offered"),
        count("rows", "accepted", "Accepted"),
        count("rows", "stored", "Stored"),
        count("rows", "archived", "Archived"),
        count("rows", "duplicate", "Duplicate"),
        text("rows", "rejected", "Rejected"),
        count("rows", "deadLettered", "Dead-lettered"),
        count("rows", "sampled", "Sampled"),
        count("rows", "limited", "Limited"),
        count("rows", "deadLetters", "Dead letters"),
        text("rows", "requestRejections", "Rejected requests"),
        count("rows", "balance.offered", "Off by (offered)"),
        count("rows", "balance.stored", "Off by (stored)"),
        count("rows", "balance.archived", "Off by (archived)"),
        Column("rows", "settled", "Settled", "flag", ""),
        Column("rows", "archiveSettled", "Settled in the archive", "flag", ""),
    ),
    example={},
    cached=False,
    readers=LEDGER_READERS,
    method="GET",
    route="/v1/ledger",
)
