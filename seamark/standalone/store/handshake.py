"""The first question of clickhouse-go, answered by hand.

The driver asks `SELECT displayName(), version(), revision(), timezone()` in its own protocol
revision and decodes everything after it at the revision it is told. chdb writes the Native format
of revision 0 only, so this one answer is written in the driver's revision and says 0.
Format: https://clickhouse.com/docs/native-protocol/server and clickhouse-go `conn_http.go`.
"""

import re
from typing import Final

from seamark.wire.envelope import varint

_QUESTION: Final = re.compile(
    rb"\s*SELECT\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)\s*;?\s*$",
    re.IGNORECASE,
)
_BLOCK_INFO: Final = b"\x01\x00\x02\xff\xff\xff\xff\x00"  # not overflowed, no bucket, end
_CUSTOM_SERIALIZATION_SINCE: Final = 54454


def is_handshake(query: bytes) -> bool:
    """Whether this is the driver's first question."""
    return _QUESTION.match(query) is not None


def handshake(revision: int, *, version: str, timezone: str) -> bytes:
    """One Native block of four columns and one row, written for `revision` (0 or more)."""
    plain = b"\x00" if revision >= _CUSTOM_SERIALIZATION_SINCE else b""

    def column(name: str, kind: str, value: bytes) -> bytes:
        return _text(name) + _text(kind) + plain + value

    return b"".join(
        (
            _BLOCK_INFO if revision > 0 else b"",
            varint(4),
            varint(1),
            column("displayName()", "String", _text("seamark")),
            column("version()", "String", _text(version)),
            column("revision()", "UInt32", (0).to_bytes(4, "little")),
            column("timezone()", "String", _text(timezone)),
        )
    )


def _text(value: str) -> bytes:
    data = value.encode()
    return varint(len(data)) + data
