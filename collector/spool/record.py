"""One spooled message as bytes, and reading a file of them back. Pure.

A record is a whole message of the log: its `Nats-Msg-Id`, its joined frames, its headers. It is
sent as it was first tried, so that a try that went unanswered and the one from the spool are the
same message to the log.

    segment = MAGIC record*
    record  = length:u32 crc32:u32 body
    body    = facts id signal listing payload

The checksum is zlib's CRC-32 over the body; it tells a torn or damaged record from a whole one.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from seamark.wire.signals import Signal

Key = tuple[Signal, int]
"""A stream: its signal and partition."""
MAGIC: Final = b"SMSPOOL1"
_EDGE: Final = struct.Struct("<II")
_FACTS: Final = struct.Struct("<QQQIHBBBI")
"""floor, weight, spooled_ms, frames, partition, tried, and how long id, signal and listing are."""
LONGEST: Final = 64 * 1024 * 1024
"""No record is longer: the server itself allows no larger message."""


@dataclass(frozen=True, slots=True)
class SpoolRecord:
    """A message that was answered with 202, or is about to be.

    `message_id` is its Nats-Msg-Id; `frames_header` its Seamark-Frames header, "" for none;
    `frames` how many it joins; `floor` a sequence of the stream behind which every copy of it
    stands; `tried`: it may have reached the log before it was spooled.
    """

    message_id: str
    signal: Signal
    partition: int
    payload: bytes
    weight: int
    frames: int
    floor: int
    tried: bool
    frames_header: str = ""
    spooled_ms: int = 0

    @property
    def key(self) -> Key:
        """The stream it belongs to."""
        return self.signal, self.partition

    @property
    def publisher_id(self) -> str:
        """The publisher that made its id."""
        return self.message_id.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Placed:
    """A record and the offset in its file at which the next one begins."""

    record: SpoolRecord
    end: int


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file holds: whole records, where they end, and how many among them are damaged."""

    placed: list[Placed]
    end: int
    damaged: int


def encode(record: SpoolRecord) -> bytes:
    """The record with its length and checksum."""
    ident, signal = record.message_id.encode(), record.signal.value.encode()
    frames_header = record.frames_header.encode()
    facts = _FACTS.pack(
        record.floor,
        record.weight,
        record.spooled_ms,
        record.frames,
        record.partition,
        record.tried,
        len(ident),
        len(signal),
        len(frames_header),
    )
    body = b"".join((facts, ident, signal, frames_header, record.payload))
    return _EDGE.pack(len(body), zlib.crc32(body)) + body


def read(data: bytes, *, at: int) -> Contents:
    """Every record of `data`, the bytes of a segment from offset `at` on.

    What follows the last whole record is a torn tail: `end` is where it begins. A record that is
    not what was written, but has whole ones behind it, is skipped and counted as damaged.
    """
    placed: list[Placed] = []
    position = end = damaged = rotten = 0
    for start, length in _edges(data):
        position = start + _EDGE.size + length
        record = _decode(data[start + _EDGE.size : position], _EDGE.unpack_from(data, start)[1])
        if record is None:
            rotten += 1
            continue
        damaged, rotten = damaged + rotten, 0
        end = position
        placed.append(Placed(record, at + end))
    return Contents(placed, at + end, damaged)


def _edges(data: bytes) -> Iterator[tuple[int, int]]:
    """Start and body length of what could be records, by their lengths alone."""
    position = 0
    while position + _EDGE.size <= len(data):
        length = _EDGE.unpack_from(data, position)[0]
        if not _FACTS.size <= length <= LONGEST or position + _EDGE.size + length > len(data):
            return
        yield position, length
        position += _EDGE.size + length


def _decode(body: bytes, checksum: int) -> SpoolRecord | None:
    if zlib.crc32(body) != checksum:
        return None
    facts = _FACTS.unpack_from(body)
    floor, weight, spooled_ms, frames, partition, tried, *lengths = facts
    cuts = [_FACTS.size]
    for length in lengths:
        cuts.append(cuts[-1] + length)
    ident, signal, frames_header = (body[start:stop].decode() for start, stop in pairwise(cuts))
    return SpoolRecord(
        message_id=ident,
        signal=Signal(signal),
        partition=partition,
        payload=body[cuts[-1] :],
        weight=weight,
        frames=frames,
        floor=floor,
        tried=bool(tried),
        frames_header=frames_header,
        spooled_ms=spooled_ms,
    )
