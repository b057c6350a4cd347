"""Watches how full the log, its disk and the spool are, and refuses requests by their importance.

Checked for every request, which is one comparison while nothing is refused; the fills are read
once a second in the background. While the log is away the last ones read hold.
"""

import asyncio
import logging
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

import msgspec
from nats.aio.client import Client as NatsClient
from nats.errors import Error as NatsError

from collector.periodic_check import PeriodicCheck
from collector.shedding.fills import stream_fills
from collector.shedding.importance import REFUSED_FROM, importance
from collector.shedding.levels import Level, Thresholds, disk_fill
from seamark.service.health import Health
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
PART: Final = "shedding"
_EVERY_SECONDS: Final = 1.0
_AGAIN_SECONDS: Final = {Level.LEAST: 10.0, Level.MOST: 15.0, Level.ALL: 5.0}


class FillSource(Protocol):
    """Something that fills (`collector.spool.spool.Spool`)."""

    @property
    def fill(self) -> float:
        """0 to 1."""


class SheddingObserver(Protocol):
    """Told what is refused, for own metrics."""

    def shed(self, signal: Signal, kind: str) -> None:
        """A request was refused."""

    def level(self, signal: Signal, level: int) -> None:
        """What is refused of a signal now."""


class LoadShedder:
    """What is refused now. `level` is the highest of all signals, 0 when nothing is.

    `disk`: the folder of the log's data where it is on this machine, None where it is not, of
    which `keep_bytes` are never used.
    """

    def __init__(
        self,
        client: NatsClient,
        *,
        health: Health,
        thresholds: Thresholds,
        spool: FillSource | None = None,
        disk: Path | None = None,
        keep_bytes: int = 0,
        observer: SheddingObserver | None = None,
        every_seconds: float = _EVERY_SECONDS,
    ) -> None:
        self.level: int = Level.NONE
        self._client = client
        self._health = health
        self._thresholds = thresholds
        self._spool = spool
        self._disk = disk
        self._keep_bytes = keep_bytes
        self._observer = observer
        self._readings = PeriodicCheck(
            self._read_fills, lambda: every_seconds, name="shedding-watch"
        )
        self._streams = dict.fromkeys(Signal, 0.0)
        self._levels: dict[Signal, dict[str, Level]] = {signal: {} for signal in Signal}

    async def start(self) -> None:
        """Read the fills once, then again and again."""
        await self._readings.start()

    async def stop(self) -> None:
        """Stop reading."""
        await self._readings.stop()

    def check(self) -> None:
        """Before a body is read. Raises Unavailable (SHED) when nothing is taken at all."""
        if self.level == Level.ALL:
            raise self._refusal(Level.ALL, "everything")

    def check_request(self, signal: Signal, body: bytes, names: Iterable[str] = ()) -> None:
        """Take or refuse a request that has been decoded. Raises Unavailable (SHED).

        To be called only while `level` is not NONE; see `importance` for the arguments.
        """
        level = max(self._levels[signal].values(), default=Level.NONE)
        if level is Level.NONE:
            return
        kind = importance(signal, body, names)
        if level >= REFUSED_FROM[kind]:
            if self._observer is not None:
                self._observer.shed(signal, kind.value)
            raise self._refusal(level, kind.value)

    def _refusal(self, level: Level, what: str) -> Unavailable:
        return Unavailable(
            f"{what}: not taken for now, the log or its disk is nearly full; send again later",
            retry_after=_AGAIN_SECONDS[level],
            reason=Reason.SHED,
        )

    async def _read_fills(self) -> None:
        disk = 0.0
        if self._disk is not None:
            disk = await asyncio.to_thread(_fill_of, self._disk, self._keep_bytes)
        if self._client.is_connected:
            try:
                self._streams = await stream_fills(self._client)
            except (NatsError, TimeoutError, msgspec.DecodeError) as error:
                logger.debug("fill of the log unknown", extra={"error": repr(error)})
        spool = self._spool.fill if self._spool is not None else 0.0
        self._apply(disk=disk, spool=spool)

    def _apply(self, *, disk: float, spool: float) -> None:
        """New levels from new fills. Only a disk refuses everything: a full stream says so itself,
        and a full spool stands in the way of nothing while the log is there."""
        fullest: dict[str, float] = {}
        for signal in Signal:
            before = self._levels[signal]
            after: dict[str, Level] = {}
            fills = {"stream": self._streams[signal], "disk": disk, "spool": spool}
            for name, fill in fills.items():
                level = self._thresholds.level(fill, current=before.get(name, Level.NONE))
                after[name] = level if name == "disk" else min(level, Level.MOST)
                if after[name]:
                    what = f"{signal.value} stream" if name == "stream" else name
                    fullest[what] = fill
            self._levels[signal] = after
            if self._observer is not None:
                self._observer.level(signal, max(after.values()))
        level = max(max(levels.values()) for levels in self._levels.values())
        if level != self.level:
            logger.warning("shedding", extra={"level": level.name.lower(), "full": fullest})
        self.level = level
        self._health.degrade(PART, _described(level, fullest))


def _described(level: Level, fullest: dict[str, float]) -> str:
    if level is Level.NONE:
        return ""
    refused = sorted(kind.value for kind, start in REFUSED_FROM.items() if level >= start)
    full = ", ".join(f"{name} {fill:.0%} full" for name, fill in sorted(fullest.items()))
    return f"level {level.value} ({full}): refused are {', '.join(refused)}"


def _fill_of(path: Path, keep_bytes: int) -> float:
    try:
        disk = os.statvfs(path)
    except OSError:
        return 0.0
    return disk_fill(disk.f_bavail * disk.f_frsize, keep_bytes=keep_bytes)
