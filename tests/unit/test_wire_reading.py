"""Envelopes read back and written anew, and frames found in a message."""

import msgspec
import pytest
import zstandard

from seamark.wire.envelope import DeadLetter, Outcome, Sender, encode_envelope
from seamark.wire.reading import EnvelopeReader, Opened, UnreadableEnvelope
from seamark.wire.signals import Signal
from seamark.wire.zstd_frames import ends_whole, frames_of
from tests.support.envelopes import ReadEnvelope, read_payload

RECEIPT = "018f0000-0000-7000-8000-000000000001"
DEAD_LETTER = DeadLetter(3, "invalid_name", "name", "no", b'{"name":"?"}')
EVENTS = [
    {"id": "a", "name": "x", "attrs": {"id": "z"}},
    {"name": "y"},
    {"id": "b", "name": "zürich"},
]


def frame(body: bytes, *, signal: Signal = Signal.EVENTS) -> bytes:
    envelope = encode_envelope(
        Sender(org="acme", app="shop", key_id="k1", country="DE", protocol="native").encode(),
        receipt=RECEIPT,
        received_ns=1_795_316_640_123_456_789,
        sent_ms=17,
        outcome=Outcome(9, 3, {"too_late": 4, "invalid_name": 2}),
        signal=signal,
        body=body,
        dead_letters=[DEAD_LETTER],
    )
    return zstandard.compress(envelope, 1)


def read(data: bytes) -> ReadEnvelope:
    (envelope,) = read_payload(data)
    return envelope


def opened(data: bytes) -> Opened:
    return EnvelopeReader().open(data)


def test_ids_are_those_of_the_events_alone() -> None:
    envelope = opened(frame(msgspec.json.encode(EVENTS)))
    assert envelope.event_ids() == ["a", "", "b"]
    assert (envelope.org, envelope.app) == ("acme", "shop")
    assert envelope.outcome == Outcome(9, 3, {"too_late": 4, "invalid_name": 2})
    assert opened(frame(b"\x0a\x00", signal=Signal.TRACES)).event_ids() == []


def test_without_events_everything_else_stays_as_it_was() -> None:
    whole = frame(msgspec.json.encode(EVENTS))
    less = opened(whole).without_events([0])
    before, after = read(whole), read(less)
    assert after.events == EVENTS[1:]
    assert after.outcome == before.outcome | {"duplicate": 1}
    assert (after.texts, after.numbers) == (before.texts, before.numbers)
    assert after.dead_letters == before.dead_letters == [DEAD_LETTER]
    assert opened(less).without_events([1]) == opened(whole).without_events([0, 2])


def test_without_any_event_there_is_no_body() -> None:
    none = read(opened(frame(msgspec.json.encode(EVENTS))).without_events({0, 1, 2}))
    assert none.body == b""
    assert none.outcome["duplicate"] == 3


def test_what_only_counts_names_its_sender_and_nothing_of_the_device() -> None:
    envelope = opened(frame(msgspec.json.encode(EVENTS)))
    outcome = Outcome(9, 3, {"too_late": 6}, duplicate=3, part=2)
    counting = envelope.counting(outcome, signal=Signal.EVENTS)
    found = read(counting)
    assert found.texts == {1: "acme", 2: "shop", 3: RECEIPT, 17: "k1"}
    assert found.body == b""
    assert found.dead_letters == []
    assert opened(counting).outcome == outcome


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no zstd",
        zstandard.compress(b""),
        zstandard.compress(b"\xff" * 40),
        zstandard.compress(b"\x05\x0a\x09abc"),
        zstandard.compress(b"\x01\x0b"),
        frame(b"[]")[:-3],
        frame(b"[]") * 2,
        zstandard.compress(zstandard.decompress(frame(b"[]"))[:-3]),
        zstandard.compress(zstandard.decompress(frame(b"[]")) * 2),
    ],
)
def test_what_is_no_envelope_is_not_read(data: bytes) -> None:
    with pytest.raises(UnreadableEnvelope):
        opened(data)


def test_a_frame_of_a_huge_declared_size_is_not_opened() -> None:
    with pytest.raises(UnreadableEnvelope, match="larger"):
        opened(zstandard.compress(bytes(65 * 1024 * 1024)))


@pytest.mark.parametrize("body", [b"[", b"{}", b'[{"id": 5}]', b"[1]"])
def test_events_that_are_none_are_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableEnvelope):
        opened(frame(body)).event_ids()


def test_frames_are_found_without_a_header() -> None:
    frames = [frame(b"[]"), frame(b"[{}]"), zstandard.ZstdCompressor().compress(b"x" * 10**6)]
    whole = b"".join(frames)
    assert ends_whole(whole)
    assert frames_of(whole) == frames
    assert frames_of(b"") == []
    assert frames_of(frames[0] + b"rubbish" + frames[1]) == [frames[0], b"rubbish" + frames[1]]
    assert frames_of(frames[0] + frames[1][:-2]) == [frames[0], frames[1][:-2]]
