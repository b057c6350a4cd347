"""`GET /v1/ledger`: the outcome of every offered item, and whether the ledger balances."""

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import msgspec

from api.query.scoping import scope_conditions
from api.query.statement import Statement, Values, fill
from api.query.timerange import MINUTE_MS, Granularity, TimeRange, choose_granularity, parse_range
from seamark.wire.failures import Rejected

AUTO_STEPS: Final = 120
MOST_STEPS: Final = 3_000
MAX_ROWS: Final = 10_000
SignalName = Literal["events", "traces", "metrics", "logs"]


class LedgerRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What part of the ledger. `step` is `auto`, or a number of `m h d w`; `key` is a key's id."""

    from_: str = msgspec.field(name="from", default="now-1h")
    to: str = "now"
    app: str = ""
    signal: SignalName | Literal[""] = ""
    key: Annotated[str, msgspec.Meta(max_length=128)] = ""
    step: str = "auto"


class LedgerCounts(msgspec.Struct, array_like=True, frozen=True):
    """One row of the statement."""

    time: int
    app: str
    signal: str
    requests: int
    offered: int
    accepted: int
    rejected: dict[str, int]
    sampled: int
    limited: int
    duplicate: int
    dead_lettered: int
    stored: int
    archived: int
    dead_letters: int
    request_rejections: dict[str, int]


@dataclass(frozen=True, slots=True)
class LedgerPlan:
    """One statement, the whole steps it answers, and how long they are."""

    statement: Statement
    range: TimeRange
    step: Granularity


@dataclass(frozen=True, slots=True)
class Balance:
    """What each law of the ledger is off by; 0: it holds."""

    offered: int
    stored: int
    archived: int


def plan_ledger(request: LedgerRequest, *, org: str, app: str, now_ms: int) -> LedgerPlan:
    """The statement; one row more than MAX_ROWS, to tell whether it is all. Raises Rejected."""
    asked = parse_range(request.from_, request.to, now_ms=now_ms)
    step = _step(request.step, asked)
    covered = step.cover(asked)
    values = Values()
    where = [
        *scope_conditions(values, org, app),
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
        origin=values.integer(step.origin_ms // 1000),
        step=values.integer(step.length_ms // 1000),
        limit=values.add(MAX_ROWS + 1, "UInt64"),
    )
    return LedgerPlan(values.statement(sql), covered, step)


def _step(text: str, asked: TimeRange) -> Granularity:
    try:
        return choose_granularity(
            text, asked, finest_ms=MINUTE_MS, auto_buckets=AUTO_STEPS, most_buckets=MOST_STEPS
        )
    except Rejected as rejected:
        words = rejected.message.replace("granularity", "step")
        raise Rejected(rejected.reason, words, field="step") from None


def balance(row: LedgerCounts) -> Balance:
    """The differences of a row."""
    judged = row.accepted + sum(row.rejected.values()) + row.sampled + row.limited
    kept = row.stored + row.duplicate + row.dead_lettered
    return Balance(
        offered=row.offered - judged,
        stored=row.accepted - kept,
        archived=row.stored - row.archived,
    )


def total(rows: list[LedgerCounts]) -> LedgerCounts:
    """All rows in one, of no time, app or signal."""

    def counted(name: str) -> int:
        return sum(getattr(row, name) for row in rows)

    def by_reason(name: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for row in rows:
            for reason, count in getattr(row, name).items():
                found[reason] = found.get(reason, 0) + count
        return found

    return LedgerCounts(
        time=0,
        app="",
        signal="",
        requests=counted("requests"),
        offered=counted("offered"),
        accepted=counted("accepted"),
        rejected=by_reason("rejected"),
        sampled=counted("sampled"),
        limited=counted("limited"),
        duplicate=counted("duplicate"),
        dead_lettered=counted("dead_lettered"),
        stored=counted("stored"),
        archived=counted("archived"),
        dead_letters=counted("dead_letters"),
        request_rejections=by_reason("request_rejections"),
    )
