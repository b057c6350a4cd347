"""Names of spooled files, and which of them make room. One format for all languages."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

LONGEST_AGE_MS: Final = 7 * 24 * 60 * 60 * 1000
KINDS: Final = ("events", "traces", "metrics", "logs")
_NAME: Final = re.compile(
    r"([0-9]{13})-([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.(events|traces|metrics|logs)\.gz"
)


class SpoolName(NamedTuple):
    """`ms`: when the batch was sealed, since the epoch."""

    ms: int
    batch_id: str
    kind: str


class Eviction(NamedTuple):
    """A file to delete: `expired`, or `full`."""

    name: str
    reason: str


def spool_name(ms: int, batch_id: str, kind: str) -> str:
    """`<ms, 13 digits>-<batchId>.<kind>.gz`: names in order of text are in order of time."""
    return f"{max(0, min(ms, 10**13 - 1)):013d}-{batch_id}.{kind}.gz"


def read_spool_name(name: str) -> SpoolName | None:
    """The parts of a name; None for what is no finished file of a spool."""
    found = _NAME.fullmatch(name)
    return SpoolName(int(found[1]), found[2], found[3]) if found else None


def evictions(files: Iterable[tuple[str, int]], *, now_ms: int, most_bytes: int) -> list[Eviction]:
    """What to delete of (name, bytes), oldest first: the week-old, then what is too much.

    Names that are not the spool's are left alone and not counted.
    """
    known = [(n, size, read.ms) for n, size in sorted(files) if (read := read_spool_name(n))]
    gone = [Eviction(name, "expired") for name, _, ms in known if now_ms - ms > LONGEST_AGE_MS]
    left = [(name, size) for name, size, ms in known if now_ms - ms <= LONGEST_AGE_MS]
    total = sum(size for _, size in left)
    for name, size in left:
        if total <= most_bytes:
            break
        total -= size
        gone.append(Eviction(name, "full"))
    return gone
