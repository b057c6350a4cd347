"""Which errors are the same, so that a repeated one is sent only so often.

As the groups of the API: type and innermost frames, or type and message where there is no frame.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MOST_FRAMES: Final = 3
_MESSAGE_CHARS: Final = 300
_OFFSET: Final = 0xCBF29CE484222325
_PRIME: Final = 0x100000001B3
_MASK: Final = 2**64 - 1

_QUOTED: Final = re.compile(r"\"[^\"]{0,200}\"|'[^']{0,200}'|`[^`]{0,200}`")
_HEX: Final = re.compile(
    r"\b(?:0x[0-9A-Fa-f]{1,32}|[0-9A-Fa-f]{8,64}(?:-[0-9A-Fa-f]{4,12}){0,4})\b", re.ASCII
)
_NUMBER: Final = re.compile(r"[0-9]{1,64}", re.ASCII)
_BUILD: Final = re.compile(r"[.-](?=[A-Za-z0-9_]*[0-9])[A-Za-z0-9_]{8,64}(?=\.[A-Za-z0-9.]{1,24}$)")


@dataclass(frozen=True, slots=True)
class Frame:
    """One line of a stack: file (a path or URL) and function; "" where unknown."""

    file: str
    function: str


def fingerprint(type_: str, message: str, frames: Sequence[Frame]) -> str:
    """16 hex digits: FNV-1a, 64 bits, of the type and the top frames or the masked message.

    `frames` has the innermost first. Lines and columns are no part of it, nor are directories and
    the hashes that bundlers put into file names.
    """
    top = [f"{_file(frame.file)}:{frame.function}" for frame in frames[:MOST_FRAMES]]
    parts = [type_, *(top or [_message(message)])]
    value = _OFFSET
    for octet in "\n".join(parts).encode("utf-8", "replace"):
        value = ((value ^ octet) * _PRIME) & _MASK
    return f"{value:016x}"


def _file(path: str) -> str:
    name = re.split(r"[?#]", path, maxsplit=1)[0].replace("\\", "/").rpartition("/")[2]
    return _BUILD.sub("", name)


def _message(message: str) -> str:
    line = message.split("\n", 1)[0]
    for pattern in (_QUOTED, _HEX, _NUMBER):
        line = pattern.sub("*", line)
    return line[:_MESSAGE_CHARS]
