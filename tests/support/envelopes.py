"""Reads envelopes back: protobuf's wire format by hand, without our encoder."""

import io
from dataclasses import dataclass, field, replace

import msgspec
import zstandard

from seamark.wire.envelope import DeadLetter


@dataclass(frozen=True)
class ReadEnvelope:
    """The fields of one envelope that tests look at; `texts` by field number."""

    texts: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, int] = field(default_factory=dict)
    outcome: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    body: bytes = b""
    request_rejections: dict[str, int] = field(default_factory=dict)
    dead_letters: list[DeadLetter] = field(default_factory=list)

    @property
    def events(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = msgspec.json.decode(self.body)
        return found

    @property
    def receipt(self) -> str:
        return self.texts[3]

    @property
    def sent_ms(self) -> int | None:
        return self.numbers.get(18)


_COUNTS = {
    1: "offered",
    2: "accepted",
    4: "sampled",
    5: "limited",
    6: "duplicate",
    7: "dead_lettered",
    9: "part",
}


def read_payload(payload: bytes) -> list[ReadEnvelope]:
    """The envelopes of one log message: zstd frames of length-delimited messages."""
    reader = zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True)
    return read_delimited(reader.read())


def read_delimited(data: bytes) -> list[ReadEnvelope]:
    """Length-delimited envelopes, one after another."""
    stream = io.BytesIO(data)
    found = []
    while stream.tell() < len(data):
        found.append(_envelope(stream.read(_varint(stream))))
    return found


def _envelope(data: bytes) -> ReadEnvelope:
    envelope = ReadEnvelope()
    body = b""
    for number, value in _fields(data):
        if isinstance(value, int):
            envelope.numbers[number] = value
        elif number == 21:
            for inner, count in _fields(value):
                if isinstance(count, int):
                    envelope.outcome[_COUNTS[inner]] = count
                else:
                    entry = dict(_fields(count))
                    counts = envelope.rejected if inner == 3 else envelope.request_rejections
                    counts[bytes(entry[1]).decode()] = int(entry[2])
        elif number == 22:
            envelope.dead_letters.append(_dead_letter(value))
        elif number >= 32:
            body = value
        elif number != 20:
            envelope.texts[number] = value.decode()
    return replace(envelope, body=body)


def _dead_letter(data: bytes) -> DeadLetter:
    found = dict(_fields(data))

    def text(number: int) -> str:
        return bytes(found.get(number, b"")).decode()

    return DeadLetter(
        index=int(found.get(1, 0)),
        reason=text(2),
        field=text(3),
        message=text(4),
        name=text(5),
        original=bytes(found.get(6, b"")),
    )


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    stream = io.BytesIO(data)
    found: list[tuple[int, int | bytes]] = []
    while stream.tell() < len(data):
        tag = _varint(stream)
        kind = tag & 7
        if kind == 0:
            found.append((tag >> 3, _varint(stream)))
        elif kind == 1:
            found.append((tag >> 3, stream.read(8)))
        else:
            assert kind == 2, f"wire type {kind}"
            found.append((tag >> 3, stream.read(_varint(stream))))
    return found


def _varint(stream: io.BytesIO) -> int:
    value = shift = 0
    while True:
        byte = stream.read(1)[0]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
        shift += 7
