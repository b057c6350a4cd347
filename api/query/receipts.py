"""`GET /v1/receipts/{id}`: the outcome of one request."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from api.query.scoping import scope_conditions
from api.query.statement import Statement, Values, fill
from api.query.timerange import MINUTE_MS
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_ENVELOPES: Final = 1_000
"""Parts of a split batch, and retries, that are looked at; more are not expected."""
MAX_FILES: Final = 50
RAW_TABLES: Final[Mapping[str, str]] = {
    "events": "events",
    "traces": "spans",
    "metrics": "metric_points",
    "logs": "logs",
}


class EnvelopeRow(msgspec.Struct, array_like=True, frozen=True):
    """One envelope of a receipt."""

    app: str
    signal: str
    received_ms: int
    offered: int
    accepted: int
    rejected: dict[str, int]
    sampled: int
    limited: int
    duplicate: int
    dead_lettered: int
    dead_letters: int

    @property
    def expected(self) -> int:
        """Rows that it makes."""
        return max(self.accepted - self.duplicate - self.dead_lettered, 0)


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


def plan_receipt(receipt: str, *, org: str, app: str) -> Statement:
    """The statement for the envelopes of a receipt."""
    values = Values()
    where = [f"receipt = toUUID({values.text(receipt)})", *scope_conditions(values, org, app)]
    return values.statement(
        fill("receipt", where=" AND ".join(where), limit=values.add(MAX_ENVELOPES, "UInt64"))
    )


def plan_rows(receipt: str, found: Sequence[EnvelopeRow], *, org: str) -> Statement:
    """The statement that counts the raw rows of one receipt, whose envelopes are of one app."""
    values = Values()
    times = sorted({row.received_ms for row in found if row.expected})
    placed = ", ".join(
        f"fromUnixTimestamp64Milli({values.integer(time_ms)}, 'UTC')" for time_ms in times
    )
    where = [
        *scope_conditions(values, org, found[0].app),
        f"receipt = toUUID({values.text(receipt)})",
        f"received_at IN ({placed})",
    ]
    table = RAW_TABLES[found[0].signal]
    return values.statement(fill("receipt_rows", table=table, where=" AND ".join(where)))


def plan_archive(row: EnvelopeRow, *, org: str) -> Statement:
    """The statement for the files that hold rows of this envelope's app and minute."""
    values = Values()
    return values.statement(
        fill(
            "receipt_archive",
            signal=values.text(row.signal),
            at=values.integer(row.received_ms),
            org=values.text(org),
            app=values.text(row.app),
            minute=values.integer(row.received_ms // MINUTE_MS * MINUTE_MS // 1000),
            limit=values.add(MAX_FILES, "UInt64"),
        )
    )


def plan_minute(row: EnvelopeRow, *, org: str) -> Statement:
    """The statement for what is stored and archived of this envelope's app and minute."""
    values = Values()
    return values.statement(
        fill(
            "receipt_minute",
            signal=values.text(row.signal),
            org=values.text(org),
            app=values.text(row.app),
            minute=values.integer(row.received_ms // MINUTE_MS * MINUTE_MS // 1000),
        )
    )


def verdict(
    found: Sequence[EnvelopeRow], *, rows: int, waiting: int, oldest_kept_ms: int
) -> tuple[str, str]:
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
