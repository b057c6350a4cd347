"""Bringing an index up to the record before a block is looked up: used, caught up, or rebuilt.

An index that is missing, damaged, older than the record by however much, or of another history of
the log than the one that is there (a restored log, a file copied from elsewhere) ends up the same:
complete for the window before the record, as far as the log still reaches.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from processors.blocks.decide import Wait
from processors.blocks.dedup.index import DedupIndex, IndexProgress
from processors.blocks.dedup.keys import keys_of
from processors.blocks.log import LogLost, StreamLog, StreamLogReader
from processors.blocks.nats_frames import NatsMessage
from seamark.wire.log_state import LogState
from seamark.wire.positions import Position
from seamark.wire.reading import EnvelopeReader

logger = logging.getLogger(__name__)
_BUFFER_BYTES: Final = 4 * 1024 * 1024
_REPORT_SECONDS: Final = 10.0


async def prepare(
    index: DedupIndex, log: StreamLog, stream: str, *, position: Position, stop: asyncio.Event
) -> None:
    """Return when `index` is complete for the window before the block that follows `position.done`.

    That takes as long as it takes to read so much of the log: headers, and whole messages from the
    first on that holds events with ids. Memory is bounded. Raises DedupIndexUnavailable,
    StreamMissing, LogLost, which is also how it ends when told to stop.
    """
    since_ns = max(0, position.first_ns - index.window_ns)
    catch_up = _IndexCatchUp(index, log, stream, until=position.done, stop=stop)
    progress = await asyncio.to_thread(index.progress)
    log_state = await log.state(stream)  # asked for later, so it cannot be behind the index
    if (
        progress is not None
        and _usable(progress, since_ns, log_state)
        and (progress.last == 0 or await catch_up.continues(progress))
    ):
        await catch_up.run(progress)
        return
    logger.info(
        "building the dedup index from the log",
        extra={"stream": stream, "had": progress, "since_ns": since_ns, "until": position.done},
    )
    begun = IndexProgress(through=0, since_ns=since_ns, last=0, last_ns=0)
    await asyncio.to_thread(index.begin, begun)
    await catch_up.run(begun)


def _usable(progress: IndexProgress, since_ns: int, log_state: LogState) -> bool:
    if progress.since_ns > since_ns:
        return False  # it has dropped facts from before a block this old
    return progress.last == 0 or log_state.first <= progress.last <= log_state.last


class _IndexCatchUp:
    """Adds one stream to its index, up to sequence `until`."""

    def __init__(
        self, index: DedupIndex, log: StreamLog, stream: str, *, until: int, stop: asyncio.Event
    ) -> None:
        self._index = index
        self._log = log
        self._stream = stream
        self._until = until
        self._stop = stop
        self._frames = EnvelopeReader()
        self._now = asyncio.get_running_loop().time
        self._reported = self._now()

    async def continues(self, progress: IndexProgress) -> bool:
        """Whether the last message that the index took is still where it was in the log."""
        reader = await self._open(after=progress.last - 1, headers_only=True)
        try:
            await self._fill(reader)
            if not reader.buffer:
                return False
            first = reader.buffer[0]
            return (first.sequence, first.stored_ns) == (progress.last, progress.last_ns)
        finally:
            reader.close()

    async def run(self, progress: IndexProgress) -> None:
        """Everything after `progress.through`; nothing when that is far enough."""
        if progress.through >= self._until:
            return
        since_ns = 0 if progress.last else progress.since_ns
        reader = await self._open(
            after=progress.through, since_ns=since_ns, headers_only=(headers_only := True)
        )
        try:
            while await self._fill(reader):
                messages = [one for one in reader.buffer if one.sequence <= self._until]
                beyond = len(messages) < len(reader.buffer)
                closed = next((at for at, one in enumerate(messages) if _to_open(one)), None)
                if headers_only and closed is not None:
                    after = messages[closed].sequence - 1
                    progress = await self._add(progress, messages[:closed])
                    reader.close()
                    reader = await self._open(after=after, headers_only=(headers_only := False))
                    continue
                progress = await self._add(progress, messages)
                if beyond or progress.through >= self._until:
                    break
                reader.drop(len(messages))
        finally:
            reader.close()
        await asyncio.to_thread(
            self._index.add, (), through=self._until, last=progress.last, last_ns=progress.last_ns
        )

    async def _add(self, progress: IndexProgress, messages: Sequence[NatsMessage]) -> IndexProgress:
        if not messages:
            return progress
        last = messages[-1]
        facts = (fact for one in messages for fact in keys_of(one, self._frames).facts())
        await asyncio.to_thread(
            self._index.add,
            facts,
            through=last.sequence,
            last=last.sequence,
            last_ns=last.stored_ns,
        )
        if self._now() - self._reported > _REPORT_SECONDS:
            self._reported = self._now()
            logger.info(
                "adding the log to the dedup index",
                extra={"stream": self._stream, "at": last.sequence, "until": self._until},
            )
        return IndexProgress(last.sequence, progress.since_ns, last.sequence, last.stored_ns)

    async def _open(self, *, after: int, headers_only: bool, since_ns: int = 0) -> StreamLogReader:
        return await self._log.open(
            self._stream,
            after=after,
            since_ns=since_ns,
            headers_only=headers_only,
            buffer_bytes=_BUFFER_BYTES,
        )

    async def _fill(self, reader: StreamLogReader) -> bool:
        """Wait for messages; False: there are no more."""
        while not reader.buffer:
            if self._stop.is_set():
                raise LogLost("told to stop")
            if reader.complete:
                return False
            await reader.more(Wait())
        return True


def _to_open(message: NatsMessage) -> bool:
    return any(frame.event_ids for frame in message.frames)
