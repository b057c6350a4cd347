"""One block on its way into the sink: deduplicated, written, or offered frame by frame.

It keeps no position; `session.py` records before and after.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from processors import metrics
from processors.blocks.dead_letter_queue import DeadLetterQueue
from processors.blocks.decide import gives_up_frame
from processors.blocks.dedup.index import DedupIndex
from processors.blocks.dedup.rewrite import DedupedBlock, dedup_block
from processors.blocks.nats_frames import NatsMessage
from processors.blocks.pieces import notice_of, pieces_of
from processors.blocks.sink import Block, Sink, SinkRejected, SinkUnavailable
from seamark.wire.positions import Position
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
_FINISH_SECONDS: Final = 5.0
"""How long an insert in flight may take once we are told to stop."""
_TEXT_LOST: Final = "refused for good; the error was lost with a restart"
_REASON_CHARS: Final = 1000


class Stopped(Exception):
    """Told to stop, and what was in flight did not end in time. It may be written or not."""


class Delivery:
    """Of one stream to one sink."""

    def __init__(
        self,
        signal: Signal,
        stream: str,
        *,
        sink: Sink,
        dead_letter_queue: DeadLetterQueue,
        index: DedupIndex,
        stop: asyncio.Event,
    ) -> None:
        self._signal = signal
        self._stream = stream
        self._sink = sink
        self._dead_letter_queue = dead_letter_queue
        self._index = index
        self._stop = stop
        self._labels = (sink.name, stream)
        self._deduped: tuple[str, DedupedBlock] = ("", DedupedBlock(()))
        self._attempted: Block | None = None
        self._offered = ""  # the token of the message whose frames are offered
        self._refused: dict[int, str] = {}  # its frames that were refused, and why
        self._failures: Counter[int] = Counter()  # tries of its frames that failed

    async def dedup(self, position: Position, messages: Sequence[NatsMessage]) -> DedupedBlock:
        """The messages without duplicates; the same on every try. Raises DedupIndexUnavailable."""
        token, deduped = self._deduped
        if token != position.token:
            deduped = await asyncio.to_thread(
                dedup_block, self._index, messages, signal=self._signal, position=position
            )
            self._deduped = position.token, deduped
        return deduped

    async def write(self, token: str, messages: Sequence[NatsMessage]) -> None:
        """One try to write a block. Raises SinkUnavailable, SinkRejected, Stopped."""
        await self._attempt(Block(self._signal, self._stream, token, messages))

    async def untouched(self) -> bool:
        """Whether the block that was last tried has left nothing in the sink; False if unknown."""
        try:
            return self._attempted is None or await self._sink.untouched(self._attempted)
        except SinkUnavailable:
            return False

    async def offer(
        self,
        token: str,
        message: NatsMessage,
        *,
        skipped: Callable[[], Awaitable[bool]] | None = None,
    ) -> list[int]:
        """Offer each frame of a refused message by itself; returns which are refused.

        All others are then written. A frame that fails again and again, though the sink is not
        away, is refused as well; so is one that fails at all when the message is to be `skipped`.
        Raises SinkUnavailable, Stopped: all may be offered again.
        """
        if token != self._offered:
            self._offered = token
            self._refused.clear()
            self._failures.clear()
        for frame, piece in enumerate(pieces_of(message)):
            if frame in self._refused:
                continue
            try:
                await self._attempt(self._of_frame(f"{token}/{frame}", piece, frame))
            except SinkRejected as error:
                self._refused[frame] = f"{error.reason}: {error}"[:_REASON_CHARS]
            except SinkUnavailable as error:
                self._failures[frame] += not error.reason.away
                given_up = gives_up_frame(error.reason, self._failures[frame])
                given_up = given_up or (skipped is not None and await skipped())
                if not given_up or not await self.untouched():
                    raise
                self._refused[frame] = f"{error.reason}: {error}"[:_REASON_CHARS]
        return list(self._refused)

    async def dead_letter(self, position: Position, message: NatsMessage) -> None:
        """Put the frames that `position` lists into the dead-letter stream, and give notice.

        Raises DeadLettersUnavailable, SinkUnavailable, Stopped: all of it may be done again.
        """
        pieces = pieces_of(message)
        for frame in position.frames or ():
            reason = self._refused.get(frame, _TEXT_LOST)
            name = f"{self._stream}:{message.sequence}:{frame}"
            await self._dead_letter_queue.dead_letter(
                self._sink.name, self._stream, pieces[frame], frame=frame, reason=reason
            )
            if self._sink.notices:
                notice = notice_of(pieces[frame], name=name, words=reason, signal=self._signal)
                token = f"{position.token}/{frame}/notice"
                await self._give_notice(token, pieces[frame], notice, frame)
            metrics.DEAD_LETTERED.labels(*self._labels).inc()
            logger.error(
                "a frame went to the dead letters",
                extra={"sink": self._sink.name, "frame": name, "reason": reason},
            )

    async def _give_notice(self, token: str, piece: NatsMessage, notice: bytes, frame: int) -> None:
        told = msgspec.structs.replace(piece, payload=notice)
        try:
            await self._attempt(self._of_frame(token, told, frame))
        except SinkRejected:  # only the dead letter is left then
            logger.exception("a notice of a dead letter was refused", extra={"token": token})

    def _of_frame(self, token: str, piece: NatsMessage, frame: int) -> Block:
        return Block(self._signal, self._stream, token, [piece], frame)

    async def _attempt(self, block: Block) -> None:
        if block.size_bytes == 0:
            return  # nothing was in those messages
        self._attempted = block
        task = asyncio.create_task(self._sink.write(block))
        stopping = asyncio.create_task(self._stop.wait())
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                await asyncio.wait({task}, timeout=_FINISH_SECONDS)
            if not task.done():
                raise Stopped(block.token)
            await task
        finally:
            metrics.INSERT_SECONDS.labels(self._sink.name).observe(loop.time() - started)
            for leftover in (task, stopping):
                leftover.cancel()
            await asyncio.gather(task, stopping, return_exceptions=True)
