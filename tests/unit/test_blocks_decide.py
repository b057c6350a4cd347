"""What the reader of a stream does next, case by case."""

import pytest

from processors.blocks import decide
from processors.blocks.decide import (
    BlockLimits,
    Commit,
    MoveToDeadLetters,
    Offer,
    Send,
    State,
    Step,
    Wait,
)
from processors.blocks.nats_frames import NatsMessage
from seamark.wire.log_state import LogRegressed, LogState
from seamark.wire.positions import Position

S = "SEAMARK_events_0"
LIMITS = BlockLimits(messages=4, bytes=100, age_seconds=1.0, idle_seconds=2.0)


def message(sequence: int, *, arrived: float = 0.0, size: int = 10) -> NatsMessage:
    return NatsMessage(sequence, sequence * 1000, 0, arrived, b"x" * size)


def step(
    state: State,
    buffer: list[NatsMessage],
    *,
    now: float = 0.0,
    complete: bool = True,
    limits: BlockLimits = LIMITS,
) -> Step:
    size = sum(len(m.payload) for m in buffer)
    return decide.next_step(
        state, buffer, buffered_bytes=size, complete=complete, limits=limits, now=now
    )


def fresh(done: int = 0, *, token: str = "") -> State:
    return State(S, Position(done, done, token), done)


def test_nothing_to_do_waits_for_a_message() -> None:
    assert step(fresh(), []) == Wait()


def test_a_young_block_waits_for_its_age_or_until_it_is_full() -> None:
    assert step(fresh(), [message(1, arrived=5.0)], now=5.5) == Wait(6.0, messages=4, bytes=100)


def test_an_old_block_is_cut_with_everything_there_is() -> None:
    assert step(fresh(), [message(1), message(2)], now=1.0) == Send(
        Position(0, 2, f"{S}:1-2:1000"), 2
    )


def test_a_block_is_cut_without_waiting_when_there_are_messages_enough() -> None:
    five = [message(n) for n in range(1, 6)]
    assert step(fresh(), five) == Send(Position(0, 4, f"{S}:1-4:1000"), 4)


def test_a_block_is_cut_without_waiting_when_there_are_bytes_enough() -> None:
    buffer = [message(1, size=60), message(2, size=60)]
    assert step(fresh(), buffer) == Send(Position(0, 1, f"{S}:1-1:1000"), 1)


def test_a_message_larger_than_a_block_is_a_block() -> None:
    assert step(fresh(), [message(1, size=500)]) == Send(Position(0, 1, f"{S}:1-1:1000"), 1)


def test_a_block_stops_before_it_grows_too_heavy_for_the_store() -> None:
    sized = [
        NatsMessage(n, n * 1000, 0, 0.0, b"x", b"NATS/1.0\r\nSeamark-Weight: 40\r\n\r\n")
        for n in (1, 2, 3)
    ]
    limits = BlockLimits(messages=4, bytes=100, age_seconds=1.0, weight=80)
    assert step(fresh(), sized, now=1.0, limits=limits) == Send(Position(0, 2, f"{S}:1-2:1000"), 2)


def test_a_gap_belongs_to_the_block_that_follows_it() -> None:
    assert step(fresh(3), [message(7)], now=9) == Send(Position(3, 7, f"{S}:4-7:7000"), 1)


def test_the_next_intent_commits_the_last_block() -> None:
    state = decide.inserted(State(S, Position(0, 2, "t"), 0), now=1.0)
    assert step(state, [message(3)], now=9) == Send(Position(2, 3, f"{S}:3-3:3000"), 1)


def test_an_idle_stream_commits_by_itself_once() -> None:
    state = decide.inserted(State(S, Position(0, 2, "t"), 0), now=1.0)
    assert step(state, [], now=1.5) == Wait(until=3.0)
    assert step(state, [], now=3.0) == Commit(Position(2, 2, "t"))
    assert step(decide.recorded(state, Position(2, 2, "t")), [], now=9.0) == Wait()


def test_an_open_intent_is_sent_again_exactly_as_recorded() -> None:
    state = State(S, Position(2, 4, "as before"), 2)
    buffer = [message(3), message(4), message(5), message(6), message(7)]
    assert step(state, buffer) == Send(Position(2, 4, "as before"), 2)


