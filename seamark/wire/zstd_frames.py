"""Where the zstd frames of a body end. Pure; opens nothing.

Needed because the decompressor, reading across frames, takes the end of its input for the end of
the data, be it in the middle of a frame; and to take the frames of a message one by one. About
1 µs a frame.
Format: RFC 8878, section 3.1.
"""

from collections.abc import Iterator
from typing import Final

_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_SKIPPABLE: Final = range(0x184D2A50, 0x184D2A60)
_DICTIONARY_ID_BYTES: Final = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES: Final = (0, 2, 4, 8)
_RLE: Final = 1


def ends_whole(body: bytes) -> bool:
    """True when `body` is nothing but whole frames. What is in them may still be damaged."""
    at = 0
    for at in _ends(body):  # noqa: B007  # the last of them
        pass
    return at == len(body)


def frames_of(body: bytes) -> list[bytes]:
    """The frames of `body`, in order; what is left where no whole frame begins is the last one."""
    frames = []
    start = 0
    for end in _ends(body):
        if end > len(body):
            break
        frames.append(body[start:end])
        start = end
    if start < len(body):
        frames.append(body[start:])
    return frames


def _ends(body: bytes) -> Iterator[int]:
    """Where each frame ends, up to what is none; behind the end of `body` when it is cut short."""
    at = 0
    end = len(body)
    while at < end:
        if body[at : at + 4] == _MAGIC:
            at = _after_frame(body, at)
        elif int.from_bytes(body[at : at + 4], "little") in _SKIPPABLE and at + 8 <= end:
            at += 8 + int.from_bytes(body[at + 4 : at + 8], "little")
        else:
            return
        yield at


def _after_frame(body: bytes, at: int) -> int:
    """Where the frame at `at` ends; behind the end of `body` when it is cut short."""
    end = len(body)
    if at + 5 > end:
        return end + 1
    descriptor = body[at + 4]
    single = descriptor >> 5 & 1
    at += 5 + (not single) + _DICTIONARY_ID_BYTES[descriptor & 3]
    at += _CONTENT_SIZE_BYTES[descriptor >> 6] or single
    last = 0
    while not last:
        if at + 3 > end:
            return end + 1
        header = body[at] | body[at + 1] << 8 | body[at + 2] << 16
        last = header & 1
        at += 3 + (1 if header >> 1 & 3 == _RLE else header >> 3)
    return at + 4 * (descriptor >> 2 & 1)
