"""When a batch that is sent again was received first. Pure."""

from typing import Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from collector.admission import timestamps
from collector.admission.native.errors import read_member
from seamark.wire.failures import Rejected
from seamark.wire.limits import REPLAY_DAYS
from seamark.wire.reasons import Reason

FIELD: Final = "receivedAt"
_MS_PER_DAY: Final = 86_400_000


class _Received(msgspec.Struct, rename="camel"):
    received_at: Raw | UnsetType = UNSET


_decode: Final = msgspec.json.Decoder(_Received).decode


def read_received_ms(body: bytes, *, now_ms: int) -> int:
    """`receivedAt` of a body that could be decoded, in ms since the epoch.

    Raises Rejected (INVALID_TIMESTAMP when it is missing, no time, or later than `now_ms`;
    TOO_LATE when it is older than is taken).
    """
    value = read_member(_decode(body).received_at, FIELD)
    at_ms = timestamps.read(value, field=FIELD).ms
    if at_ms > now_ms:
        raise Rejected(
            Reason.INVALID_TIMESTAMP,
            "it is in the future; send when the batch was received first",
            field=FIELD,
        )
    if now_ms - at_ms > REPLAY_DAYS * _MS_PER_DAY:
        raise Rejected(
            Reason.TOO_LATE,
            f"it is {(now_ms - at_ms) / _MS_PER_DAY:,.1f} days ago, the limit is {REPLAY_DAYS} "
            "days; older data comes back from the archive only",
            field=FIELD,
        )
    return at_ms
