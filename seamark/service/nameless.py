"""A file without a name, for a library that wants a path to read from."""

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


@contextmanager
def nameless_file(pieces: Iterable[bytes]) -> Iterator[str]:
    """A path, good in this process until the end, to a file that holds the joined `pieces`.

    In memory where the system has memfd_create (Linux), else in the folder for temporary files,
    already deleted. Blocks. What `pieces` raises comes out, and then there was no file.
    """
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("seamark", os.MFD_CLOEXEC)
    else:
        descriptor, path = tempfile.mkstemp(prefix="seamark-")
        os.unlink(path)
    try:
        for piece in pieces:
            _write(descriptor, piece)
        os.lseek(descriptor, 0, os.SEEK_SET)  # /dev/fd shares the offset where it is no link
        yield f"/dev/fd/{descriptor}"
    finally:
        os.close(descriptor)


def _write(descriptor: int, piece: bytes) -> None:
    rest = memoryview(piece)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
