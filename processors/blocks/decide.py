"""What the reader of one stream does next. Pure: values and `now` in, one step out.

A *block* is the run (done, end] of a stream's messages, written as one insert. Its token is
`<stream>:<done + 1>-<end>:<server time of its first message, ns>`: both sequences inclusive, and
the time because sequences can restart when a log is lost, and then must not meet old tokens.

Invariants the runner keeps by doing exactly what is said here:
  1. A block is inserted only while the recorded position names it. (Write the intent first.)
  2. A recorded intent (end > done) is resolved - inserted, split or buried - before any later
     message is sent; so after a crash the record says exactly what may have been written.
  3. Once a part of a block may have been written under a token of its own, no record names the
     whole block any more. Splitting is therefore a new intent, not a retry inside the sink.
Every record is written by compare-and-set, so of two rivals only one makes the next intent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

CREATED_SLACK_NS: Final = 5_000_000_000
"""Clocks of a cluster's servers may disagree by this much before a stream counts as replaced."""


class LogWentBack(Exception):
    """The stream holds less than was already taken from it: restored, replaced, or lost.

    Going on could skip new messages that reuse old sequences, so a person has to decide.
    """


class Stored(Protocol):
    """What is needed of a message: sequence, server time (ns), when it came to us (s), sizes."""

    @property
    def sequence(self) -> int: ...
    @property
    def stored_ns(self) -> int: ...
    @property
    def arrived(self) -> float: ...
    @property
    def payload(self) -> bytes: ...
    @property
    def weight(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Position:
    """The record: everything up to `done` is written; (done, end] is being written as `token`.

    end == done: nothing is being written; `token` is then the last block's, or "" before it.
    """

    done: int
    end: int
    token: str = ""

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


@dataclass(frozen=True, slots=True)
class Limits:
    """When a block is cut: at so many messages or bytes, or when its first message is so old.

    `weight`: what one block may weigh in the store's memory; the rest goes into the next.
    `idle_seconds`: how long after a block its end is recorded though no next block came.
    """

    messages: int
    bytes: int
    age_seconds: float
    idle_seconds: float = 1.0
    weight: int = 48 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class State:
    """`position` is what is recorded; (.., inserted] is known to be written (memory only).

    `refused`: the sink refuses the recorded block for good. `suspect_end`: some message in
    (inserted, suspect_end] is at fault. Both are found out again after a crash.
    """

    stream: str
    position: Position
    inserted: int
    inserted_at: float = 0.0
    refused: bool = False
    suspect_end: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for `messages` or `bytes` in the buffer, for `sequence`, or until `until`."""

    until: float | None = None
    messages: int = 1
    bytes: int = 1
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Send:
    """Record `position` unless it already is; then insert the first `count` buffered messages."""

    position: Position
    count: int


@dataclass(frozen=True, slots=True)
class Bury:
    """Put the first buffered message, alone in its block, into the dead-letter stream."""

    position: Position


@dataclass(frozen=True, slots=True)
class Commit:
    """Record `position`; there is nothing to insert."""

    position: Position


Step = Wait | Send | Bury | Commit


def token_of(stream: str, *, done: int, end: int, first_ns: int) -> str:
    """The token of block (done, end] whose first message was stored at `first_ns`."""
    return f"{stream}:{done + 1}-{end}:{first_ns}"


def check_log(position: Position, log: LogState) -> None:
    """Raise LogWentBack unless the stream can be the one this position was taken from."""
    if log.last < position.end:
        raise LogWentBack(f"the log ends at {log.last}, but {position.end} was already read")
    if position.token and log.created_ns > position.first_ns + CREATED_SLACK_NS:
        raise LogWentBack("the stream was created after the last block was taken from it")


def resume(stream: str, record: Position | None, log: LogState) -> State:
    """Where to go on from a record; without one, from the stream's first message.

    Raises LogWentBack.
    """
    if record is None:
        before = max(log.first, 1) - 1
        return State(stream, Position(before, before), before)
    check_log(record, log)
    return State(stream, record, record.done)


def next_step(
    state: State,
    buffer: Sequence[Stored],
    *,
    buffered_bytes: int,
    complete: bool,
    limits: Limits,
    now: float,
) -> Step:
    """What to do with the messages after `state.inserted` that have been read so far.

    `complete`: everything the stream held has been read, so what is missing will never come.
    """
    position = state.position
    if state.inserted < position.end and not state.refused:
        return _finish(position, buffer, complete=complete)
    if not buffer:
        if state.inserted == position.done:
            return Wait()
        due = state.inserted_at + limits.idle_seconds
        if now < due:
            return Wait(until=due)
        return Commit(Position(state.inserted, state.inserted, position.token))
    if state.suspect_end > state.inserted:
        suspects = _count_up_to(buffer, state.suspect_end)
        if suspects == 1 and state.refused and position.end == buffer[0].sequence:
            return Bury(position)
        return _send(state, buffer, max(1, suspects // 2))
    full = len(buffer) >= limits.messages or buffered_bytes >= limits.bytes
    due = buffer[0].arrived + limits.age_seconds
    if not full and now < due:
        return Wait(until=due, messages=limits.messages, bytes=limits.bytes)
    return _send(state, buffer, _count_within(buffer, limits))


def _finish(position: Position, buffer: Sequence[Stored], *, complete: bool) -> Step:
    """Send the recorded block again, exactly; or give it up if the log no longer holds any."""
    if not complete and (not buffer or buffer[-1].sequence < position.end):
        return Wait(sequence=position.end)
    count = _count_up_to(buffer, position.end)
    if count == 0:
        return Commit(Position(position.end, position.end, position.token))
    return Send(position, count)


def _send(state: State, buffer: Sequence[Stored], count: int) -> Send:
    end = buffer[count - 1].sequence
    token = token_of(state.stream, done=state.inserted, end=end, first_ns=buffer[0].stored_ns)
    return Send(Position(state.inserted, end, token), count)


def _count_up_to(buffer: Sequence[Stored], sequence: int) -> int:
    """How many messages at the front have a sequence of at most `sequence`."""
    low, high = 0, len(buffer)
    while low < high:
        middle = (low + high) // 2
        if buffer[middle].sequence <= sequence:
            low = middle + 1
        else:
            high = middle
    return low


def _count_within(buffer: Sequence[Stored], limits: Limits) -> int:
    """How many messages at the front fit one block; at least one."""
    size = weight = 0
    most = min(len(buffer), limits.messages)
    for count in range(most):
        size += len(buffer[count].payload)
        weight += buffer[count].weight
        if size > limits.bytes or weight > limits.weight:
            return max(1, count)
    return most


def recorded(state: State, position: Position) -> State:
    """`position` has been written to the record."""
    return replace(
        state, position=position, inserted=max(state.inserted, position.done), refused=False
    )


def inserted(state: State, now: float) -> State:
    """The recorded block is written, or its one message buried."""
    end = state.position.end
    suspect_end = state.suspect_end if state.suspect_end > end else 0
    return replace(state, inserted=end, inserted_at=now, refused=False, suspect_end=suspect_end)


def buried(state: State, now: float) -> State:
    """The one message of the recorded block is in the dead-letter stream; suspicion ends."""
    return replace(inserted(state, now), suspect_end=0)


def refused(state: State) -> State:
    """The sink refuses the recorded block for good: the next step halves it, or buries it."""
    return replace(state, refused=True, suspect_end=state.position.end)
