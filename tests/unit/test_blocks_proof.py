"""The recorded position against the last block that the sink has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.blocks.proof import RECENT_MS, LastBlock, PositionContradicted, reconcile
from seamark.wire.log_state import LogState
from seamark.wire.positions import Position, block_of, token_of

S = "SEAMARK_events_0"
FIRST_NS = 10**18
LOG = LogState(1, 1000, FIRST_NS - 10**9)
NOW_MS = 10**12


def last(done: int, end: int, *, suffix: str = "", age_ms: int = RECENT_MS) -> LastBlock:
    token = token_of(S, done=done, end=end, first_ns=FIRST_NS + done)
    return LastBlock(token + suffix, NOW_MS - age_ms)


def record(done: int, end: int) -> Position:
    return Position(done, end, token_of(S, done=done, end=end, first_ns=FIRST_NS + done))


def found(
    recorded: Position | None, block: LastBlock | None, *, log: LogState = LOG
) -> Position | None:
    return reconcile(recorded, block, stream=S, log=log, now_ms=NOW_MS)


def test_without_a_block_the_record_counts() -> None:
    assert found(None, None) is None
    assert found(record(5, 9), None) == record(5, 9)
    assert found(record(5, 9), LastBlock("replay:events:1", NOW_MS)) == record(5, 9)


def test_a_lost_record_is_taken_from_the_last_block() -> None:
    assert found(None, last(5, 9)) == Position(9, 9, record(5, 9).token)
    assert found(None, last(5, 9, age_ms=1000)) == record(5, 9)


def test_a_lost_record_of_a_message_that_was_offered_frame_by_frame_offers_it_again() -> None:
    offered = Position(5, 6, record(5, 6).token, ())
    assert found(None, last(5, 6, suffix="/2", age_ms=0)) == offered
    assert found(None, last(5, 6, suffix="/2/notice", age_ms=0)) == offered


def test_a_record_behind_the_last_block_is_raised() -> None:
    assert found(record(1, 3), last(5, 9)) == Position(9, 9, record(5, 9).token)


@pytest.mark.parametrize("recorded", [record(5, 9), record(9, 12), Position(9, 9, "")])
def test_a_record_at_the_last_block_or_one_ahead_counts(recorded: Position) -> None:
    assert found(recorded, last(5, 9)) == recorded


def test_a_record_far_ahead_of_the_last_block_stops_the_stream() -> None:
    with pytest.raises(PositionContradicted, match=r"up to 20 was written.*ends at 9"):
        found(record(20, 22), last(5, 9))


def test_a_record_ahead_counts_where_the_log_no_longer_has_what_is_between() -> None:
    log = LogState(21, 1000, LOG.created_ns)
    assert found(record(20, 22), last(5, 9), log=log) == record(20, 22)


def test_a_block_of_an_earlier_stream_proves_nothing() -> None:
    log = LogState(1, 4, FIRST_NS + 10**11)
    assert found(None, last(5, 9), log=log) is None


def test_a_log_that_ends_before_the_last_block_stops_the_stream() -> None:
    with pytest.raises(PositionContradicted, match="the log ends at 7"):
        found(None, last(5, 9), log=LogState(1, 7, LOG.created_ns))


@given(
    done=st.integers(0, 2**40),
    size=st.integers(1, 10**6),
    first_ns=st.integers(0, 2**63),
    frame=st.none() | st.integers(0, 50),
)
def test_a_token_names_its_stream_and_block(
    done: int, size: int, first_ns: int, frame: int | None
) -> None:
    token = token_of(S, done=done, end=done + size, first_ns=first_ns)
    expected = Position(done, done + size, token, None if frame is None else ())
    assert block_of(token if frame is None else f"{token}/{frame}") == (S, expected)
    assert expected.first_ns == first_ns


@pytest.mark.parametrize("token", ["", "archive:a/b", "replay:x:1", f"{S}:1-2", f"{S}:1-2:3/x"])
def test_other_tokens_name_no_block(token: str) -> None:
    assert block_of(token) is None
