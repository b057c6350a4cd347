"""The record of a sink's position in a stream, as the bucket SEAMARK_POSITIONS has it. Pure.

    <sink>.<stream>   {"done": 41, "end": 57, "token": "<stream>:42-57:<ns>"}
    pause.<sink>      {"until_ms": 1795316640123}       a lease (`processors.blocks.pause`)
    skip.<sink>.<stream>  {"sequence": 42, "stored_us": 1795316640123456}   `processors.blocks.skip`
    merge.archive     {"merge": {...} | null}           `processors.archive.intents`

A *block* is the run (done, end] of a stream's messages, written as one insert under one token.
"""

import re
from typing import Final

import msgspec

MERGE_KEY: Final = "merge.archive"
_TOKEN: Final = re.compile(r"^([^:/]+):(\d+)-(\d+):(\d+)(?:/(\d+)(/notice)?)?\Z")


class Position(msgspec.Struct, frozen=True, omit_defaults=True):
    """The record: everything up to `done` is written; (done, end] is being written as `token`.

    end == done: nothing is being written; `token` is then the last block's, or "" before it.
    `frames`: None while the block is written whole. Otherwise it is one message that was rejected:
    () while its frames are offered one by one; then those that were rejected are listed, and the
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


class PauseLease(msgspec.Struct, frozen=True, kw_only=True):
    """The sink waits until then, in milliseconds since the epoch."""

    until_ms: int


class SkipRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be given up, by its sequence and server time (sequences can restart)."""

    sequence: int
    stored_us: int


def token_of(stream: str, *, done: int, end: int, first_ns: int) -> str:
    """The token of block (done, end] whose first message was stored at `first_ns`.

    Both sequences are inclusive. The time is part of it because sequences can restart when a log
    is lost, and must not meet old tokens then.
    """
    return f"{stream}:{done + 1}-{end}:{first_ns}"


def block_of(token: str) -> tuple[str, Position] | None:
    """The stream, and the position while the block of `token` is being written.

    For the token of one frame (`<token>/<frame>`, `<token>/<frame>/notice`) it is the position
    while the frames of that message are offered. None: it is not the token of a block.
    """
    found = _TOKEN.match(token)
    if found is None:
        return None
    stream, first, last, _, frame, _ = found.groups()
    whole = token.partition("/")[0]
    return stream, Position(int(first) - 1, int(last), whole, None if frame is None else ())


def position_key(sink: str, stream: str) -> str:
    """The key of a sink's record for a stream."""
    return f"{sink}.{stream}"


def pause_key(sink: str) -> str:
    """The key of the lease that pauses a sink."""
    return f"pause.{sink}"


def skip_key(sink: str, stream: str) -> str:
    """The key of the message of a stream that a sink is to give up."""
    return f"skip.{sink}.{stream}"
