"""Publishes frames to the log; returns only once they are durable: in the log, or in the spool.

One `StreamPublisher` for each stream does the work. Without a spool, or when that is full, a frame
waits for the log until its deadline and is then refused (Unavailable).
"""

import asyncio
import logging
import secrets
import time
from typing import Final

from nats.aio.client import Client as NatsClient
from nats.errors import Error as NatsError

from collector.log import DurabilityCheck, LogFrame
from collector.publish.ack_client import AckClient
from collector.publish.continuity import Continuity
from collector.publish.frame_queue import Waiting
from collector.publish.stream_publisher import PublisherContext, PublishObserver, StreamPublisher
from collector.spool.record import Key
from collector.spool.spool import Spool
from seamark.service.health import Health
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.frames import Frame
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal, stream_name

logger = logging.getLogger(__name__)
_HEADER_ROOM: Final = 64 * 1024


class Publisher:
    """Appends frames to the streams of every signal.

    `attempt_seconds`: how long one attempt waits for its acknowledgement; `append_seconds`: how
    long a caller waits in all; `spool_after_seconds`: how long for the log, where there is a
    `spool`; `pending_bytes`: frames held in memory, beyond which `append` refuses at once;
    `join_bytes`: size up to which frames share a message; `durability`: what is acknowledged
    while it names a problem does not count; `continuity`: a stream it has something against is
    sent nothing.
    """

    def __init__(
        self,
        client: NatsClient,
        *,
        partitions: int,
        health: Health,
        observer: PublishObserver | None = None,
        spool: Spool | None = None,
        durability: DurabilityCheck | None = None,
        continuity: Continuity | None = None,
        attempt_seconds: float = 2.0,
        append_seconds: float = 5.0,
        spool_after_seconds: float = 1.0,
        pending_bytes: int = 64 * 1024 * 1024,
        join_bytes: int = 256 * 1024,
    ) -> None:
        self._ack_client = AckClient(client, durability=durability, continuity=continuity)
        self._context = PublisherContext(
            ack_client=self._ack_client,
            health=health,
            observer=observer,
            spool=spool,
            publisher_id=secrets.token_hex(6),
            attempt_seconds=attempt_seconds,
            spool_after_seconds=spool_after_seconds,
            join_bytes=join_bytes,
        )
        self._keys = [(signal, partition) for signal in Signal for partition in range(partitions)]
        self._append_seconds = append_seconds
        self._pending_limit = pending_bytes
        self._pending = 0
        self._closing = False
        self._publishers: dict[Key, StreamPublisher] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Subscribe for acknowledgements, and start to publish and to drain an opened spool."""
        await self._ack_client.start()
        ends = [0] * len(self._keys)
        if self._context.spool is not None:
            ends = await asyncio.gather(*map(self._end, self._keys))
        for key, end in zip(self._keys, ends, strict=True):
            publisher = self._publishers[key] = StreamPublisher(key, self._context, end=end)
            name = f"publisher-{key[0]}-{key[1]}"
            self._tasks.append(asyncio.create_task(publisher.run(), name=name))

    async def _end(self, key: Key) -> int:
        """The last sequence of a stream now. 0 when unknown, which makes look-ups longer."""
        js = self._ack_client.jetstream()
        try:
            return (await js.stream_info(stream_name(*key))).state.last_seq if js else 0
        except (NatsError, TimeoutError):
            logger.info("end of stream unknown", extra={"stream": stream_name(*key)})
            return 0

    async def stop(self) -> None:
        """Send or spool what is waiting, as long as its callers wait, then stop.

        A drain is cut off where it is: the next owner of the spool looks up what it had sent.
        """
        self._closing = True
        for publisher in self._publishers.values():
            publisher.close()
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=self._append_seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def frame_bytes(self) -> int:
        """The largest frame that a message of the server holds beside its headers."""
        return self._ack_client.max_payload - _HEADER_ROOM

    async def append(self, frame: LogFrame) -> None:
        """Append one frame; returns when it is durable: the log has acknowledged it, or it is
        synced to the spool, from where the log gets it later, once, and in its turn.

        Raises Unavailable when the log is away, full, or slower than the deadline and the spool
        cannot take it, or its org's share of the spool is used up (the frame may then still be
        stored: a retry with the same batchId is dropped behind the log), and Rejected when the
        frame exceeds what one log message may hold.
        """
        size = len(frame.data)
        if size > self.frame_bytes:
            raise Rejected(
                Reason.TOO_LARGE,
                f"this batch is {size} bytes in the log; the limit is {self.frame_bytes}; send "
                "smaller batches",
            )
        if self._closing or self._pending + size > self._pending_limit:
            raise Unavailable("the log is slower than what arrives; send again", retry_after=1.0)
        if self._context.spool is not None and frame.org:
            self._context.spool.check_share(frame.org, size)
        self._pending += size
        future = asyncio.get_running_loop().create_future()
        try:
            deadline = time.monotonic() + self._append_seconds
            identity = Frame(size, frame.receipt, frame.event_ids, frame.digest)
            self._publishers[frame.signal, frame.partition].put(
                Waiting(frame.data, identity, frame.weight, deadline, future)
            )
            await future
        finally:
            self._pending -= size
