"""The key-value metadata in a Parquet file's footer: adding to it, and reading it. Pure but for
the file.

The engine writes good Parquet but leaves this to nobody, and rewriting a file for the sake of its
last kilobyte would cost as much as making it. A footer is one struct in Thrift's compact protocol
and its fields may come in any order, so the metadata (field 5) is put behind the others.
Formats: https://parquet.apache.org/docs/file-format/metadata/ (parquet.thrift, `FileMetaData`) and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from seamark.wire.envelope import varint

_MAGIC: Final = b"PAR1"
_TAIL_BYTES: Final = 8
_KEY_VALUE_METADATA: Final = 5
_STOP, _TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = (
    0, 1, 2, 3, 7, 8, 9, 10, 11, 12,
)  # fmt: skip
_INTEGERS: Final = (4, 5, 6)
_LONG_LIST: Final = 15


class NotParquet(Exception):
    """The file does not end as Parquet does, or already has metadata."""


def add_metadata(path: Path, metadata: Mapping[str, str]) -> None:
    """Put metadata into a file that has none. Blocks; not atomic. Raises NotParquet, OSError."""
    with path.open("r+b") as file:
        footer = _footer(file.fileno())
        if _Struct(footer).find(_KEY_VALUE_METADATA) is not None:
            raise NotParquet(f"{path.name} has metadata already")
        pairs = b"".join(_pair(key, value) for key, value in metadata.items())
        count = len(metadata)
        size = bytes((count << 4 | _STRUCT,)) if count < _LONG_LIST else b"\xfc" + varint(count)
        field = bytes((_LIST,)) + varint(_KEY_VALUE_METADATA << 1) + size + pairs
        end = file.seek(-_TAIL_BYTES - 1, os.SEEK_END)  # over the struct's last byte, its STOP
        length = len(footer) + len(field)
        file.write(field + b"\0" + length.to_bytes(4, "little") + _MAGIC)
        file.truncate(end + len(field) + 1 + _TAIL_BYTES)


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of any Parquet file. Blocks. Raises NotParquet, OSError."""
    with path.open("rb") as file:
        footer = _footer(file.fileno())
    reader = _Struct(footer)
    if reader.find(_KEY_VALUE_METADATA) is None:
        return {}
    return reader.pairs()


def _footer(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _TAIL_BYTES, max(0, size - _TAIL_BYTES))
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or length + _TAIL_BYTES > size:
        raise NotParquet("no Parquet footer")
    return os.pread(descriptor, length, size - _TAIL_BYTES - length)


def _pair(key: str, value: str) -> bytes:
    """A `KeyValue`: fields 1 and 2, both binary."""
    return b"".join(
        b"\x18" + varint(len(text)) + text for text in (key.encode(), value.encode())
    ) + bytes((_STOP,))


class _Struct:
    """Walks one struct of the compact protocol. Raises NotParquet where it is none."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def find(self, wanted: int) -> int | None:
        """Go to a field of the outer struct; its type, or None when it is not there."""
        try:
            return self._find(wanted)
        except IndexError as error:
            raise NotParquet("a footer that is cut short") from error

    def pairs(self) -> dict[str, str]:
        """The list of key-value structs that `find` has gone to."""
        found = {}
        for _ in range(self._list_head()[0]):
            pair = {1: "", 2: ""}
            number = 0
            while field := self._field(number):
                number, _ = field
                pair[number] = self._binary().decode()
            found[pair[1]] = pair[2]
        return found

    def _find(self, wanted: int) -> int | None:
        number = 0
        while field := self._field(number):
            number, kind = field
            if number == wanted:
                return kind
            self._skip(kind)
        return None

    def _field(self, before: int) -> tuple[int, int] | None:
        """Number and type of the next field; None at the end."""
        head = self._byte()
        if head == _STOP:
            return None
        if head >> 4:
            return before + (head >> 4), head & 15
        coded = self._varint()
        return coded >> 1 ^ -(coded & 1), head & 15

    def _skip(self, kind: int) -> None:
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self._at += 1
        elif kind in _INTEGERS:
            self._varint()
        elif kind == _DOUBLE:
            self._at += 8
        elif kind == _BINARY:
            self._binary()
        elif kind in (_LIST, _SET):
            count, inner = self._list_head()
            for _ in range(count):
                self._skip_element(inner)
        elif kind == _STRUCT:
            self._find(-1)
        elif kind == _MAP:
            self._skip_map()
        else:
            raise NotParquet(f"a footer with a field of type {kind}")

    def _skip_element(self, kind: int) -> None:
        if kind in (_TRUE, _FALSE):  # in a list a boolean is a byte
            self._at += 1
        else:
            self._skip(kind)

    def _skip_map(self) -> None:
        count = self._varint()
        kinds = self._byte() if count else 0
        for _ in range(count):
            self._skip_element(kinds >> 4)
            self._skip_element(kinds & 15)

    def _list_head(self) -> tuple[int, int]:
        head = self._byte()
        count = head >> 4
        return (self._varint() if count == _LONG_LIST else count), head & 15

    def _binary(self) -> bytes:
        length = self._varint()
        self._at += length
        if self._at > len(self._data):
            raise IndexError(self._at)
        return self._data[self._at - length : self._at]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
