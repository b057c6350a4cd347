"""The share of the log that an org may fill: it is shed as it nears it, before others feel it.

The thresholds and classes are those of a whole stream (`levels.py`, `importance.py`), applied to
the org's share of it. Checked for every request, which is one comparison while no org is near its
share; the fills are computed once a second in the background.
"""

from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from collector.admission.limits.log_use import LogUse
from collector.log import FrameLog, LogFrame
from collector.shedding.importance import REFUSED_FROM, importance
from collector.shedding.levels import Level, Thresholds
from seamark.service.registry import OrgRecord
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal, stream_name

_AGAIN_SECONDS: Final = {Level.LEAST: 15.0, Level.MOST: 30.0, Level.ALL: 60.0}
_WHOLE: Final = 100.0


class ShareObserver(Protocol):
    """Own metrics of refused requests."""

    def over_share(self, signal: Signal, kind: str) -> None:
        """A request was refused."""


class LogShares:
    """Which orgs are near their share. `levels` is empty while none is.

    `percent` holds for orgs whose record says nothing; `max_bytes` is the size of a stream.
    """

    def __init__(
        self,
        orgs: Mapping[str, OrgRecord],
        use: LogUse,
        *,
        percent: float,
        max_bytes: int,
        partitions: int,
        thresholds: Thresholds,
        observer: ShareObserver | None = None,
    ) -> None:
        self.use = use
        self.active = False
        self.levels: dict[tuple[str, Signal], Level] = {}
        self._orgs = orgs
        self._percent = percent
        self._max_bytes = max_bytes
        self._streams = {
            signal: [stream_name(signal, partition) for partition in range(partitions)]
            for signal in Signal
        }
        self._thresholds = thresholds
        self._observer = observer

    @property
    def streams(self) -> list[str]:
        """The streams of the log."""
        return [name for names in self._streams.values() for name in names]

    def count(self, frame: LogFrame) -> None:
        """The log has taken a frame."""
        if self.active and frame.org:
            stream = self._streams[frame.signal][frame.partition]
            self.use.add(stream, frame.org, len(frame.data))

    def refresh(self, seconds: float) -> None:
        """Compute the levels; it is `seconds` since the epoch now."""
        self.active = self._percent < _WHOLE or any(self._share(org) < _WHOLE for org in self._orgs)
        self.use.begin(seconds)
        fills: dict[tuple[str, Signal], float] = {}
        for signal, streams in self._streams.items() if self.active else ():
            for stream in streams:
                for org, size in self.use.bytes(stream).items():
                    if (share := self._share(org)) < _WHOLE:
                        fill = size / (self._max_bytes * share / 100)
                        fills[org, signal] = max(fill, fills.get((org, signal), 0.0))
        before = self.levels
        levels = {
            at: self._thresholds.level(fill, current=before.get(at, Level.NONE))
            for at, fill in fills.items()
        }
        self.levels = {at: level for at, level in levels.items() if level}

    def check_request(
        self, org: str, signal: Signal, body: bytes, names: Iterable[str] = ()
    ) -> None:
        """Take or refuse a request that has been decoded. Raises Unavailable (LOG_SHARE).

        To be called only while there are `levels`; see `importance` for `body` and `names`.
        """
        level = self.levels.get((org, signal))
        if level is None:
            return
        kind = importance(signal, body, names)
        if level >= REFUSED_FROM[kind]:
            if self._observer is not None:
                self._observer.over_share(signal, kind.value)
            raise Unavailable(
                f"{kind.value}: not taken for now, this org has nearly filled its share of the "
                f"log, {self._share(org):g} % of a stream; send less, and again later",
                reason=Reason.LOG_SHARE,
                retry_after=_AGAIN_SECONDS[level],
            )

    def _share(self, org: str) -> float:
        """Of a stream, in percent."""
        record = self._orgs.get(org)
        limits = record.limits if record is not None else None
        if limits is None or limits.log_percent is None or not limits.log_percent > 0:
            return self._percent
        return limits.log_percent


class CountedLog:
    """A log whose frames are counted by org once it has them."""

    def __init__(self, log: FrameLog, shares: LogShares) -> None:
        self._log = log
        self._shares = shares

    async def append(self, frame: LogFrame) -> None:
        """Append a frame, as the log does; raises what it raises."""
        await self._log.append(frame)
        self._shares.count(frame)
