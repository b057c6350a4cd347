"""Group commit: what arrives while the disk syncs is written and synced together next."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

from collector.spool.record import Key, SpoolRecord
from collector.spool.segment import Segment
from seamark.wire.failures import Unavailable


@dataclass(frozen=True, slots=True)
class Queued:
    """A record on its way to the disk."""

    record: SpoolRecord
    data: bytes
    future: "asyncio.Future[None]"


class GroupCommit:
    """Takes records one by one and puts them on the disk by the batch, in their order.

    `append` writes and syncs bytes on the `thread`, and raises OSError; `counted` is called with
    each durable batch, its segment and the seconds it took, before its futures are done; `refused`
    makes the failure of the futures from an error.
    """

    def __init__(
        self,
        thread: Executor,
        *,
        append: Callable[[bytes], Segment],
        counted: Callable[[list[Queued], Segment, float], None],
        refused: Callable[[OSError], Unavailable],
    ) -> None:
        self._thread = thread
        self._append = append
        self._counted = counted
        self._refused = refused
        self._queue: deque[Queued] = deque()
        self._waiting: dict[Key, int] = {}
        self._task: asyncio.Task[None] | None = None
        self._in_flight = False
        self.size = 0
        """Bytes on their way."""

    @property
    def busy(self) -> bool:
        """Whether something is being written, or about to be."""
        return self._in_flight or bool(self._queue)

    def waiting(self, key: Key) -> bool:
        """Whether records of a stream are on their way."""
        return self._waiting.get(key, 0) > 0

    def put(self, record: SpoolRecord, data: bytes) -> asyncio.Future[None]:
        """Queue one; the future is done once it is on the disk, or raises Unavailable."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(Queued(record, data, future))
        self.size += len(data)
        self._waiting[record.key] = self._waiting.get(record.key, 0) + 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="spool-commit")
        return future

    async def settled(self) -> None:
        """Wait until nothing is on its way. Does not raise."""
        if self._task is not None:
            await asyncio.wait({self._task})

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue:
            batch = list(self._queue)
            self._queue.clear()
            started = time.monotonic()
            failure: Unavailable | None = None
            self._in_flight = True
            try:
                data = b"".join([each.data for each in batch])
                where = await loop.run_in_executor(self._thread, self._append, data)
            except OSError as error:
                failure = self._refused(error)
            else:
                self._counted(batch, where, time.monotonic() - started)
            self._in_flight = False
            for each in batch:
                self._waiting[each.record.key] -= 1
                self.size -= len(each.data)
                if each.future.done():
                    continue
                if failure is None:
                    each.future.set_result(None)
                else:
                    each.future.set_exception(
                        Unavailable(failure.message, retry_after=failure.retry_after)
                    )
