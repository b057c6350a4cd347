"""What the reader of one stream does next. Pure: values and `now` in, one step out.

A *block* is the run (done, end] of a stream's messages, written as one insert. Its token is
`<stream>:<done + 1>-<end>:<server time of its first message, ns>`: both sequences inclusive, and
the time because sequences can restart when a log is lost, and then must not meet old tokens.

Invariants the runner keeps by doing exactly what is said here:
  1. A block is inserted only while the recorded position names it. (Write the intent first.)
  2. A recorded intent (end > done) is resolved - inserted, split or offered frame by frame - before
     any later message is sent; so after a crash the record says exactly what may have been written.
  3. Once a part of a block may have been written under a token of its own, no record names the
     whole block any more. Splitting is therefore a new intent, not a retry inside the sink; and so
     is offering the one message that is left frame by frame, under `<token>/<frame>`.
  4. A frame is dead-lettered, and notice given of it, only while the record names it as refused;
     after that it is never offered again. So no frame is both stored and dead-lettered, though a
     sink that was mended may take it after a restart. (It must go on taking what it took, and not
     be mended within one insert's time: a rival stopped just before
     it sent the block may send it then.)
  5. What fails for a reason that is not "away" is split, and in the end dead-lettered, like what is
     refused; but only when nothing of it was written: an insert that broke off may have filled some
     tables, and then only the same token again fills the others.
Every record is written by compare-and-set, so of two rivals only one makes the next intent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from processors.blocks.reasons import SinkReason
from seamark.wire.log_state import LogState, check_log
from seamark.wire.positions import Position, token_of

_BLOCK_TRIES: Final = 6
_SUSPECT_TRIES: Final = 2
FRAME_TRIES: Final = 8
"""Tries of one frame alone before it is dead-lettered: some 15 seconds, with the waits between."""


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
class BlockLimits:
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

    `refused`: the sink does not take the recorded block as it is. `suspect_end`: some message in
    (inserted, suspect_end] is the cause. `bad`: frames of the recorded message that were refused.
    `failures`: how often the recorded block failed for a reason that is not "away".
    All of it is found out again after a crash.
    """

    stream: str
    position: Position
    inserted: int
    inserted_at: float = 0.0
    refused: bool = False
    suspect_end: int = 0
    bad: tuple[int, ...] = ()
    failures: int = 0


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
class Offer:
    """Record `position` unless it already is; then insert the first buffered message, alone in its
    block, frame by frame.
    """

    position: Position


@dataclass(frozen=True, slots=True)
class MoveToDeadLetters:
    """Record `position` unless it already is; then put `position.frames` of the first buffered
    message into the dead-letter stream. Its other frames are written.
    """

    position: Position


@dataclass(frozen=True, slots=True)
class Commit:
    """Record `position`; there is nothing to insert."""

    position: Position


Step = Wait | Send | Offer | MoveToDeadLetters | Commit


def resume(stream: str, record: Position | None, log: LogState) -> State:
    """Where to go on from a record; without one, from the stream's first message.

    Raises LogRegressed.
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
    limits: BlockLimits,
    now: float,
) -> Step:
    """What to do with the messages after `state.inserted` that have been read so far.

    `complete`: everything the stream held has been read, so what is missing will never come.
    """
    position = state.position
    if state.inserted < position.end and not state.refused:
        return _finish(state, buffer, complete=complete)
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
            return Offer(Position(position.done, position.end, position.token, ()))
        return _send(state, buffer, max(1, suspects // 2))
    full = len(buffer) >= limits.messages or buffered_bytes >= limits.bytes
    due = buffer[0].arrived + limits.age_seconds
    if not full and now < due:
        return Wait(until=due, messages=limits.messages, bytes=limits.bytes)
    return _send(state, buffer, _count_within(buffer, limits))


def _finish(state: State, buffer: Sequence[Stored], *, complete: bool) -> Step:
    """Send the recorded block again, exactly; or give it up if the log no longer holds any."""
    position = state.position
    if not complete and (not buffer or buffer[-1].sequence < position.end):
        return Wait(sequence=position.end)
    count = _count_up_to(buffer, position.end)
    if count == 0:
        return Commit(Position(position.end, position.end, position.token))
    if position.frames is None:
        return Send(position, count)
    if bad := position.frames or state.bad:
        return MoveToDeadLetters(Position(position.done, position.end, position.token, bad))
    return Offer(position)


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


def _count_within(buffer: Sequence[Stored], limits: BlockLimits) -> int:
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
    done = max(state.inserted, position.done)
    return replace(state, position=position, inserted=done, refused=False, bad=(), failures=0)


def inserted(state: State, now: float) -> State:
    """The recorded block is written."""
    end = state.position.end
    suspect_end = state.suspect_end if state.suspect_end > end else 0
    return replace(
        state,
        inserted=end,
        inserted_at=now,
        refused=False,
        suspect_end=suspect_end,
        failures=0,
    )


def offered(state: State, bad: Sequence[int], now: float) -> State:
    """Of the frames of the recorded message all but `bad` are written."""
    return replace(state, bad=tuple(bad)) if bad else inserted(state, now)


def dead_lettered(state: State, now: float) -> State:
    """The recorded frames are in the dead-letter stream, the rest is written; suspicion ends."""
    return replace(inserted(state, now), suspect_end=0)


def refused(state: State) -> State:
    """The sink does not take the recorded block: next it is halved, or its frames are offered."""
    return replace(state, refused=True, suspect_end=state.position.end)


def failed(state: State, reason: SinkReason) -> State:
    """A try to write the recorded block failed, and may be made again."""
    return state if reason.away else replace(state, failures=state.failures + 1)


def may_be_split(state: State, reason: SinkReason, *, given_up: bool = False) -> bool:
    """Whether the recorded block failed often enough to be split, if nothing of it was written.

    `given_up`: an operator has told to skip a message of it, whatever the reason. Too much at once
    is split at the first failure, because less may work; other errors after some
    tries, and sooner once the cause is known to be near.
    """
    if state.position.frames is not None:
        return False
    if given_up:
        return True
    if reason.away:
        return False
    if reason is SinkReason.TOO_HEAVY:
        return True
    return state.failures >= (_SUSPECT_TRIES if state.suspect_end else _BLOCK_TRIES)


def gives_up_frame(reason: SinkReason, failures: int) -> bool:
    """Whether a frame that failed so often alone is refused for good, if nothing was written."""
    return not reason.away and failures >= FRAME_TRIES
