"""From the messages of a block to what the engine reads. Pure.

Both layers are checked for whole ends, because what is behind them would hide a cut: the
decompressor takes the end of its input for the end of the data, and the engine would take the first
bytes of the next envelope for the last ones of an envelope that is cut short.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import zstandard

from seamark.wire.zstd_frames import ends_whole

_CHUNK_BYTES: Final = 8 * 1024 * 1024
"""Inflated bytes given to the engine at a time: a block's working memory is a few times that."""
_PIECE_BYTES: Final = 1024 * 1024


class UnreadableFrame(Exception):
    """The block's bytes are at fault, for good. `reason` is a short metric label."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message[:500])
        self.reason = reason


def inflated(payloads: Sequence[bytes]) -> Iterator[Iterator[bytes]]:
    """The inflated bytes of messages, in runs of whole messages that are soon large enough."""
    waiting = iter(payloads)
    for payload in waiting:
        yield _chunk(payload, waiting)


def _chunk(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    size = 0
    payload: bytes | None = first
    while payload is not None:
        for piece in _whole(_pieces(payload)):
            size += len(piece)
            yield piece
        payload = next(rest, None) if size < _CHUNK_BYTES else None


def _pieces(payload: bytes) -> Iterator[bytes]:
    if not ends_whole(payload):  # the decompressor would take it for the end
        raise UnreadableFrame("cannot_decompress", "a message ends in the middle of a frame")
    try:
        reader = zstandard.ZstdDecompressor().stream_reader(payload, read_across_frames=True)
        while piece := reader.read(_PIECE_BYTES):
            yield piece
    except zstandard.ZstdError as error:
        raise UnreadableFrame("zstd_decoder_failed", str(error)) from error


def _whole(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces; raises Unreadable unless they end where an envelope does."""
    rest = 0  # of the envelope that is being passed
    length = shift = 0  # of the one whose length is being read
    for piece in pieces:
        at = 0
        while True:
            if at + rest > len(piece):
                rest -= len(piece) - at
                break
            at += rest
            rest = 0
            if at == len(piece):
                break
            byte = piece[at]
            at += 1
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                rest, length, shift = length, 0, 0
        yield piece
    if rest or shift:
        raise UnreadableFrame("cannot_read_all_data", "a message ends in the middle of an envelope")
