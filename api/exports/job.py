"""Input and output of the process that makes an export: `ExportJob`, lines of `ExportProgress`."""

from typing import Final, Literal

import msgspec

from api.exports.record import Reading
from api.query.export_columns import Form

FAILURES = Literal["too_much", "invalid_filter", "disk_full", "unavailable", "corrupt", "internal"]
"""Why an export failed. `unavailable` is tried again before it counts."""


class StoreAccess(msgspec.Struct, frozen=True, kw_only=True):
    """How the store is reached."""

    url: str
    user: str
    password: str
    database: str
    tls_ca: str


class ExportJob(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. The file is made in `folder`, under `RESULT`."""

    folder: str
    form: Form
    reading: Reading
    store: StoreAccess
    most_rows: int
    most_bytes: int
    slice_rows: int
    slice_seconds: float
    memory_bytes: int
    disk_keep_bytes: int


class ExportProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is. `done`: the file is there, whole. `failure`: it will not be made."""

    rows: int = 0
    bytes: int = 0
    expected: int = -1
    progress: float = 0.0
    done: bool = False
    failure: FAILURES | Literal[""] = ""
    message: str = ""


class Failed(Exception):
    """The export cannot be made; `message` says what to do about it."""

    def __init__(self, reason: FAILURES, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message


RESULT: Final = "result"
"""What the file is called while it is made."""
BAD_PATTERN: Final = (
    "A pattern in filters is not a valid RE2 expression "
    "(https://github.com/google/re2/wiki/Syntax)."
)
BEYOND: Final = (
    "This takes more memory or time than one part of an export may "
    "(SEAMARK_EXPORT_MEMORY_BYTES, SEAMARK_EXPORT_SLICE_SECONDS); narrow the range, the filters or "
    "the columns."
)
