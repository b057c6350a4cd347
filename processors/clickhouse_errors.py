"""What ClickHouse's answer means: take it, try again, or never. Pure.

Only codes that speak of the bytes themselves are permanent. Everything else (no memory, too many
parts, no such table, no access, a schema that cannot be read) is somebody's to mend while the
block waits in the log: giving up there would move good data to the dead letters.
Codes: ClickHouse `src/Common/ErrorCodes.cpp`, or `SELECT errorCodeToName(n)`.
"""

import re
from typing import Final

PERMANENT: Final = {
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
_CODE: Final = re.compile(r"Code: (\d+)\. DB::")


def code_of(status: int, header: str, body: str) -> int:
    """ClickHouse's error code from an answer; 0: it is no error of ClickHouse's.

    `header` is X-ClickHouse-Exception-Code, or "". A 200 can carry an exception too: it came after
    the head of the answer had been sent.
    """
    if header.isdigit():
        return int(header)
    found = _CODE.search(body) if status != 200 or body.startswith("Code: ") else None
    return int(found.group(1)) if found else 0
