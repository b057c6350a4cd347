"""Looking at a cluster twice a second: how far its sinks are behind, its memory, its spool."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import nats.errors
import psutil
from nats.js.client import JetStreamContext

from processors.blocks.positions import KvPositions, PositionsUnavailable
from seamark.service.connections import connect_log
from seamark.wire.signals import Signal, stream_name
from tests.chaos.cluster import Cluster

_PAUSE_SECONDS = 0.5
_PATIENCE_SECONDS = 2.0
_QUIET_LOOKS = 4
"""So many looks in a row have to be normal before it counts."""
_MIB = 1024 * 1024


class Watch:
    """Peaks since it runs. `lag` is None while the log cannot be asked."""

    def __init__(self, arena: Cluster) -> None:
        self.rss_mib: dict[str, float] = {}
        self.spool_mib = 0.0
        self._arena = arena
        self._lags: list[int] = []
        self._spool_now = 0.0
        self._looked = asyncio.Event()
        self._lag: int | None = None

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Watch"]:
        """Looks again and again inside."""
        looking = asyncio.create_task(self._look())
        try:
            yield self
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)

    def most_lag(self) -> int:
        """The most messages any sink was behind since the last time this was asked."""
        most = max(self._lags, default=0)
        self._lags.clear()
        return most

    async def normal_again(self, limit: int, *, within_seconds: float) -> None:
        """Wait until every sink is at most `limit` messages behind and the spool is empty.

        Raises TimeoutError with what it is instead.
        """
        quiet = 0
        try:
            async with asyncio.timeout(within_seconds):
                while quiet < _QUIET_LOOKS:
                    await self._looked.wait()
                    self._looked.clear()
                    fine = self._lag is not None and self._lag <= limit and not self._spool_now
                    quiet = quiet + 1 if fine else 0
        except TimeoutError:
            raise TimeoutError(
                f"after {within_seconds:.0f} s the sinks are {self._lag} messages behind (normal"
                f" {limit}), the spool holds {self._spool_now:.1f} MiB"
            ) from None

    async def _look(self) -> None:
        client = await connect_log(self._arena.log, name="chaos-watch")
        positions = KvPositions(client)
        try:
            while True:
                await asyncio.to_thread(self._measure)
                try:
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        self._lag = await self._behind(client.jetstream(timeout=1), positions)
                        self._lags.append(self._lag)
                except (TimeoutError, nats.errors.Error, PositionsUnavailable, OSError):
                    self._lag = None
                self._looked.set()
                await asyncio.sleep(_PAUSE_SECONDS)
        finally:
            await client.close()

    async def _behind(self, jetstream: JetStreamContext, positions: KvPositions) -> int:
        worst = 0
        sinks = ("rows", "archive") if self._arena.has_archive() else ("rows",)
        for partition in range(self._arena.log.partitions):
            stream = stream_name(Signal.EVENTS, partition)
            last = (await jetstream.stream_info(stream)).state.last_seq
            for sink in sinks:
                held = (await positions.read(f"{sink}.{stream}")).position
                worst = max(worst, last - (held.done if held is not None else 0))
        return worst

    def _measure(self) -> None:
        for name, pid in self._arena.pids().items():
            with contextlib.suppress(psutil.Error):
                process = psutil.Process(pid)
                family = [process, *process.children(recursive=True)]
                size = sum(member.memory_info().rss for member in family) / _MIB
                self.rss_mib[name] = max(self.rss_mib.get(name, 0.0), size)
        self._spool_now = _bytes_in(self._arena.data / "spool") / _MIB
        self.spool_mib = max(self.spool_mib, self._spool_now)


def _bytes_in(folder: Path) -> int:
    total = 0
    for path, _, files in os.walk(folder):
        for file in files:
            with contextlib.suppress(OSError):
                total += (Path(path) / file).stat().st_size
    return total
