"""What went wrong, as the code, text and HTTP status that ClickHouse's clients expect.

Statuses: ClickHouse `src/Server/HTTP/exceptionCodeToHTTPStatus.cpp`.
"""

import re
from typing import Final

from seamark.service.clickhouse.errors import FILES

TRUNCATED: Final = 33  # CANNOT_READ_ALL_DATA
NOT_IMPLEMENTED: Final = 48
SYNTAX: Final = 62
LIMIT_EXCEEDED: Final = 290
BAD_ARGUMENTS: Final = 36
TOO_MANY_QUERIES: Final = 202
ABORTED: Final = 236
CANNOT_WRITE: Final = 75
SESSION_NOT_FOUND: Final = 372
SESSION_IS_LOCKED: Final = 373
CANCELLED: Final = 394
ACCESS_DENIED: Final = 497
AUTHENTICATION_FAILED: Final = 516
UNKNOWN: Final = 1002

_NAMES: Final = {
    TRUNCATED: "CANNOT_READ_ALL_DATA",
    BAD_ARGUMENTS: "BAD_ARGUMENTS",
    NOT_IMPLEMENTED: "NOT_IMPLEMENTED",
    SYNTAX: "SYNTAX_ERROR",
    TOO_MANY_QUERIES: "TOO_MANY_SIMULTANEOUS_QUERIES",
    ABORTED: "ABORTED",
    CANNOT_WRITE: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    LIMIT_EXCEEDED: "LIMIT_EXCEEDED",
    SESSION_NOT_FOUND: "SESSION_NOT_FOUND",
    SESSION_IS_LOCKED: "SESSION_IS_LOCKED",
    CANCELLED: "QUERY_WAS_CANCELLED",
    ACCESS_DENIED: "ACCESS_DENIED",
    AUTHENTICATION_FAILED: "AUTHENTICATION_FAILED",
    UNKNOWN: "UNKNOWN_EXCEPTION",
}
_BAD_REQUEST: Final = frozenset(
    {6, 26, 27, 33, 36, 38, 41, 43, 53, 61, 62, 69, 70, 72, 130, 131, 179, 184, 215, 377, 378, 386}
    | {427, 441, 456, 457, 467, 469, 623}
)
_NOT_FOUND: Final = frozenset({16, 20, 42, 46, 47, 50, 56, 60, 73, 81, 108, 115, 372})
_STATUS: Final = (
    dict.fromkeys(_BAD_REQUEST, 400)
    | dict.fromkeys(_NOT_FOUND, 404)
    | {
        ACCESS_DENIED: 403,
        AUTHENTICATION_FAILED: 403,
        159: 408,  # TIMEOUT_EXCEEDED
        LIMIT_EXCEEDED: 413,
        NOT_IMPLEMENTED: 501,
        TOO_MANY_QUERIES: 503,
        ABORTED: 503,
    }
)
_ENGINE: Final = re.compile(r"Code: (\d+)\. DB::Exception: (?:Code: \d+\. DB::Exception: )*")


NOT_ENOUGH_SPACE: Final = 243
"""Said before anything is written."""
_STD_EXCEPTION: Final = 1001


class StoreError(Exception):
    """A request that failed. `code` is ClickHouse's; `text` is what a ClickHouse server sends."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def broken_off(self) -> bool:
        """Whether the disk failed in the middle of writing, as one that is full does."""
        if self.code == _STD_EXCEPTION:
            return "filesystem" in self.text
        return self.code in FILES

    @property
    def status(self) -> int:
        """The HTTP status that goes with the code."""
        return _STATUS.get(self.code, 500)


def own_error(code: int, message: str) -> StoreError:
    """A failure found here rather than in the engine, worded as the engine would."""
    return StoreError(code, f"Code: {code}. DB::Exception: {message}. ({_NAMES[code]})")


def engine_error(message: str) -> StoreError:
    """What chdb raised, without the words its layers put in front."""
    found = _ENGINE.search(message)
    if found is None:
        return own_error(UNKNOWN, message.strip().rstrip(".") or "the engine gave no reason")
    code = int(found[1])
    return StoreError(code, f"Code: {code}. DB::Exception: {message[found.end() :].strip()}")
