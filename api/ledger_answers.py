"""What questions about the ledger is answered with; part of `/openapi.json`."""

from typing import Any, Literal

import msgspec

from api.answers import Meta


class LedgerBalance(msgspec.Struct, frozen=True):
    """What each law is off by; 0: it holds.

    `offered` = offered − (accepted + Σ rejected + sampled + limited); `stored` = accepted −
    (stored + duplicate + dead-lettered); `archived` = stored − archived.
    """

    offered: int
    stored: int
    archived: int


class LedgerTotals(msgspec.Struct, frozen=True, rename="camel"):
    """Counts of items; `requests` had their items counted, `request_rejections` did not.

    `dead_letters` are how many of the rejected are kept as dead letters.
    """

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
    balance: LedgerBalance


class LedgerRow(msgspec.Struct, frozen=True, rename="camel"):
    """The counts of one step of time (its start, epoch ms), one app, one signal.

    `settled`: everything received by its end is stored, so its `balance` means something;
    `archive_settled`: the same of the archive.
    """

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
    balance: LedgerBalance
    settled: bool
    archive_settled: bool


class LedgerAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """Rows in order of time, app and signal; steps in which nothing happened are left out.

    `balanced`: the first two laws hold in every settled row; null when no row could be checked.
    `settled_until`, `archive_settled_until`: epoch ms; null: nobody knows, the log does not answer.
    """

    rows: list[LedgerRow]
    totals: LedgerTotals
    balanced: bool | None
    settled_until: int | None
    archive_settled_until: int | None
    meta: Meta


ReceiptState = Literal[
    "stored", "rejected", "duplicate", "dead_lettered", "logged", "fault", "expired"
]


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


class ReceiptAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The outcome of a request. Counts are of its items, over every try that reached the log.

    `tries` are envelopes: parts of a split batch, and retries under one `batchId`. `why` is there
    when the state is not `stored`.
    """

    receipt_id: str
    state: ReceiptState
    signal: str
    app: str
    received_at: int
    tries: int
    offered: int
    accepted: int
    rejected: dict[str, int]
    sampled: int
    limited: int
    duplicate: int
    dead_lettered: int
    logged: bool
    stored: StoredRows
    archived: ArchivedFiles
    dead_letters: int
    meta: Meta
    why: str | msgspec.UnsetType = msgspec.UNSET


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

    dead_letters: list[DeadLetterItem]
    reasons: dict[str, int]
    cursor: str
    meta: Meta


class ReplayedDeadLetter(msgspec.Struct, frozen=True, rename="camel"):
    """What a replay made of one dead letter. `before`, `after`: the event,
    null when it is skipped.

    `result`: `accepted`; `rejected` (`why` says what is still wrong); `skipped`, for it cannot be
    sent.
    """

    dead_letter_id: str
    app: str
    result: Literal["accepted", "rejected", "skipped"]
    before: Any
    after: Any
    why: str = ""


class ReplayAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """What a replay did, or would do (`dry_run`). `cursor`: goes on with older dead letters.

    `already`: dead letters of the selection that were left out because they were replayed before.
    `receipts`: of the batches that were sent.
    """

    dry_run: bool
    accepted: int
    rejected: int
    skipped: int
    dead_letters: list[ReplayedDeadLetter]
    receipts: list[str]
    cursor: str
    meta: Meta
