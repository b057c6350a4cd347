"""Retries are taken out of messages by their header alone."""

from processors.blocks.nats_frames import Message
from processors.blocks.retries import Retries, listed_frames
from seamark.wire.frames import DUPLICATE_WINDOW_NS, HEADER, Frame


def message(sequence: int, payload: bytes, header: str = "", *, at_ns: int = 0) -> Message:
    headers = b"NATS/1.0\r\nNats-Msg-Id: m%d\r\n" % sequence
    if header:
        headers += f"{HEADER}: {header}\r\n".encode()
    return Message(sequence, at_ns, 0, 0.0, payload, headers + b"\r\n")


def test_a_message_without_the_header_is_not_opened() -> None:
    plain = message(1, b"anything")
    assert listed_frames(plain.headers) == []
    assert Retries().strip(plain) == (plain, 0)


def test_the_second_of_two_frames_goes() -> None:
    retries = Retries()
    first, none = retries.strip(message(1, b"aabbb", "2:r1,3"))
    second, one = retries.strip(message(2, b"ccaad", "2:r2,2:r1,1", at_ns=5))
    assert (first.payload, none) == (b"aabbb", 0)
    assert (second.payload, one) == (b"ccd", 1)
    assert second.sequence == 2


def test_what_was_remembered_is_recognised() -> None:
    retries = Retries()
    retries.remember(message(1, b"", "2:r1"))
    stripped, count = retries.strip(message(2, b"aa", "2:r1", at_ns=DUPLICATE_WINDOW_NS))
    assert (stripped.payload, count) == (b"", 1)


def test_past_the_window_it_is_news() -> None:
    retries = Retries()
    retries.remember(message(1, b"", "2:r1"))
    assert retries.strip(message(2, b"aa", "2:r1", at_ns=DUPLICATE_WINDOW_NS + 1))[1] == 0


def test_a_header_that_does_not_fit_the_payload_drops_nothing() -> None:
    retries = Retries()
    retries.strip(message(1, b"aa", "2:r1"))
    again = message(2, b"aaaa", "2:r1")
    assert retries.strip(again) == (again, 0)
    assert listed_frames(message(3, b"a", "one:r1").headers) == []
    assert listed_frames(message(4, b"a", "1:r,2").headers) == [Frame(1, "r"), Frame(2, "")]