def test_an_open_intent_waits_until_all_of_it_is_read() -> None:
    state = State(S, Position(2, 4, "t"), 2)
    assert step(state, [message(3)], complete=False, now=99) == Wait(sequence=4)
    assert step(state, [], complete=False, now=99) == Wait(sequence=4)


def test_what_the_log_no_longer_holds_of_an_intent_is_not_waited_for() -> None:
    state = State(S, Position(2, 4, "t"), 2)
    assert step(state, [message(3)]) == Send(Position(2, 4, "t"), 1)
    assert step(state, []) == Commit(Position(4, 4, "t"))
    assert step(state, [message(5)], complete=False) == Commit(Position(4, 4, "t"))
    assert decide.recorded(state, Position(4, 4, "t")).inserted == 4


def test_a_refused_block_is_halved_until_the_message_at_fault_is_alone() -> None:
    buffer = [message(n) for n in range(1, 5)]
    state = decide.refused(State(S, Position(0, 4, "t"), 0))
    halved = step(state, buffer)
    assert halved == Send(Position(0, 2, f"{S}:1-2:1000"), 2)
    state = decide.recorded(state, Position(0, 2, f"{S}:1-2:1000"))
    assert step(state, buffer) == halved  # the intent is open now: this and nothing else
    state = decide.inserted(state, now=0)  # so the fault is in 3-4
    assert step(state, buffer[2:]) == Send(Position(2, 3, f"{S}:3-3:3000"), 1)
    state = decide.refused(decide.recorded(state, Position(2, 3, f"{S}:3-3:3000")))
    one_by_one = Position(2, 3, f"{S}:3-3:3000", ())
    assert step(state, buffer[2:]) == Offer(one_by_one)
    state = decide.recorded(state, one_by_one)
    assert step(state, buffer[2:]) == Offer(one_by_one)
    state = decide.offered(state, [1, 4], now=0)
    dead_letter = MoveToDeadLetters(Position(2, 3, f"{S}:3-3:3000", (1, 4)))
    assert step(state, buffer[2:]) == dead_letter
    state = decide.recorded(state, dead_letter.position)
    assert step(state, buffer[2:]) == dead_letter
    state = decide.dead_lettered(state, now=0)
    assert state.inserted == 3
    assert step(state, buffer[3:], now=9) == Send(Position(3, 4, f"{S}:4-4:4000"), 1)


def test_frames_that_are_all_taken_leave_nothing_to_dead_letter() -> None:
    state = State(S, Position(2, 3, "t", ()), 2, suspect_end=3)
    assert decide.offered(state, [], now=5.0) == decide.inserted(state, now=5.0)


@pytest.mark.parametrize("frames", [(), (2,)])
def test_after_a_crash_the_record_says_what_is_being_done_with_the_frames(
    frames: tuple[int, ...],
) -> None:
    """The message as a whole is never sent again, nor a frame that was refused."""
    record = Position(2, 3, f"{S}:3-3:3000", frames)
    state = decide.resume(S, record, LogState(1, 9, 0))
    assert step(state, [], complete=False) == Wait(sequence=3)
    assert step(state, [message(3), message(4)]) == (
        MoveToDeadLetters(record) if frames else Offer(record)
    )
    assert step(state, [message(4)]) == Commit(Position(3, 3, f"{S}:3-3:3000"))


def test_without_a_record_reading_starts_at_the_first_message() -> None:
    assert decide.resume(S, None, LogState(1, 0, 1)).inserted == 0
    assert decide.resume(S, None, LogState(0, 0, 1)).inserted == 0
    assert decide.resume(S, None, LogState(41, 99, 1)).inserted == 40


@pytest.mark.parametrize(
    ("record", "log"),
    [
        pytest.param(Position(10, 10), LogState(1, 9, 1), id="shorter than what is done"),
        pytest.param(Position(5, 10), LogState(1, 9, 1), id="shorter than the intent"),
        pytest.param(
            Position(5, 5, f"{S}:1-5:1000"), LogState(1, 900, 10**12), id="another stream"
        ),
    ],
)
def test_a_regressed_log_is_never_read_on(record: Position, log: LogState) -> None:
    with pytest.raises(LogRegressed):
        decide.resume(S, record, log)


def test_an_emptied_log_that_kept_its_sequences_is_read_on() -> None:
    assert decide.resume(S, Position(10, 10), LogState(11, 10, 1)).inserted == 10
