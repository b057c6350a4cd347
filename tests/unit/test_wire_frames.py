"""How a message tells its frames apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamark.wire.frames import Frame, cut, frames_header, parse_frames

IDENTITIES = st.tuples(
    st.sampled_from(["", "0190-a", "0190-b"]), st.booleans(), st.sampled_from(["0badcafe", "ff"])
).map(lambda given: (given[0], given[1], given[2] if given[0] else ""))


def test_anonymous_frames_need_no_header() -> None:
    assert frames_header([Frame(1), Frame(2)]) is None


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=20), IDENTITIES), min_size=1, max_size=8))
def test_the_header_finds_every_frame_again(
    payloads: list[tuple[bytes, tuple[str, bool, str]]],
) -> None:
    frames = [Frame(len(data), *identity) for data, identity in payloads]
    header = frames_header(frames)
    if header is None:
        assert all(frame.anonymous for frame in frames)
        return
    assert parse_frames(header) == frames
    payload = b"".join(data for data, _ in payloads)
    assert cut(payload, frames) == [data for data, _ in payloads]


@pytest.mark.parametrize("header", ["", "x", "3:r:d:f", "3:r:d:e:e", "3,,4"])
def test_another_header_is_rejected(header: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        parse_frames(header)


def test_lengths_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(ValueError, match="frames of 3 bytes in a message of 4 bytes"):
        cut(b"abcd", [Frame(3, "r")])
