"""Events of one process until they are sealed into a batch: a file to which each is appended.

An event is on disk before `append` returns, so it survives `os._exit` and every signal. The name
has the batchId, so that a journal that is sealed twice (its owner was killed in between) makes the
same batch, which counts once.
"""

import hashlib
import json
import re
from typing import Final

from seamark_sdk.batch_body import stored_body
from seamark_sdk.core.batch_cut import cut
from seamark_sdk.core.ids import RANDOM_BYTES, uuid7
from seamark_sdk.core.spool_names import read_spool_name, spool_name
from seamark_sdk.locked_file import LockedFile
from seamark_sdk.spool import Spool

EVENTS: Final = "events"
MOST_EVENTS: Final = 500
MOST_BYTES: Final = 1 << 20
HARD_BYTES: Final = 512 * 1024
_OPEN: Final = re.compile(r"(.+)\.open")


class Journal:
    """The open journal of this process. Not safe for several threads at once."""

    def __init__(self, spool: Spool, *, batch_id: str, ms: int) -> None:
        """Raises OSError."""
        name = spool_name(ms, batch_id, EVENTS)
        self._file = LockedFile.create(spool.folder(EVENTS) / f"{name}.open")
        self.opened_ms = ms
        self.events = 0
        self._bytes = 0

    def append(self, event: bytes) -> None:
        """Keep one event, at most `HARD_BYTES`. Raises OSError."""
        self._file.append(event + b"\n")
        self.events += 1
        self._bytes += len(event) + 1

    @property
    def full(self) -> bool:
        """Whether it is time to seal it."""
        return self.events >= MOST_EVENTS or self._bytes >= MOST_BYTES

    def seal(self, spool: Spool, *, sample_rate: float) -> int:
        """Make a sealed batch of it, and delete it; how many events could not be read.

        Raises OSError; it may then be done again.
        """
        return _seal(self._file, spool, sample_rate)

    def let_go(self) -> None:
        """Close what a child inherited; the journal stays its parent's."""
        self._file.abandon()


def seal_orphans(spool: Spool, *, sample_rate: float) -> int:
    """Seal the journals of processes that are gone: those that no process holds."""
    unreadable = 0
    for path in sorted(spool.folder(EVENTS).glob("*.open")):
        held = LockedFile.claim(path)
        if held is not None:
            unreadable += _seal(held, spool, sample_rate)
    return unreadable


def _seal(file: LockedFile, spool: Spool, sample_rate: float) -> int:
    *written, _ = file.read().split(b"\n")  # what stands behind the last newline was cut off
    lines = [line for line in written if _readable(line)]
    found = _OPEN.fullmatch(file.path.name)
    name = read_spool_name(found[1]) if found else None
    if lines and name is not None:
        sizes = [len(line) for line in lines]
        made = cut(sizes, most_events=MOST_EVENTS, most_bytes=2 * MOST_BYTES, hard_bytes=HARD_BYTES)
        for number, indexes in enumerate(made.batches):
            batch_id = name.batch_id if number == 0 else derived_id(name.ms, name.batch_id, number)
            body = stored_body(
                [lines[index] for index in indexes], batch_id=batch_id, sample_rate=sample_rate
            )
            spool.put(body, ms=name.ms, batch_id=batch_id, kind=EVENTS)
    file.delete()
    return len(written) - len(lines)


def _readable(line: bytes) -> bool:
    """Whether it is an event; a power cut may leave zeros in the middle of a file."""
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


def derived_id(ms: int, batch_id: str, number: int) -> str:
    """The batchId of a part of a batch: the same whenever it is made again."""
    return uuid7(ms, hashlib.sha256(f"{batch_id}/{number}".encode()).digest()[:RANDOM_BYTES])
