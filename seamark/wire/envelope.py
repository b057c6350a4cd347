"""Envelopes: one zstd frame holding one length-delimited protobuf `Envelope` (envelope.proto).

Written by hand because the body is embedded as it is: tag + length + the same bytes. Frames
joined end to end are again one valid zstd stream of one valid length-delimited message sequence,
which is why nothing between the collector and ClickHouse has to open them.
Wire format: https://protobuf.dev/programming-guides/encoding/
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from seamark.wire.signals import Signal

_LEN: Final = 2
_VARINT: Final = 0
_I64: Final = 1
_WEIGHT, _OUTCOME, _DEAD_LETTERS = 20, 21, 22
BODY_FIELD: Final[Mapping[Signal, int]] = {
    Signal.EVENTS: 32,
    Signal.TRACES: 33,
    Signal.METRICS: 34,
    Signal.LOGS: 35,
}


def varint(value: int) -> bytes:
    """Base-128 varint of a non-negative integer."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text_field(number: int, value: str) -> bytes:
    """A string field, or nothing when empty (proto3's default)."""
    return bytes_field(number, value.encode()) if value else b""


def bytes_field(number: int, value: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | _LEN) + varint(len(value)) + value


def integer_field(number: int, value: int) -> bytes:
    """An unsigned integer field, or nothing when zero."""
    return varint(number << 3 | _VARINT) + varint(value) if value else b""


def _counts(number: int, counts: Mapping[str, int]) -> bytes:
    """A map<string, uint32> field."""
    return b"".join(
        bytes_field(number, text_field(1, reason) + integer_field(2, count))
        for reason, count in counts.items()
    )


def _zigzag_field(number: int, value: int) -> bytes:
    return integer_field(number, value << 1 if value >= 0 else (-value << 1) - 1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one request, counted in its own items (events, spans, points, records).

    Laws: offered = accepted + sum(rejected) + sampled + limited, and of what was accepted
    `duplicate` and `dead_lettered` are not stored. `request_rejections` counts requests, not
    items: those turned away before anyone knew how many items they held. `part` numbers the
    envelopes of one request: the first, 0, counts the request, all count their own items.
    """

    offered: int
    accepted: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    sampled: int = 0
    limited: int = 0
    duplicate: int = 0
    dead_lettered: int = 0
    request_rejections: Mapping[str, int] = field(default_factory=dict)
    part: int = 0

    def encode(self) -> bytes:
        """Body of the `Outcome` message."""
        out = integer_field(1, self.offered) + integer_field(2, self.accepted)
        if self.rejected:
            out += _counts(3, self.rejected)
        if self.sampled or self.limited:
            out += integer_field(4, self.sampled) + integer_field(5, self.limited)
        if self.duplicate or self.dead_lettered:
            out += integer_field(6, self.duplicate) + integer_field(7, self.dead_lettered)
        if self.part:
            out += integer_field(9, self.part)
        return out + _counts(8, self.request_rejections) if self.request_rejections else out


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected item as it was sent, and why: `index` in its request, `field` at fault or ""."""

    index: int
    reason: str
    field: str
    message: str
    original: bytes
    name: str = ""

    def encode(self) -> bytes:
        """Body of the `DeadLetter` message."""
        return (
            integer_field(1, self.index)
            + text_field(2, self.reason)
            + text_field(3, self.field)
            + text_field(4, self.message)
            + text_field(5, self.name)
            + bytes_field(6, self.original)
        )


@dataclass(frozen=True, slots=True)
class Sender:
    """What the collector knows of a sender; the same for many requests, so it is encoded once.

    `encode()` is meant to be kept beside the connection or key it belongs to.
    """

    org: str
    app: str
    key_id: str = ""
    ip_hash: str = ""
    country: str = ""
    browser: str = ""
    browser_version: str = ""
    os: str = ""
    os_version: str = ""
    device: str = ""
    sdk_name: str = ""
    sdk_version: str = ""
    datacenter: str = ""
    server_version: str = ""
    protocol: str = ""

    def encode(self) -> bytes:
        """Fields 1, 2 and 6-19 of the `Envelope`, as they stand in every message of this sender."""
        fields = (
            (1, self.org),
            (2, self.app),
            (6, self.ip_hash),
            (7, self.country),
            (8, self.browser),
            (9, self.browser_version),
            (10, self.os),
            (11, self.os_version),
            (12, self.device),
            (13, self.sdk_name),
            (14, self.sdk_version),
            (15, self.datacenter),
            (16, self.server_version),
            (17, self.key_id),
            (19, self.protocol),
        )
        return b"".join(text_field(number, value) for number, value in fields)


def _dead_letters(dead_letters: Sequence[DeadLetter]) -> bytes:
    return b"".join(
        [bytes_field(_DEAD_LETTERS, dead_letter.encode()) for dead_letter in dead_letters]
    )


def encode_envelope(
    sender: bytes,
    *,
    receipt: str,
    received_ns: int,
    sent_ms: int | None,
    outcome: Outcome,
    signal: Signal,
    body: bytes,
    weight: float = 1.0,
    dead_letters: Sequence[DeadLetter] = (),
) -> bytes:
    """One length-delimited `Envelope`, not yet compressed.

    `sender` is `Sender.encode()`; `received_ns` and `sent_ms` count from the Unix epoch, `sent_ms`
    by the device's clock (None: it gave none); `weight` is 1 / sampling rate; `body` is the JSON
    array of events, or an OTLP `Export…ServiceRequest`, as the receiver wrote it; empty in an
    envelope that only counts. `dead_letters` are what was rejected of it and is kept.
    """
    skew_ms = 0 if sent_ms is None else received_ns // 1_000_000 - sent_ms
    head = (
        sender
        + text_field(3, receipt)
        + integer_field(4, received_ns)
        + _zigzag_field(5, skew_ms)
        + (b"" if sent_ms is None else varint(18 << 3) + varint(sent_ms))
        + varint(_WEIGHT << 3 | _I64)
        + struct.pack("<d", weight)
        + bytes_field(_OUTCOME, outcome.encode())
        + (_dead_letters(dead_letters) if dead_letters else b"")
        + varint(BODY_FIELD[signal] << 3 | _LEN)
        + varint(len(body))
    )
    return b"".join((varint(len(head) + len(body)), head, body))
