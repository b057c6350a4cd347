"""Content codings, undone within a limit: inflating stops at the limit, not after it.

Pure: bytes in, bytes out. gzip (RFC 1952, several members), deflate (RFC 9110: zlib; and the raw
form some senders mean by it), zstd (RFC 8878, several frames).
"""

from collections.abc import Callable
from typing import Final

import zstandard
from isal import isal_zlib

from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

CODINGS: Final = "gzip, deflate, zstd, identity"
_GZIP_BITS: Final = 31
_ZLIB_BITS: Final = 15
_RAW_BITS: Final = -15
_ZSTD_WINDOW: Final = 8 * 1024 * 1024
"""RFC 8878 recommends decoders to support windows of at least this."""
_ZSTD_SLICE: Final = 256
"""One byte of input may ask for 32 KB of output (a 4-byte RLE block holds 128 KB), so frames of
unknown size are fed in slices that cannot overshoot the limit by more than 8 MB."""


def undo(coding: str, body: bytes, *, limit: int) -> bytes:
    """`body` without its content coding, at most `limit` bytes.

    `coding` is the value of `Content-Encoding`. Raises Rejected (ENCODING, MALFORMED, INCOMPLETE,
    INFLATED_TOO_LARGE). Blocks for the time it takes to inflate.
    """
    name = coding.strip().lower()
    if name in ("", "identity"):
        return body
    inflate = _INFLATERS.get(name)
    if inflate is None:
        raise Rejected(
            Reason.ENCODING, f"Content-Encoding {name[:40]!r} is not known; use one of {CODINGS}"
        )
    return inflate(body, limit)


def _gzip(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    room = limit
    while True:
        data, body = _member(body, room, _GZIP_BITS, limit)
        parts.append(data)
        room -= len(data)
        if not body.strip(b"\0"):  # the end, or padding, which gzip ignores too
            return data if len(parts) == 1 else b"".join(parts)


def _deflate(body: bytes, limit: int) -> bytes:
    wrapped = len(body) >= 2 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
    data, rest = _member(body, limit, _ZLIB_BITS if wrapped else _RAW_BITS, limit)
    if rest:
        raise Rejected(Reason.MALFORMED, "there are bytes after the end of the deflated body")
    return data


def _member(body: bytes, room: int, bits: int, limit: int) -> tuple[bytes, bytes]:
    """One gzip member or zlib stream, and what follows it."""
    inflater = isal_zlib.decompressobj(bits)
    try:
        data: bytes = inflater.decompress(body, room + 1)
        while not inflater.eof and len(data) <= room:
            more = inflater.decompress(inflater.unconsumed_tail, room + 1 - len(data))
            if not more:
                break
            data += more
    except isal_zlib.error as error:  # type: ignore[misc]  # its stub declares no class
        raise _malformed(error) from None
    if len(data) > room:
        raise _too_large(limit)
    if not inflater.eof:
        raise _incomplete()
    return data, inflater.unused_data


def _zstd(body: bytes, limit: int) -> bytes:
    try:
        size = zstandard.frame_content_size(body)
        if size > limit:
            raise _too_large(limit)
        if size > 0:
            try:
                return zstandard.ZstdDecompressor().decompress(
                    body, max_output_size=limit, allow_extra_data=False
                )
            except zstandard.ZstdError:
                pass  # several frames, or a broken one: found out below
        return _zstd_frames(body, limit)
    except zstandard.ZstdError as error:
        raise _malformed(error) from None


def _zstd_frames(body: bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    room = limit
    view = memoryview(body)
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = None
    while view or frame is not None:
        if not view:
            raise _incomplete()
        if frame is None:
            frame = decompressor.decompressobj()
        taken, view = view[:_ZSTD_SLICE], view[_ZSTD_SLICE:]
        data = frame.decompress(taken)
        room -= len(data)
        if room < 0:
            raise _too_large(limit)
        parts.append(data)
        if frame.eof:
            if frame.unused_data:
                view = memoryview(body)[len(body) - len(view) - len(frame.unused_data) :]
            frame = None
    return b"".join(parts)


def _too_large(limit: int) -> Rejected:
    return Rejected(
        Reason.INFLATED_TOO_LARGE,
        f"the body inflates to more than {limit:,} bytes, which is the limit; send smaller batches",
    )


def _incomplete() -> Rejected:
    return Rejected(Reason.INCOMPLETE, "the compressed body ends too early; send all of it")


def _malformed(error: Exception) -> Rejected:
    return Rejected(Reason.MALFORMED, f"the compressed body is broken: {error}")


_INFLATERS: Final[dict[str, Callable[[bytes, int], bytes]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "zstd": _zstd,
}
