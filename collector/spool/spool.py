"""The spool of one process: messages the log cannot take now, on disk before a request is answered.

Appended by one thread: what arrives while it syncs is written and synced together next (one
fdatasync for all streams). Read per stream, in order, by the drain; a segment is deleted
once the log has everything of it. Memory: counts for each segment, and for each stream the records
of one segment; never the spool.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from collector.spool.appender import SpoolAppender
from collector.spool.commit import GroupCommit, Queued
from collector.spool.record import Key, Placed, SpoolRecord, encode
from collector.spool.report import SpoolObserver, SpoolReport
from collector.spool.segment import DAMAGED as DAMAGED_SUFFIX
from collector.spool.segment import Segment, left_in
from collector.spool.slots import Slot, abandoned, claim
from seamark.service.health import Health
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason

logger = logging.getLogger(__name__)
SEGMENT_BYTES: Final = 8 * 1024 * 1024
_PROGRESS_SECONDS: Final = 0.5
_BROKEN_SECONDS: Final = 1.0
"""How long nothing is written to a disk after an error."""
_WATCH_SECONDS: Final = 1.0
_LATER_SECONDS: Final = 5.0
_FULL: Final = "the log is away and the spool on disk is full"


@dataclass(frozen=True, slots=True)
class QueueHead:
    """The next record of a stream and the segment it stands in."""

    placed: Placed
    segment: Segment

    @property
    def record(self) -> SpoolRecord:
        return self.placed.record


class Spool:
    """Records in, in order; records out, in order for each stream; nothing forgotten in between.

    `max_bytes` is this process's part of the whole, of which one org may have `org_share`;
    `keep_bytes` is left free on the disk.
    """

    def __init__(
        self,
        path: Path,
        *,
        number: int = 0,
        processes: int = 1,
        max_bytes: int = 1024**3,
        org_share: float = 1.0,
        keep_bytes: int = 0,
        segment_bytes: int = SEGMENT_BYTES,
        observer: SpoolObserver | None = None,
        health: Health | None = None,
    ) -> None:
        self._root = path
        self._number = number
        self._processes = processes
        self._max_bytes = max_bytes
        self._org_bytes = int(max_bytes * org_share)
        self._keep_bytes = keep_bytes
        self._segment_bytes = segment_bytes
        self._report = SpoolReport(observer, health)
        self._slots: list[Slot] = []
        self._segments: list[Segment] = []
        self._appender: SpoolAppender | None = None
        self._thread = ThreadPoolExecutor(1, "spool")
        self._commit = GroupCommit(
            self._thread, append=self._append, counted=self._count, refused=self._refused
        )
        self._watching: asyncio.Task[None] | None = None
        self._loaded: dict[Key, tuple[Segment, deque[Placed]]] = {}
        self._noted: dict[tuple[str, Key], int] = {}
        self._broken = ""
        self._broken_until = 0.0
        self._progress_at = 0.0
        self._room = max_bytes
        self._put_aside: frozenset[str] = frozenset()

    async def open(self) -> None:
        """Take our slot and those that were abandoned, and read what is there. Raises OSError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        for each in self._segments:
            for key, (_, sequence) in each.done.items():
                at = (each.left_by, key)
                self._noted[at] = max(self._noted.get(at, 0), sequence)
            if each.damaged:
                name = str(each.path)
                logger.error("spooled records cannot be read", extra={"path": name})
        if self._segments:
            logger.info("spool left behind", extra={"frames": self.frames, "bytes": self.size})
        self._report_holds()
        self._watching = asyncio.create_task(self._watch(), name="spool-watch")

    def _open(self) -> None:
        own = claim(self._root, number=self._number, processes=self._processes)
        self._slots = [*abandoned(self._root, processes=self._processes), own]
        for slot in self._slots:
            self._segments += left_in(slot.path)
        numbers = [int(each.path.stem) for each in self._segments if each.path.parent == own.path]
        self._appender = SpoolAppender(
            own.path, first=max(numbers, default=0) + 1, segment_bytes=self._segment_bytes
        )
        self._look()

    async def close(self) -> None:
        """Finish writing, note how far the drain is, let go of the slots."""
        if self._watching is not None:
            self._watching.cancel()
        await self._commit.settled()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def _close(self) -> None:
        if self._appender is not None:
            self._appender.close()
        for each in self._segments:
            if each.done:
                each.write_progress()
        for slot in self._slots:
            left = any(each.path.parent == slot.path for each in self._segments)
            slot.release() if left else slot.remove()

    # what it holds

    @property
    def size(self) -> int:
        """Bytes on disk, whatever of them the log has already."""
        return sum(each.size for each in self._segments) + self._commit.size

    @property
    def frames(self) -> int:
        """Frames that the log does not have."""
        return sum(tally.frames for each in self._segments for tally in each.left.values())

    @property
    def fill(self) -> float:
        """How full it is, 0 to 1: by its own size, or by what the disk leaves it."""
        return min(1.0, self.size / max(1, min(self._max_bytes, self.size + self._room)))

    def has_backlog(self, key: Key) -> bool:
        """Whether anything of this stream is in the spool, or on its way there."""
        return self._commit.waiting(key) or any(
            (tally := each.left.get(key)) is not None and tally.records for each in self._segments
        )

    def backlog_bytes(self, key: Key) -> int:
        """Payload bytes of this stream that the log does not have."""
        return sum(tally.size for each in self._segments if (tally := each.left.get(key)))

    def problem(self, size: int = 0) -> str:
        """Why it takes no record of `size` bytes; "" when it does."""
        if self._broken and time.monotonic() < self._broken_until:
            return self._broken
        if self.size + size > self._max_bytes or self._commit.size + size >= self._room:
            return _FULL
        return ""

    def check_share(self, org: str, size: int) -> None:
        """Raises Unavailable (OVER_SHARE) when `size` bytes more of an org are beyond its share."""
        if not self._segments or self._org_bytes >= self._max_bytes:
            return
        if sum(each.orgs[org] for each in self._segments) + size > self._org_bytes:
            raise Unavailable(
                f"this org has its share of the spool on disk, {self._org_bytes:,} bytes; send "
                "again when the log has taken that",
                retry_after=_LATER_SECONDS,
                reason=Reason.OVER_SHARE,
            )

    @property
    def publisher_ids(self) -> tuple[str, ...]:
        """What the message ids in it begin with."""
        return tuple({f"{one}." for each in self._segments for one in each.publisher_ids})

    # in

    def put(self, record: SpoolRecord) -> asyncio.Future[None]:
        """Queue one record; the future is done once it is on the disk.

        Records of one stream keep the order in which they were put. Raises Unavailable (here, or
        from the future) when the spool cannot take it.
        """
        data = encode(record)
        if problem := self.problem(len(data)):
            raise Unavailable(problem, retry_after=_LATER_SECONDS)
        return self._commit.put(record, data)

    def _append(self, data: bytes) -> Segment:
        if self._appender is None:
            raise OSError("the spool is closed")
        self._room = self._free()
        if len(data) > self._room:
            raise OSError(_FULL)
        where = self._appender.append(data)
        self._room -= len(data)
        return where

    def _count(self, batch: list[Queued], where: Segment, seconds: float) -> None:
        self._broken = ""
        if where not in self._segments:
            self._segments.append(where)
        for each in batch:
            where.size += len(each.data)
            where.add(Placed(each.record, where.size))
        self._report.spooled(batch, seconds)
        self._report_holds()

    def _refused(self, error: OSError) -> Unavailable:
        self._broken = f"the spool on disk cannot be written: {error.strerror or error}"
        self._broken_until = time.monotonic() + _BROKEN_SECONDS
        logger.error("spool", extra={"why": self._broken})
        return Unavailable(self._broken, retry_after=_LATER_SECONDS)

    def _look(self) -> None:
        """Read from the disk how much room there is, and which damaged segments were put aside."""
        self._room = self._free()
        self._put_aside = frozenset(map(str, self._root.glob(f"*/*{DAMAGED_SUFFIX}")))

    def _free(self) -> int:
        disk = os.statvfs(self._root)
        return max(0, disk.f_bavail * disk.f_frsize - self._keep_bytes)

    # out

    async def head(self, key: Key) -> QueueHead | None:
        """The next record of a stream that the log does not have; None when there is none.

        Waits for records on their way to the disk. Raises OSError.
        """
        while True:
            if (loaded := self._loaded.get(key)) is not None and loaded[1]:
                return QueueHead(loaded[1][0], loaded[0])
            for each in self._segments:
                if (tally := each.left.get(key)) is not None and tally.records:
                    start = each.done.get(key, (0, 0))[0]
                    placed = await asyncio.to_thread(each.load, key, start=start)
                    self._loaded[key] = (each, deque(placed))
                    if not placed:
                        raise OSError(f"{each.path} has lost records it had")
                    break
            else:
                if not self._commit.waiting(key):
                    return None
                await self._commit.settled()

    def noted(self, key: Key, *, left_by: str) -> int:
        """The last sequence of a stream that the process of `left_by` has noted; 0 for none."""
        return self._noted.get((left_by, key), 0)

    async def settle(self, head: QueueHead, sequence: int) -> None:
        """The log has `head`, at `sequence`: go on to the next of its stream."""
        record, each = head.record, head.segment
        self._loaded[record.key][1].popleft()
        each.settle(head.placed, sequence)
        self._report.drained(record)
        if each.empty:
            await self._sweep()
        elif time.monotonic() - self._progress_at > _PROGRESS_SECONDS:
            self._progress_at = time.monotonic()
            await asyncio.to_thread(each.write_progress)

    async def _sweep(self) -> None:
        """Delete the segments of which the log has everything."""
        newest = self._appender.segment if self._appender is not None else None
        for each in [each for each in self._segments if each.empty]:
            if each is newest and self._commit.busy:
                continue  # a batch may be on its way into it
            self._segments.remove(each)
            await asyncio.get_running_loop().run_in_executor(self._thread, self._delete, each)
            self._report_holds()

    def _delete(self, each: Segment) -> None:
        # in the thread that appends: what is put meanwhile goes to the next segment
        if self._appender is not None and self._appender.segment is each:
            self._appender.close()
        each.remove()
        self._look()

    # how it is

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(self._look)
                await self._sweep()
            self._report_holds()

    def _report_holds(self) -> None:
        self._report.holds(self._segments, self.frames, self.size, put_aside=self._put_aside)
