"""What is recorded of a stream, and whether the log can still be the one it is of. Pure."""

from dataclasses import dataclass
from typing import Final

import msgspec

CREATED_SLACK_NS: Final = 5_000_000_000
"""Clocks of a cluster's servers may disagree by this much before a stream counts as replaced."""


class LogWentBack(Exception):
    """The stream holds less than was already taken from it: restored, replaced, or lost.

    Going on could skip new messages that reuse old sequences, so a person has to decide.
    """


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record: everything up to `done` is written; (done, end] is being written as `token`.

    end == done: nothing is being written; `token` is then the last block's, or "" before it.
    `frames`: None while the block is written whole. Otherwise it is one message that was refused:
    () while its frames are offered one by one; then those that were refused are listed, and the
    rest of them is written.
    """

    done: int
    end: int
    token: str = ""
    frames: tuple[int, ...] | None = None

    @property
    def first_ns(self) -> int:
        """Server time of the first message of that block; 0 before the first block."""
        return int(self.token.rpartition(":")[2]) if self.token else 0


@dataclass(frozen=True, slots=True)
class LogState:
    """First and last sequence held by a stream (first = last + 1 when empty), and its birth."""

    first: int
    last: int
    created_ns: int


def token_of(stream: str, *, done: int, end: int, first_ns: int) -> str:
    """The token of block (done, end] whose first message was stored at `first_ns`."""
    return f"{stream}:{done + 1}-{end}:{first_ns}"


def check_log(position: Position, log: LogState) -> None:
    """Raise LogWentBack unless the stream can be the one this position was taken from."""
    if log.last < position.end:
        raise LogWentBack(f"the log ends at {log.last}, but {position.end} was already read")
    if position.token and log.created_ns > position.first_ns + CREATED_SLACK_NS:
        raise LogWentBack("the stream was created after the last block was taken from it")
