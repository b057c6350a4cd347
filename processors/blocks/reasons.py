"""Why a sink did not take a block: a closed set. Pure.

One member is at once the `reason` of a log line, the label of a metric and part of the
`Seamark-Reason` of a dead letter.
"""

import enum

from seamark.service.clickhouse.errors import ErrorClass


class SinkReason(enum.StrEnum):
    """The first is `Rejected`, the others are `Unavailable`."""

    BYTES = "bytes_refused"
    """These bytes cannot be read; nothing of the block was written."""
    # away: whatever the block; tried again for ever
    CONNECTION = "connection"
    TIMEOUT = "timeout"
    STORE_AWAY = "store_away"
    FILES = "files"
    ENGINE = "engine_failed"
    # not away: the block may be the cause
    TOO_HEAVY = "too_heavy"
    """More memory, rows or time than one insert may take here."""
    STORE_ERROR = "store_error"
    """Any other error of the store."""

    @property
    def away(self) -> bool:
        """Whether the block cannot be the cause."""
        return self not in (SinkReason.BYTES, SinkReason.TOO_HEAVY, SinkReason.STORE_ERROR)


OF_CLASS = {
    ErrorClass.AWAY: SinkReason.STORE_AWAY,
    ErrorClass.TOO_MUCH: SinkReason.TOO_HEAVY,
    ErrorClass.REFUSED: SinkReason.BYTES,
    ErrorClass.OTHER: SinkReason.STORE_ERROR,
}
"""The reason for a class of ClickHouse's errors."""
