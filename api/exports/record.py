"""The record of one export: kept as JSON beside its file, and answered to clients. Pure."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from api.answers import ErrorDetail
from api.query.export import Source
from api.query.export_columns import Form
from api.query.statement import Statement
from seamark.wire.signals import Signal

Status = Literal["queued", "running", "done", "failed", "cancelled"]
UNFINISHED: Final = frozenset({"queued", "running"})
CONTENT_TYPES: Final[Mapping[Form, str]] = {
    "csv": "text/csv; charset=utf-8; header=present",
    "parquet": "application/vnd.apache.parquet",
}
"""Sources: RFC 4180 and RFC 7111; https://www.iana.org/assignments/media-types."""


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be read. `limit` 0: all of it."""

    signal: Signal
    table: str
    source: Source
    since_ms: int
    until_ms: int
    limit: int
    rows: Statement
    counts: Statement
    files: Statement


class ExportRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One export. Times are milliseconds since the epoch, 0 for not yet.

    `app` empty: of all apps of the org. `expected`: rows that there will be at most, -1 while it
    is not known. `archived_ms`: rows received later are not in the archive yet.
    """

    id: str
    org: str
    app: str
    form: Form
    reading: Reading
    created_ms: int
    archived_ms: int = 0
    status: Status = "queued"
    attempt: int = 0
    rows: int = 0
    bytes: int = 0
    expected: int = -1
    progress: float = 0.0
    finished_ms: int = 0
    error: ErrorDetail | None = None

    @property
    def file_name(self) -> str:
        """What the file is called where it is saved."""
        begin = datetime.fromtimestamp(self.reading.since_ms / 1000, UTC)
        return f"{self.reading.signal.value}-{begin:%Y%m%dT%H%M%SZ}-{self.id[:8]}.{self.form}"

    def seen_by(self, org: str, app: str) -> bool:
        """Whether a token of this scope may see it. `app` empty: a token of the org."""
        return self.org == org and app in ("", self.app)


class ExportAnswer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One export. Times are epoch milliseconds.

    `source`: where its rows are read from; of the archive, those received until `archivedUntil`.
    `rows`, `bytes`: written so far. `expectedRows`: rows there will be, at most. `attempt`: how
    often it was begun. `expiresAt`: when its file is removed.
    """

    id: str
    status: Literal["queued", "running", "done", "failed", "cancelled", "removed"]
    signal: Literal["events", "traces", "metrics", "logs"]
    app_id: str
    format: Form
    source: Source
    archived_until: int | None
    from_: int = msgspec.field(name="from")
    to: int
    progress: float
    rows: int
    bytes: int
    expected_rows: int | None
    attempt: int
    created_at: int
    finished_at: int | None
    expires_at: int | None
    file_name: str
    error: ErrorDetail | None


class ExportsAnswer(msgspec.Struct, frozen=True):
    """The exports of a scope, the latest first."""

    exports: list[ExportAnswer]


def answer(record: ExportRecord, *, keep_ms: int, removed: bool = False) -> ExportAnswer:
    """A record as it is shown; `keep_ms`: how long it is kept when it is over."""
    reading, over = record.reading, record.finished_ms
    return ExportAnswer(
        id=record.id,
        status="removed" if removed else record.status,
        signal=reading.signal.value,
        app_id=record.app,
        format=record.form,
        source=reading.source,
        archived_until=record.archived_ms if reading.source == "archive" else None,
        from_=reading.since_ms,
        to=reading.until_ms,
        progress=record.progress,
        rows=record.rows,
        bytes=record.bytes,
        expected_rows=None if record.expected < 0 else record.expected,
        attempt=record.attempt,
        created_at=record.created_ms,
        finished_at=over or None,
        expires_at=over + keep_ms if over else None,
        file_name=record.file_name,
        error=record.error,
    )
