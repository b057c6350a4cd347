"""The envelopes of a receipt: their rows, the statements about them, and what they add up to."""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from api.query.outcomes import OutcomeCounts
from api.query.request import Plan, QueryScope
from api.query.scoping import scope_conditions
from api.query.statement import Values, fill
from api.query.timerange import MINUTE_MS, TimeRange

MAX_ENVELOPES: Final = 1_000
"""Parts of a split batch, and retries, that are looked at; more are not expected."""
MAX_FILES: Final = 50
RAW_TABLES: Final[Mapping[str, str]] = {
    "events": "events",
    "traces": "spans",
    "metrics": "metric_points",
    "logs": "logs",
}
_NO_RANGE: Final = TimeRange(0, 0)
ReceiptState = Literal[
    "stored", "rejected", "duplicate", "dead_lettered", "logged", "fault", "expired"
]


class EnvelopeRow(OutcomeCounts, frozen=True, array_like=True):
    """One envelope of a receipt. `received_ms`: epoch ms."""

    app: str
    signal: str
    received_ms: int
    dead_letters: int

    @property
    def expected(self) -> int:
        """Rows that it makes."""
        return max(self.accepted - self.duplicate - self.dead_lettered, 0)


class RowCount(msgspec.Struct, array_like=True, frozen=True):
    """How many rows there are."""

    rows: int


class FileRow(msgspec.Struct, array_like=True, frozen=True):
    """A file of the archive, and how many rows of the minute it holds."""

    path: str
    held: int


class MinuteRow(msgspec.Struct, array_like=True, frozen=True):
    """Rows of an app, signal and minute."""

    stored: int
    archived: int


def plan_receipt(receipt: str, scope: QueryScope) -> Plan:
    """The statement for the envelopes of a receipt."""
    values = Values()
    where = [
        f"receipt = toUUID({values.text(receipt)})",
        *scope_conditions(values, scope.org, scope.app),
    ]
    sql = fill("receipt", where=" AND ".join(where), limit=values.add(MAX_ENVELOPES, "UInt64"))
    return Plan(values.statement(sql), _NO_RANGE)


def plan_rows(receipt: str, found: Sequence[EnvelopeRow], scope: QueryScope) -> Plan:
    """The statement that counts the raw rows of one receipt, whose envelopes are of one app."""
    values = Values()
    times = sorted({row.received_ms for row in found if row.expected})
    placed = ", ".join(
        f"fromUnixTimestamp64Milli({values.integer(time_ms)}, 'UTC')" for time_ms in times
    )
    where = [
        *scope_conditions(values, scope.org, found[0].app),
        f"receipt = toUUID({values.text(receipt)})",
        f"received_at IN ({placed})",
    ]
    table = RAW_TABLES[found[0].signal]
    sql = fill("receipt_rows", table=table, where=" AND ".join(where))
    return Plan(values.statement(sql), _NO_RANGE)


def _of_minute(name: str, row: EnvelopeRow, scope: QueryScope, values: Values, **more: str) -> Plan:
    """A statement about the app, signal and minute of this envelope."""
    sql = fill(
        name,
        signal=values.text(row.signal),
        org=values.text(scope.org),
        app=values.text(row.app),
        minute=values.integer(row.received_ms // MINUTE_MS * MINUTE_MS // 1000),
        **more,
    )
    return Plan(values.statement(sql), _NO_RANGE)


def plan_archive(row: EnvelopeRow, scope: QueryScope) -> Plan:
    """The statement for the files that hold rows of this envelope's app and minute."""
    values = Values()
    at, limit = values.integer(row.received_ms), values.add(MAX_FILES, "UInt64")
    return _of_minute("receipt_archive", row, scope, values, at=at, limit=limit)


def plan_minute(row: EnvelopeRow, scope: QueryScope) -> Plan:
    """The statement for what is stored and archived of this envelope's app and minute."""
    return _of_minute("receipt_minute", row, scope, Values())


def verdict(
    found: Sequence[EnvelopeRow], *, rows: int, waiting: int, oldest_kept_ms: int
) -> tuple[ReceiptState, str]:
    """State of a receipt and why, "" when it is stored as it should be.

    `rows` were counted in the store; `waiting` of its envelopes are in the log only;
    `oldest_kept_ms`: raw rows received before that are no longer kept.
    """
    expected = sum(row.expected for row in found)
    accepted = sum(row.accepted for row in found)
    if waiting:
        return "logged", "It is in the log and waits to be stored; ask again in a moment."
    if rows != expected:
        if min(row.received_ms for row in found) < oldest_kept_ms:
            return "expired", "Its rows are older than raw rows are kept; see the archive."
        return (
            "fault",
            f"The store holds {rows} rows of it and should hold {expected}. This should never be: "
            "see GET /v1/ledger for its minute.",
        )
    if not accepted and any(row.offered for row in found):
        return "rejected", "Nothing of it was accepted; see rejected, sampled and limited."
    if accepted and not expected:
        if any(row.dead_lettered for row in found):
            return "dead_lettered", "The store refused it for good; see GET /v1/deadletters."
        return "duplicate", "All of it had been in the log before, under another receipt."
    return "stored", ""
