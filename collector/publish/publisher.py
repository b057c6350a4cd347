"""Publishes frames to the log; returns only once JetStream has acknowledged them.

One lane per stream, one message in flight per lane: order is kept, and what arrives during an fsync
is joined into the next message. A message is sent again under the same `Nats-Msg-Id` until it is
acknowledged (`duplicate` is success) or until every caller's deadline has passed.

Not `js.publish_async`: in nats-py 2.16 a server error never reaches its future (nats.py #985). Not
`js.publish`: its cost per call; here one subscription serves all lanes.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Final, Protocol

import msgspec
from nats.aio.client import Client as NatsClient
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from collector.publish.lane import Lane, Waiting
from seamark.service.health import Health
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.frames import HEADER, WEIGHT_HEADER, Frame, frames_header
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal, stream_name, subject

logger = logging.getLogger(__name__)
_LOG_FULL: Final = 10077
_HEADER_ROOM: Final = 64 * 1024
_FIRST_BACKOFF: Final = 0.05
_LONGEST_BACKOFF: Final = 1.0


class _Error(msgspec.Struct, frozen=True):
    code: int
    err_code: int = 0
    description: str = ""


class _PubAck(msgspec.Struct, frozen=True):
    stream: str = ""
    seq: int = 0
    duplicate: bool = False
    error: _Error | None = None


_decode_ack: Final = msgspec.json.Decoder(_PubAck).decode
_Item = Waiting[asyncio.Future[None]]


class Observer(Protocol):
    """Told what was sent, for own metrics."""

    def sent(self, signal: Signal, frames: int, size: int, seconds: float) -> None:
        """A message was acknowledged."""

    def failed_attempt(self, signal: Signal, reason: str) -> None:
        """A message was not acknowledged and will be sent again, or given up."""


class Publisher:
    """Appends frames to the streams of every signal.

    `attempt_seconds`: how long one attempt waits for its acknowledgement; `append_seconds`: how
    long a caller waits in all; `pending_bytes`: frames held in memory, beyond which `append`
    refuses at once; `join_bytes`: size up to which frames share a message.
    """

    def __init__(
        self,
        client: NatsClient,
        *,
        partitions: int,
        health: Health,
        observer: Observer | None = None,
        attempt_seconds: float = 2.0,
        append_seconds: float = 5.0,
        pending_bytes: int = 64 * 1024 * 1024,
        join_bytes: int = 256 * 1024,
    ) -> None:
        self._client = client
        self._health = health
        self._observer = observer
        self._attempt_seconds = attempt_seconds
        self._append_seconds = append_seconds
        self._pending_limit = pending_bytes
        self._pending = 0
        self._inbox = ""
        self._acks: dict[str, asyncio.Future[Msg]] = {}
        self._serial = 0
        self._closing = False
        self._lanes = {
            (signal, partition): Lane[asyncio.Future[None]](join_bytes)
            for signal in Signal
            for partition in range(partitions)
        }
        self._wake = {key: asyncio.Event() for key in self._lanes}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Subscribe for acknowledgements and start the lanes."""
        self._inbox = self._client.new_inbox()
        await self._client.subscribe(f"{self._inbox}.*", cb=self._acknowledged)
        self._tasks = [
            asyncio.create_task(self._run(signal, partition), name=f"lane-{signal}-{partition}")
            for signal, partition in self._lanes
        ]

    async def stop(self) -> None:
        """Send what is waiting, as long as its callers wait, then stop."""
        self._closing = True
        for wake in self._wake.values():
            wake.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def append(
        self,
        signal: Signal,
        partition: int,
        frame: bytes,
        *,
        receipt: str = "",
        event_ids: bool = False,
        weight: int,
    ) -> None:
        """Append one frame; returns when the log has acknowledged it.

        `receipt` is that of a batch that carries a `batchId`, else ""; `event_ids`: some of its
        events have ids; `weight` is the frame's `weight_of`.
        Raises Unavailable when the log is away, full, or slower than the deadline (the frame may
        then still be stored: a retry with the same batchId is dropped behind the log), and
        Rejected when the frame exceeds what one log message may hold.
        """
        size = len(frame)
        if size + _HEADER_ROOM > self._client.max_payload:
            raise Rejected(
                Reason.TOO_LARGE,
                f"this batch is {size} bytes in the log; the limit is "
                f"{self._client.max_payload - _HEADER_ROOM}; send smaller batches",
            )
        if self._closing or self._pending + size > self._pending_limit:
            raise Unavailable("the log is slower than what arrives; send again", retry_after=1.0)
        self._pending += size
        future = asyncio.get_running_loop().create_future()
        try:
            deadline = time.monotonic() + self._append_seconds
            key = (signal, partition)
            identity = Frame(size, receipt, event_ids)
            self._lanes[key].waiting.append(Waiting(frame, identity, weight, deadline, future))
            self._wake[key].set()
            await future
        finally:
            self._pending -= size

    async def _run(self, signal: Signal, partition: int) -> None:
        lane, wake = self._lanes[signal, partition], self._wake[signal, partition]
        while True:
            if not lane.waiting:
                if self._closing:
                    return
                wake.clear()
                await wake.wait()
                continue
            taken = [item for item in lane.take() if not item.waiter.done()]
            if not taken:  # their callers went away before anything was sent
                continue
            try:
                await self._send(signal, partition, taken)
            except Unavailable as failure:
                self._health.down("log", failure.message)
                for item in taken:
                    if not item.waiter.done():
                        item.waiter.set_exception(
                            Unavailable(failure.message, retry_after=failure.retry_after)
                        )
            else:
                self._health.up("log")
                for item in taken:
                    if not item.waiter.done():
                        item.waiter.set_result(None)

    async def _send(self, signal: Signal, partition: int, items: list[_Item]) -> None:
        """Send one message until it is acknowledged. Raises Unavailable past every deadline."""
        payload = items[0].frame if len(items) == 1 else b"".join([i.frame for i in items])
        weight = sum([item.weight for item in items])
        headers = {"Nats-Msg-Id": secrets.token_hex(12), WEIGHT_HEADER: str(weight)}
        if (listed := frames_header([item.identity for item in items])) is not None:
            headers[HEADER] = listed
        deadline = max(item.deadline for item in items)
        backoff = _FIRST_BACKOFF
        started = time.monotonic()
        while True:
            problem = await self._attempt(subject(signal, partition), payload, headers, deadline)
            now = time.monotonic()
            if problem is None:
                if self._observer is not None:
                    self._observer.sent(signal, len(items), len(payload), now - started)
                return
            if self._observer is not None:
                self._observer.failed_attempt(signal, problem.reason)
            if problem.final or now + backoff >= deadline:
                name = stream_name(signal, partition)
                logger.warning("not acknowledged", extra={"stream": name, "why": problem.text})
                raise Unavailable(f"the log cannot take it: {problem.text}", retry_after=2.0)
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, _LONGEST_BACKOFF)

    async def _attempt(
        self, to: str, payload: bytes, headers: Mapping[str, str], deadline: float
    ) -> "_Problem | None":
        if not self._client.is_connected:  # never into the client's own buffer: it sends later
            return _Problem("disconnected", "it is not connected")
        self._serial += 1
        reply = f"{self._inbox}.{self._serial}"
        future = self._acks[reply] = asyncio.get_running_loop().create_future()
        try:
            await self._client.publish(to, payload, reply=reply, headers=dict(headers))
            seconds = min(self._attempt_seconds, max(deadline - time.monotonic(), 0.01))
            async with asyncio.timeout(seconds):
                message = await future
        except TimeoutError:
            return _Problem("timeout", "it did not acknowledge in time")
        except NatsError as error:
            return _Problem("client", str(error) or type(error).__name__)
        finally:
            self._acks.pop(reply, None)
        if not message.data:  # 503: nothing listens on this subject
            return _Problem("no_stream", "its stream is not there")
        ack = _decode_ack(message.data)
        if ack.error is None:
            return None
        full = ack.error.err_code == _LOG_FULL
        return _Problem("full" if full else "server", ack.error.description, final=full)

    async def _acknowledged(self, message: Msg) -> None:
        future = self._acks.get(message.subject)
        if future is not None and not future.done():
            future.set_result(message)


class _Problem(msgspec.Struct, frozen=True):
    reason: str
    text: str
    final: bool = False
