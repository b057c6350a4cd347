"""What the publisher of one stream does next. Pure: a state in, one action out.

    no backlog:  take frames from the queue as one message, attempt it until it is acknowledged,
                 spooled, or past every deadline
    backlog:     drain the spool, one message at a time; what waits or arrives meanwhile is spooled
                 behind it, unless its turn is near

One message is on its way to the log at any time, so the order of a stream is that of its frames.
"""

from dataclasses import dataclass, replace
from typing import Final

from collector.publish.result import Problem

FIRST_BACKOFF_SECONDS: Final = 0.05
LAST_BACKOFF_SECONDS: Final = 1.0
NEAR_BYTES: Final = 1024 * 1024
"""With less than this in the spool, and the log there, a frame waits in memory for its turn."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The message that is attempted, with times in seconds of the monotonic clock.

    `spool_at`: from when on it is spooled instead; `deadline`: when its last caller gives up;
    `problem`: of the last attempt, which ended at `failed_at`; `indeterminate`: one of its attempts
    may have reached the log.
    """

    spool_at: float
    deadline: float
    problem: Problem | None = None
    failed_at: float = 0.0
    backoff_seconds: float = FIRST_BACKOFF_SECONDS
    indeterminate: bool = False

    def failed(self, problem: Problem, *, now: float) -> "Pending":
        """After an attempt that was not acknowledged."""
        backoff = self.backoff_seconds
        if self.problem is not None:
            backoff = min(2 * backoff, LAST_BACKOFF_SECONDS)
        return replace(
            self,
            problem=problem,
            failed_at=now,
            backoff_seconds=backoff,
            indeterminate=self.indeterminate or problem.indeterminate,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamState:
    """All that decides.

    `queued`: frames wait; `can_spool`: the spool takes the pending message; `has_backlog`: the
    spool holds messages of the stream, `backlog_bytes` of them; `draining` and `spooling`: a drain
    step, or a write of queued frames, is under way; `problem`: of the last attempt or drain step,
    after which the next drain step is not before `drain_at`.
    """

    now: float
    closing: bool = False
    queued: bool = False
    pending: Pending | None = None
    can_spool: bool = False
    has_backlog: bool = False
    backlog_bytes: int = 0
    draining: bool = False
    spooling: bool = False
    problem: Problem | None = None
    drain_at: float = 0.0


@dataclass(frozen=True, slots=True)
class WaitForFrames:
    """Wait until something changes, or until `until` (None: only for that)."""

    until: float | None = None


@dataclass(frozen=True, slots=True)
class TakeMessage:
    """Make a pending message of the first frames in the queue."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Send the pending message once and wait for its acknowledgement, at most until `until`."""

    until: float


@dataclass(frozen=True, slots=True)
class SpoolPending:
    """Put the pending message into the spool."""


@dataclass(frozen=True, slots=True)
class FailPending:
    """Answer the callers of the pending message that it was not taken."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class SpoolQueued:
    """Put the first frames of the queue into the spool as one message."""


@dataclass(frozen=True, slots=True)
class FailQueued:
    """Answer the callers of the first frames of the queue that they were not taken."""

    problem: Problem


@dataclass(frozen=True, slots=True)
class DrainSpool:
    """Give the log one message of the spool, while other actions go on."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing is left to do. What is in the spool stays there for the next process."""


Action = (
    WaitForFrames
    | TakeMessage
    | Attempt
    | SpoolPending
    | FailPending
    | SpoolQueued
    | FailQueued
    | DrainSpool
    | Stop
)


def next_action(state: StreamState) -> Action:
    """The one thing to do now."""
    if state.pending is not None:
        return _of_pending(state, state.pending)
    if state.has_backlog:
        return _with_backlog(state)
    if state.draining or state.spooling:
        return WaitForFrames()
    if state.queued:
        return TakeMessage()
    return Stop() if state.closing else WaitForFrames()


def _of_pending(state: StreamState, pending: Pending) -> Action:
    if pending.problem is not None:
        again_at = pending.failed_at + pending.backoff_seconds
        final = pending.problem.final
        if state.can_spool and not final and again_at >= pending.spool_at:
            return SpoolPending()
        if final or again_at >= pending.deadline:
            return FailPending(pending.problem)
        if state.now < again_at:
            return WaitForFrames(until=again_at)
    until = min(pending.deadline, pending.spool_at) if state.can_spool else pending.deadline
    return Attempt(until)


def _with_backlog(state: StreamState) -> Action:
    if state.queued and not state.spooling:
        if state.problem is not None and state.problem.final:
            return FailQueued(state.problem)
        near = state.problem is None and state.backlog_bytes < NEAR_BYTES
        if state.closing or not near:
            return SpoolQueued()
    if state.closing:
        return WaitForFrames() if state.draining or state.spooling else Stop()
    if state.draining:
        return WaitForFrames()
    return DrainSpool() if state.now >= state.drain_at else WaitForFrames(until=state.drain_at)
