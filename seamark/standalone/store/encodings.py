"""Content encodings: request bodies unpacked piece by piece, results packed.

A body may be many zstd frames, one after the other, as blocks of the log are. The bindings stop
without a word when the last frame is cut short, and a cut frame that held a whole envelope leaves
valid Protobuf behind: rows would be lost and acknowledged. So the frames are walked beforehand.
"""

import zlib
from collections.abc import Iterator
from typing import Any, Final

import lz4.frame  # type: ignore[import-untyped]  # it has no stubs
import zstandard

from seamark.standalone.store.failures import (
    LIMIT_EXCEEDED,
    NOT_IMPLEMENTED,
    TRUNCATED,
    own_error,
)
from seamark.wire.zstd_frames import ends_whole

PREFERRED: Final = ("zstd", "lz4", "gzip", "deflate")
"""Encodings of results, most wanted first."""
_PIECE_BYTES: Final = 1024 * 1024


def choose(accept: str) -> str:
    """The encoding for a result, given Accept-Encoding; empty for none."""
    offered = {
        part.split(";")[0].strip().lower()
        for part in accept.split(",")
        if not part.replace(" ", "").lower().endswith((";q=0", ";q=0.0"))
    }
    return next((name for name in PREFERRED if name in offered), "")


def unpack(body: bytes, encoding: str, *, limit_bytes: int) -> Iterator[bytes]:
    """The pieces of a decoded body, none empty, about 1 MiB each. Blocks; releases the GIL.

    Raises StoreError when the encoding is unknown, the body is damaged or cut short, or more than
    `limit_bytes` come out of it.
    """
    total = 0
    try:
        for piece in _pieces(body, encoding):
            total += len(piece)
            if total > limit_bytes:
                raise own_error(
                    LIMIT_EXCEEDED, f"The body is larger than {limit_bytes} bytes when decompressed"
                )
            if piece:
                yield piece
    except (zlib.error, zstandard.ZstdError, RuntimeError) as error:
        raise own_error(TRUNCATED, f"Cannot decompress the {encoding} body: {error}") from error


def _pieces(body: bytes, encoding: str) -> Iterator[bytes]:
    match encoding:
        case "" | "identity":
            yield body
        case "zstd":
            yield from _zstd(body)
        case "gzip" | "x-gzip":
            yield from _zlib(body, 31)
        case "deflate":
            yield from _zlib(body, 15)
        case "lz4":
            yield from _lz4(body)
        case _:
            raise own_error(NOT_IMPLEMENTED, f"Content-Encoding {encoding!r} is not supported")


def _zstd(body: bytes) -> Iterator[bytes]:
    if not ends_whole(body):
        raise own_error(TRUNCATED, "The zstd body is cut short")
    with zstandard.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
        while piece := reader.read(_PIECE_BYTES):
            yield piece


def _zlib(body: bytes, window: int) -> Iterator[bytes]:
    rest = body
    while rest:
        member = zlib.decompressobj(window)
        data = rest
        while not member.eof:
            piece = member.decompress(data, _PIECE_BYTES)
            data = member.unconsumed_tail
            if not piece and not data and not member.eof:
                raise own_error(TRUNCATED, "The gzip body is cut short")
            yield piece
        rest = member.unused_data


def _lz4(body: bytes) -> Iterator[bytes]:
    rest = body
    while rest:
        frame = lz4.frame.LZ4FrameDecompressor()
        data = rest
        while not frame.eof:
            piece = frame.decompress(data, max_length=_PIECE_BYTES)
            data = b""
            if not piece and frame.needs_input and not frame.eof:
                raise own_error(TRUNCATED, "The lz4 body is cut short")
            yield piece
        rest = frame.unused_data or b""


class Packer:
    """Compresses one result, piece by piece. Blocks; releases the GIL."""

    def __init__(self, encoding: str) -> None:
        """Raises StoreError when `encoding` is none of PREFERRED."""
        self._head = b""
        self._stream: Any
        match encoding:
            case "zstd":
                self._stream = zstandard.ZstdCompressor(level=1).compressobj()
            case "lz4":
                self._stream = lz4.frame.LZ4FrameCompressor()
                self._head = self._stream.begin()
            case "gzip":
                self._stream = zlib.compressobj(3, zlib.DEFLATED, 31)
            case "deflate":
                self._stream = zlib.compressobj(3)
            case _:
                raise own_error(NOT_IMPLEMENTED, f"Encoding {encoding!r} is not supported")

    def add(self, piece: bytes) -> bytes:
        """What may be sent after `piece`; may be empty."""
        head, self._head = self._head, b""
        return head + bytes(self._stream.compress(piece))

    def end(self) -> bytes:
        """The rest, with the encoding's trailer."""
        head, self._head = self._head, b""
        return head + bytes(self._stream.flush())
