"""Whether the log can still be the one a position was taken from. Pure."""

from dataclasses import dataclass
from typing import Final

from seamark.wire.positions import Position

CREATED_SLACK_NS: Final = 5_000_000_000
"""Clocks of a cluster's servers may disagree by this much before a stream counts as replaced."""


class LogRegressed(Exception):
    """The stream holds less than was already read from it: it was restored, replaced or lost.

    Reading on could skip new messages that reuse old sequences, so an operator has to decide.
    """


@dataclass(frozen=True, slots=True)
class LogState:
    """First and last sequence of a stream (first = last + 1 when empty), and its creation time."""

    first: int
    last: int
    created_ns: int


def check_log(position: Position, log: LogState) -> None:
    """Raise LogRegressed unless the stream can be the one this position was taken from."""
    if log.last < position.end:
        raise LogRegressed(f"the log ends at {log.last}, but {position.end} was already read")
    if position.token and log.created_ns > position.first_ns + CREATED_SLACK_NS:
        raise LogRegressed("the stream was created after the last block was taken from it")
