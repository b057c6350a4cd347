"""What a lane sends next, and how a message tells its frames apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.publish.lane import Lane, Waiting, frames_header
from seamark.wire.frames import Frame, parse_frames, without


def waiting(frame: bytes, receipt: str | None = None) -> Waiting[int]:
    return Waiting(frame=frame, receipt=receipt, weight=1, deadline=0.0, waiter=0)


def test_a_single_large_frame_is_sent_alone() -> None:
    lane = Lane[int](join_bytes=10)
    lane.waiting.extend([waiting(b"x" * 100), waiting(b"y")])
    assert [item.frame for item in lane.take()] == [b"x" * 100]
    assert [item.frame for item in lane.take()] == [b"y"]


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1), st.integers(1, 100))
def test_every_frame_leaves_once_and_in_order(frames: list[bytes], join_bytes: int) -> None:
    lane = Lane[int](join_bytes=join_bytes)
    lane.waiting.extend(waiting(frame) for frame in frames)
    messages = []
    while lane.waiting:
        messages.append([item.frame for item in lane.take()])
    assert [frame for message in messages for frame in message] == frames
    assert all(len(m) == 1 or sum(map(len, m)) <= join_bytes for m in messages)


def test_anonymous_frames_need_no_header() -> None:
    assert frames_header([waiting(b"a"), waiting(b"b")]) is None


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=20), st.booleans()), min_size=1, max_size=8),
    st.sets(st.integers(0, 7)),
)
def test_the_header_finds_every_frame_again(
    frames: list[tuple[bytes, bool]], dropped: set[int]
) -> None:
    items = [waiting(f, f"r{i}" if known else None) for i, (f, known) in enumerate(frames)]
    header = frames_header(items)
    if header is None:
        assert not any(known for _, known in frames)
        return
    parsed = parse_frames(header)
    expected = [Frame(len(f), f"r{i}" if known else "") for i, (f, known) in enumerate(frames)]
    assert parsed == expected
    payload = b"".join(frame for frame, _ in frames)
    kept = b"".join(frame for i, (frame, _) in enumerate(frames) if i not in dropped)
    assert without(payload, parsed, dropped) == kept


def test_lengths_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="frames of 3 bytes in a message of 4 bytes"):
        without(b"abcd", [Frame(3, "r")], {0})
