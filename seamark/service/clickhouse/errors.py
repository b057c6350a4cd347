"""What an error code of ClickHouse means for the caller. Pure; the only such table.

Codes: ClickHouse `src/Common/ErrorCodes.cpp`, or `SELECT errorCodeToName(n)`.
"""

import enum
import re
from collections.abc import Mapping
from typing import Final


class ErrorClass(enum.Enum):
    """What can be done about an error."""

    AWAY = "away"
    """A state of the store, whatever the statement or the data: the same again later."""
    TOO_MUCH = "too much"
    """More memory, rows or time than one statement may take: a smaller one may work."""
    REFUSED = "refused"
    """The bytes of an insert cannot be read: never again."""
    OTHER = "other"
    """None of these: a fault in a statement, a view or the store."""


AUTHENTICATION_FAILED: Final = 516
READONLY: Final = 164
"""Of a question, a fault in its statement: it would change something."""
BAD_PATTERN: Final = 427
"""CANNOT_COMPILE_REGEXP."""

REFUSED: Final[Mapping[int, str]] = {
    3: "UNEXPECTED_END_OF_FILE",
    6: "CANNOT_PARSE_TEXT",
    25: "CANNOT_PARSE_ESCAPE_SEQUENCE",
    26: "CANNOT_PARSE_QUOTED_STRING",
    27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    32: "ATTEMPT_TO_READ_AFTER_EOF",
    33: "CANNOT_READ_ALL_DATA",
    38: "CANNOT_PARSE_DATE",
    41: "CANNOT_PARSE_DATETIME",
    53: "TYPE_MISMATCH",
    69: "ARGUMENT_OUT_OF_BOUND",
    72: "CANNOT_PARSE_NUMBER",
    117: "INCORRECT_DATA",
    128: "TOO_LARGE_ARRAY_SIZE",
    131: "TOO_LARGE_STRING_SIZE",
    271: "CANNOT_DECOMPRESS",
    376: "CANNOT_PARSE_UUID",
    407: "DECIMAL_OVERFLOW",
    436: "PROTOBUF_BAD_CAST",
    444: "UNKNOWN_PROTOBUF_FORMAT",  # "Protobuf messages are corrupted": the usual one
    561: "ZSTD_DECODER_FAILED",
    632: "UNEXPECTED_DATA_AFTER_PARSED_VALUE",
}
TOO_MUCH: Final[Mapping[int, str]] = {
    158: "TOO_MANY_ROWS",
    191: "SET_SIZE_LIMIT_EXCEEDED",
    241: "MEMORY_LIMIT_EXCEEDED",
    290: "LIMIT_EXCEEDED",
    307: "TOO_MANY_BYTES",
    396: "TOO_MANY_ROWS_OR_BYTES",
}
TOO_LONG: Final[Mapping[int, str]] = {159: "TIMEOUT_EXCEEDED", 160: "TOO_SLOW"}
"""Of class TOO_MUCH as well; apart because the answer to a question says so."""
AWAY: Final[Mapping[int, str]] = {
    243: "NOT_ENOUGH_SPACE",
    # not provisioned, or in the middle of it
    60: "UNKNOWN_TABLE",
    81: "UNKNOWN_DATABASE",
    218: "TABLE_IS_DROPPED",
    # access, which an operator has to mend
    164: "READONLY",
    192: "UNKNOWN_USER",
    193: "WRONG_PASSWORD",
    194: "REQUIRED_PASSWORD",
    195: "IP_ADDRESS_NOT_ALLOWED",
    497: "ACCESS_DENIED",
    516: "AUTHENTICATION_FAILED",
    # load
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION",
    252: "TOO_MANY_PARTS",
    394: "QUERY_WAS_CANCELLED",
    439: "CANNOT_SCHEDULE_TASK",
    473: "DEADLOCK_AVOIDED",
    # network, replicas, shutdown
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    225: "NO_ZOOKEEPER",
    236: "ABORTED",
    242: "TABLE_IS_READ_ONLY",
    279: "ALL_CONNECTION_TRIES_FAILED",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    289: "REPLICA_IS_NOT_IN_QUORUM",
    319: "UNKNOWN_STATUS_OF_INSERT",
    999: "KEEPER_EXCEPTION",
    1000: "POCO_EXCEPTION",
    1001: "STD_EXCEPTION",
}
FILES: Final = frozenset(
    {24, 74, 75, 76, 77, 87, 88, 172, 204, 226, 228, 275, 294, 458, 521, 586, 641, 734}
)
"""Files that could not be read, written, synced or renamed; of class AWAY."""
_CODE: Final = re.compile(r"Code: (\d+)")


def classify(code: int | None) -> ErrorClass:
    """The class of a code; None or 0, no code of ClickHouse's at all, is away."""
    if not code or code in AWAY or code in FILES:
        return ErrorClass.AWAY
    if code in TOO_MUCH or code in TOO_LONG:
        return ErrorClass.TOO_MUCH
    return ErrorClass.REFUSED if code in REFUSED else ErrorClass.OTHER


def code_in(text: str) -> int:
    """The code in a message of ClickHouse's or of the engine's; 0: there is none."""
    found = _CODE.search(text)
    return int(found[1]) if found else 0


def code_of(status: int, header: str, body: str) -> int:
    """ClickHouse's error code from an HTTP answer; 0: it is no error of ClickHouse's.

    `header` is X-ClickHouse-Exception-Code, or "". A 200 can carry an exception too: it came after
    the head of the answer had been sent.
    """
    if header.isdigit():
        return int(header)
    return code_in(body) if status != 200 or body.startswith("Code: ") else 0
