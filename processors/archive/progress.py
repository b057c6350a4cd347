"""How far the archive has come in the log, from its records and the streams themselves."""

import time
from collections.abc import Callable, Sequence

from processors.archive.plan import MergeProgress
from processors.blocks.log import StreamLog
from processors.blocks.positions import Positions
from seamark.wire.signals import Signal, stream_name


class RecordedProgress:
    """Reads the records of every stream, whichever process it is that carries them."""

    def __init__(
        self,
        positions: Positions,
        log: StreamLog,
        *,
        partitions: int,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._positions = positions
        self._log = log
        self._partitions = partitions
        self._now_ns = now_ns

    async def progress(self, signal: Signal) -> Sequence[MergeProgress]:
        """See `ArchiveProgress.progress`."""
        streams = [stream_name(signal, partition) for partition in range(self._partitions)]
        return [await self._of(stream) for stream in streams]

    async def _of(self, stream: str) -> MergeProgress:
        now_ns = self._now_ns()  # before looking: what comes later is not passed
        position = (await self._positions.read(f"archive.{stream}")).position
        state = await self._log.state(stream)
        done = position.done if position else state.first - 1
        if done >= state.last:
            return MergeProgress(stream, now_ns // 1_000_000)
        # All before the first message of the block that was last begun is archived.
        return MergeProgress(stream, position.first_ns // 1_000_000 if position else 0)
