"""Looks for texts in everything that a stack has written: files as they are, what their zstd frames
hold, what Parquet holds, and what the store answers."""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import re2
import zstandard

from seamark.wire.zstd_frames import frames_of
from tests.support.planted_secrets import full_width

_MAGIC = b"\x28\xb5\x2f\xfd"
_BETWEEN = b" ._-()/+:[]"
"""What may stand between the parts of one number or address."""
_LOWER = bytes(range(256)).lower()
_CUT = 12


class TextSearch:
    """Finds any of many texts of letters and digits, in several spellings, in one pass."""

    def __init__(self, needles: Iterable[str]) -> None:
        self._needles = {spelling: needle for needle in needles for spelling in _spellings(needle)}
        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = 256 * 1024 * 1024
        self._search: Any = re2.compile(b"|".join(map(re.escape, self._needles)), options)

    def found(self, content: bytes) -> set[str]:
        """Which of them are in a content."""
        plain = content.translate(_LOWER, _BETWEEN)
        return {self._needles[match.group()] for match in self._search.finditer(plain)}

    def found_in_file(self, path: Path) -> set[str]:
        """The same of a file, of the frames in it, and of its rows where it is Parquet."""
        found: set[str] = set()
        for content in contents(path):
            found |= self.found(content)
        return found


def _spellings(needle: str) -> Iterator[bytes]:
    cut = needle[-_CUT:] if len(needle) > _CUT + 2 else needle
    yield cut.encode()
    yield full_width(cut).encode()
    yield b"%" + b"%".join(b"%02x" % byte for byte in cut.encode())
    yield b"".join(b"\\u%04x" % byte for byte in cut.encode())


def contents(path: Path) -> Iterator[bytes]:
    """What a file holds, in every way it is read; nothing of one that is gone by now."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return
    yield raw
    if path.suffix == ".parquet":
        for batch in pyarrow.parquet.ParquetFile(pyarrow.BufferReader(raw)).iter_batches():
            yield repr(batch.to_pylist()).encode()
        return
    at = raw.find(_MAGIC)
    while at >= 0:
        frame = frames_of(raw[at : at + 8 * 1024 * 1024])[0]
        with contextlib.suppress(zstandard.ZstdError):  # bytes that only look like one
            yield zstandard.ZstdDecompressor().decompressobj().decompress(frame)
        at = raw.find(_MAGIC, at + 4)


def files(folder: Path) -> Iterator[Path]:
    """Every file in a folder. Of one that a running stack changes, most of them."""
    for inner, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(inner, name)
            if path.is_file() and not path.is_symlink():
                yield path
