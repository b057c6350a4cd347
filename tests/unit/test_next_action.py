"""What a stream's publisher does next: each rule, and laws over all states."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.publish.next_action import (
    LAST_BACKOFF_SECONDS,
    NEAR_BYTES,
    Action,
    Attempt,
    DrainSpool,
    FailPending,
    FailQueued,
    Pending,
    SpoolPending,
    SpoolQueued,
    Stop,
    StreamState,
    TakeMessage,
    WaitForFrames,
    next_action,
)
from collector.publish.result import Problem

AWAY, FULL = Problem("disconnected", "it is away"), Problem("full", "it is full", final=True)
PENDING = Pending(spool_at=1.0, deadline=5.0)
FAILED = PENDING.failed(AWAY, now=0.2)  # again at 0.25
BACKLOG = StreamState(now=0.0, has_backlog=True, backlog_bytes=NEAR_BYTES)


@pytest.mark.parametrize(
    ("state", "action"),
    [
        (StreamState(now=0.0), WaitForFrames()),
        (StreamState(now=0.0, closing=True), Stop()),
        (StreamState(now=0.0, queued=True, closing=True), TakeMessage()),
        (StreamState(now=0.0, pending=PENDING), Attempt(until=5.0)),
        (StreamState(now=0.0, pending=PENDING, can_spool=True), Attempt(until=1.0)),
        (StreamState(now=0.2, pending=FAILED), WaitForFrames(until=0.25)),
        (StreamState(now=0.3, pending=FAILED, closing=True), Attempt(until=5.0)),
        (StreamState(now=0.9, pending=PENDING.failed(AWAY, now=0.96)), WaitForFrames(until=1.01)),
        (
            StreamState(now=0.9, pending=PENDING.failed(AWAY, now=0.96), can_spool=True),
            SpoolPending(),
        ),
        (StreamState(now=4.9, pending=PENDING.failed(AWAY, now=4.96)), FailPending(AWAY)),
        (
            StreamState(now=0.9, pending=PENDING.failed(FULL, now=0.96), can_spool=True),
            FailPending(FULL),
        ),
        (BACKLOG, DrainSpool()),
        (replace(BACKLOG, drain_at=0.5), WaitForFrames(until=0.5)),
        (replace(BACKLOG, draining=True), WaitForFrames()),
        (replace(BACKLOG, queued=True), SpoolQueued()),
        (replace(BACKLOG, queued=True, draining=True), SpoolQueued()),
        (replace(BACKLOG, queued=True, spooling=True), DrainSpool()),
        (replace(BACKLOG, queued=True, backlog_bytes=1), DrainSpool()),
        (replace(BACKLOG, queued=True, backlog_bytes=1, closing=True), SpoolQueued()),
        (replace(BACKLOG, queued=True, backlog_bytes=1, problem=AWAY), SpoolQueued()),
        (replace(BACKLOG, queued=True, problem=FULL), FailQueued(FULL)),
        (replace(BACKLOG, closing=True), Stop()),
        (replace(BACKLOG, closing=True, spooling=True), WaitForFrames()),
    ],
)
def test_rule(state: StreamState, action: Action) -> None:
    assert next_action(state) == action


def test_the_backoff_doubles_up_to_its_limit() -> None:
    pending, waits = PENDING, []
    for _ in range(7):
        pending = pending.failed(AWAY, now=0.0)
        waits.append(pending.backoff_seconds)
    assert waits == [0.05, 0.1, 0.2, 0.4, 0.8, LAST_BACKOFF_SECONDS, LAST_BACKOFF_SECONDS]


def test_one_attempt_that_may_have_arrived_is_remembered() -> None:
    timeout = Problem("timeout", "it did not answer", indeterminate=True)
    assert PENDING.failed(timeout, now=0.0).failed(AWAY, now=0.1).indeterminate


problems = st.none() | st.sampled_from([AWAY, FULL])
pendings = st.builds(
    Pending,
    spool_at=st.floats(0, 10),
    deadline=st.floats(0, 10),
    problem=problems,
    failed_at=st.floats(0, 10),
)
states = st.builds(
    StreamState,
    now=st.floats(0, 10),
    closing=st.booleans(),
    queued=st.booleans(),
    pending=st.none() | pendings,
    can_spool=st.booleans(),
    has_backlog=st.booleans(),
    backlog_bytes=st.integers(0, 2 * NEAR_BYTES),
    draining=st.booleans(),
    spooling=st.booleans(),
    problem=problems,
    drain_at=st.floats(0, 10),
)


@given(states)
def test_one_message_is_on_its_way_and_nothing_overtakes(state: StreamState) -> None:
    action = next_action(state)
    if state.draining:
        assert not isinstance(action, TakeMessage | DrainSpool | Stop)
    if state.spooling:
        assert not isinstance(action, TakeMessage | SpoolQueued | Stop)
    if isinstance(action, TakeMessage):  # else a live message would overtake spooled ones
        assert not state.has_backlog
        assert state.pending is None
    if isinstance(action, Stop):
        assert state.closing
        assert not state.queued
        assert state.pending is None
    if isinstance(action, WaitForFrames) and action.until is not None:
        assert action.until > state.now
    if isinstance(action, WaitForFrames) and action.until is None:  # something has to end the wait
        assert state.draining or state.spooling or not (state.queued or state.pending)
