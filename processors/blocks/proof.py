"""What a sink holds of a stream, compared with the recorded position. Pure.

The record can be lost, or be older or newer than the sink (a bucket deleted, a store restored). The
sink itself can name the last block it has of a stream; the higher of the two wins, and where going
on could double or skip messages the stream stops.
"""

from dataclasses import dataclass
from typing import Final

from seamark.wire.log_state import CREATED_SLACK_NS, LogRegressed, LogState, check_log
from seamark.wire.positions import Position, block_of

RECENT_MS: Final = 10 * 60 * 1000
"""A block written within this time is sent again under its token, in case its insert broke off;
the tokens of an older one may be forgotten, and a retry of it would have completed it long ago."""


class PositionContradicted(Exception):
    """The record and the sink cannot both be true; an operator has to decide."""


@dataclass(frozen=True, slots=True)
class LastBlock:
    """A block that the sink has some or all of: its token, and when it was written (epoch ms)."""

    token: str
    written_ms: int


def reconcile(
    record: Position | None,
    last: LastBlock | None,
    *,
    stream: str,
    log: LogState,
    now_ms: int,
    traced: bool = True,
) -> Position | None:
    """The position to go on from; None: from the stream's first message.

    `traced`: every block that was carried left something in the sink, also one of dead letters.
    Raises PositionContradicted.
    """
    found = block_of(last.token) if last is not None else None
    if last is None or found is None or found[0] != stream:
        return record
    proven = found[1]
    if log.created_ns > proven.first_ns + CREATED_SLACK_NS:
        return record  # a block of an earlier stream of this name
    if record is None or record.end < proven.end:
        _check(proven, log)
        if now_ms - last.written_ms < RECENT_MS:
            return proven
        return Position(proven.end, proven.end, proven.token)
    if traced and proven.end < record.done and log.first <= record.done:
        raise PositionContradicted(
            f"the record says that everything up to {record.done} was written, but the last block "
            f"the sink has of {stream} ends at {proven.end}: was the sink restored without its "
            'positions? docs/recovery.md, "Positions and store disagree", has the ways out'
        )
    return record


def _check(proven: Position, log: LogState) -> None:
    try:
        check_log(proven, log)
    except LogRegressed as error:
        raise PositionContradicted(
            f"there is no record, and the sink has a block up to {proven.end}, but {error}: "
            'docs/recovery.md, "Positions and store disagree", has the ways out'
        ) from error
