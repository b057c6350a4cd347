"""Where a file of the archive lies, and what it is called. Pure.

    signal=<signal>/year=YYYY/month=MM/day=DD/hour=HH/part-<name>.parquet

The hour is that of receipt, UTC. A file made from a block is named by the block's token, so writing
the block again overwrites the same names; a merged file is named by the files it was made of.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from seamark.wire.positions import token_of
from seamark.wire.signals import Signal

HOUR_SECONDS: Final = 3600
_PATH: Final = re.compile(
    r"signal=([a-z]+)/year=(\d{4})/month=(\d\d)/day=(\d\d)/hour=(\d\d)/part-[^/]+\.parquet\Z"
)
_TOKEN: Final = re.compile(r"(?P<stream>[^:]+):(?P<first>\d+)-(?P<last>\d+):")
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.-]+")


@dataclass(frozen=True, slots=True)
class Hour:
    """One folder: a signal, and an hour of receipt counted from the Unix epoch."""

    signal: Signal
    number: int

    @property
    def end_ms(self) -> int:
        """The instant after its last, milliseconds since the epoch."""
        return (self.number + 1) * HOUR_SECONDS * 1000

    @property
    def folder(self) -> str:
        """Relative to the archive's root, without a slash at the end."""
        begin = datetime.fromtimestamp(self.number * HOUR_SECONDS, UTC)
        return f"signal={self.signal.value}/" + begin.strftime("year=%Y/month=%m/day=%d/hour=%H")


def hour_of(path: str) -> Hour:
    """The folder a path lies in. Raises ValueError for a path that is not the archive's."""
    found = _PATH.match(path)
    if found is None:
        raise ValueError(f"{path!r} is no path of the archive")
    year, month, day, hour = (int(found[n]) for n in range(2, 6))
    begin = datetime(year, month, day, hour, tzinfo=UTC)
    return Hour(Signal(found[1]), int(begin.timestamp()) // HOUR_SECONDS)


def block_name(token: str) -> str:
    """What the files of a block are called, whatever their hours."""
    return f"part-{_UNSAFE.sub('-', token)}.parquet"


def token_in(path: str, stream: str, *, first: int, last: int) -> str:
    """The token that a file was made under, the inverse of `block_name`; "" for other names."""
    name = path.rpartition("/")[2]
    begin, end = f"part-{stream}-{first}-{last}-", ".parquet"
    time_ns, *frame = name.removeprefix(begin).removesuffix(end).split("-")
    if not name.startswith(begin) or not time_ns.isdigit():
        return ""
    whole = token_of(stream, done=first - 1, end=last, first_ns=int(time_ns))
    return "/".join([whole, *frame])


def merged_name(inputs: Sequence[str]) -> str:
    """What the file made of these paths is called."""
    digest = hashlib.sha256("\n".join(sorted(inputs)).encode()).hexdigest()
    return f"part-merged-{digest[:24]}.parquet"


def sequences(token: str) -> tuple[int, int]:
    """First and last sequence of the log in a block, both inclusive; 0 and 0 for other tokens."""
    found = _TOKEN.match(token)
    return (int(found["first"]), int(found["last"])) if found else (0, 0)
