"""What a lane sends next."""

from hypothesis import given
from hypothesis import strategies as st

from collector.publish.frame_queue import FrameQueue, Waiting
from seamark.wire.frames import Frame


def waiting(frame: bytes) -> Waiting[int]:
    return Waiting(frame, Frame(len(frame)), weight=1, deadline=0.0, waiter=0)


def test_a_single_large_frame_is_sent_alone() -> None:
    lane = FrameQueue[int](join_bytes=10)
    lane.waiting.extend([waiting(b"x" * 100), waiting(b"y")])
    assert [item.frame for item in lane.take()] == [b"x" * 100]
    assert [item.frame for item in lane.take()] == [b"y"]


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1), st.integers(1, 100))
def test_every_frame_leaves_once_and_in_order(frames: list[bytes], join_bytes: int) -> None:
    lane = FrameQueue[int](join_bytes=join_bytes)
    lane.waiting.extend(waiting(frame) for frame in frames)
    messages = []
    while lane.waiting:
        messages.append([item.frame for item in lane.take()])
    assert [frame for message in messages for frame in message] == frames
    assert all(len(m) == 1 or sum(map(len, m)) <= join_bytes for m in messages)
