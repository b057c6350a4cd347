"""`POST /v1/query/logs/tail`: its request, its cursor, and its two statements.

A tail asks again and again which requests brought matching records (`plan_arrivals`), and reads the
records of those it has not shown (`plan_arrived`). Both go by `received_at`: what an event says of
its own time has no say in when it arrives.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from api.query.filters import Filter
from api.query.log_records import LogRow, log_conditions, record_columns
from api.query.statement import Statement, Values, fill
from api.query.timerange import TimeRange
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MOST_ARRIVALS: Final = 50_000
"""Requests that are looked through at one time; of more, the newest."""
_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([0-9a-f]{32})\.([0-9]{1,12})\Z")
_EVER: Final = TimeRange(0, 9_200_000_000_000)
"""All that a column of nanoseconds can say."""


class LogTailRequest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Which records to follow, as in a search. `after`: a cursor of an earlier tail, to go on from.

    A range has no place here: a tail begins now, or where the cursor stands.
    """

    service: Annotated[str, msgspec.Meta(max_length=255)] = ""
    severity: str | int = 0
    contains: Annotated[str, msgspec.Meta(max_length=1024)] = ""
    filters: list[Filter] = []
    trace_id: str = ""
    after: Annotated[str, msgspec.Meta(max_length=80)] = ""
    org_id: str = ""
    app_id: str = ""


class ArrivalRow(msgspec.Struct, array_like=True, frozen=True, order=True):
    """A request that brought matching records: when, its receipt, how many of them."""

    received_ms: int
    receipt: str
    records: int


class ArrivedRow(LogRow, array_like=True, frozen=True):
    """A record, and the request that brought it."""

    received_ms: int
    receipt: str


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a tail has shown: up to this request, and `records` within its reach, that one in."""

    received_ms: int
    receipt: str = "00000000-0000-0000-0000-000000000000"
    records: int = 0

    def __str__(self) -> str:
        return f"{self.received_ms}.{self.receipt.replace('-', '')}.{self.records}"

    def covers(self, row: ArrivalRow) -> bool:
        """Whether a request stands at or before this place."""
        return (row.received_ms, row.receipt) <= (self.received_ms, self.receipt)


def read_cursor(text: str) -> Cursor:
    """A cursor out of a stream. Raises Rejected (INVALID_FIELD)."""
    match = _CURSOR.match(text)
    if match is None:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            "after is not a cursor of ours; take the id of the last message of the tail that this "
            "one follows.",
            field="after",
        )
    digits = match[2]
    places = (0, 8, 12, 16, 20, 32)
    parts = [digits[a:b] for a, b in itertools.pairwise(places)]
    return Cursor(int(match[1]), "-".join(parts), int(match[3]))


def plan_arrivals(request: LogTailRequest, *, org: str, app: str, since_ms: int) -> Statement:
    """Requests that brought matching records since a moment, the newest first. Raises Rejected."""
    values = Values()
    where = [*_conditions(request, values, org, app), _received(values, ">=", since_ms)]
    return _unchecked(
        values.statement(
            fill(
                "log_arrivals",
                where=" AND ".join(where),
                limit=values.add(MOST_ARRIVALS, "UInt64"),
            )
        )
    )


def plan_arrived(
    request: LogTailRequest, *, org: str, app: str, arrivals: Sequence[ArrivalRow], limit: int
) -> Statement:
    """The matching records of these requests (there is at least one). Raises Rejected."""
    values = Values()
    times = [row.received_ms for row in arrivals]
    where = [
        *_conditions(request, values, org, app),
        _received(values, ">=", min(times)),
        _received(values, "<=", max(times)),
    ]
    return _unchecked(
        values.statement(
            fill(
                "log_arrived",
                record=record_columns(),
                where=" AND ".join(where),
                receipts=values.text(",".join(row.receipt for row in arrivals)),
                limit=values.add(limit, "UInt64"),
            )
        )
    )


def _unchecked(statement: Statement) -> Statement:
    """The statement of a tail, which may wait for an attribute that no record has yet."""
    return Statement(statement.sql, statement.values)


def _conditions(request: LogTailRequest, values: Values, org: str, app: str) -> list[str]:
    return log_conditions(request, values, _EVER, org, app)


def _received(values: Values, sign: str, at_ms: int) -> str:
    return f"received_at {sign} fromUnixTimestamp64Milli({values.integer(at_ms)}, 'UTC')"
