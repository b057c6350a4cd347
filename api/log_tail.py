"""What is in the log and not in the store yet: how far a sink is behind, and one receipt in it.

Reads only, over the connection that the registry has. Every look is bounded: in messages, in bytes
and in what is inflated. `seamark.wire.positions` says what a sink records.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.client import JetStreamContext

from api.log_frames import Carried, carries
from api.questions.upstreams import LookedThrough
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import Position, position_key
from seamark.wire.signals import Signal, stream_name

MOST_MESSAGES: Final = 400
"""Messages looked through for one receipt, over all streams."""
MOST_BYTES: Final = 16 * 1024 * 1024
_AT_ONCE: Final = 16
_ASK_SECONDS: Final = 2.0
_FAILURES: Final = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)


class LogAway(Exception):
    """The log does not answer at the moment."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What a sink has not done of a stream: sequences above `done`, up to `last`."""

    signal: Signal
    stream: str
    done: int
    last: int

    @property
    def messages(self) -> int:
        """How many, at most."""
        return max(self.last - self.done, 0)


class LogTail:
    """Use it once `connect` was called; before that, and when NATS is away, LogAway is raised."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._jetstream: JetStreamContext | None = None

    def connect(self, client: NatsClient) -> None:
        """Ask over this connection from now on."""
        self._jetstream = client.jetstream(timeout=_ASK_SECONDS)

    async def behind(self, sink: str) -> list[Behind]:
        """Every stream and how far the sink is with it. Raises LogAway."""
        jetstream = self._asked()
        try:
            bucket = await jetstream.key_value(POSITIONS_BUCKET)

            async def of(signal: Signal, partition: int) -> Behind | None:
                stream = stream_name(signal, partition)
                try:
                    info = await jetstream.stream_info(stream)
                except nats.js.errors.NotFoundError:
                    return None
                try:
                    entry = await bucket.get(position_key(sink, stream))
                    done = msgspec.json.decode(entry.value or b"", type=Position).done
                except nats.js.errors.KeyNotFoundError:
                    done = 0
                # what the log has dropped is not waited for
                done = max(done, info.state.first_seq - 1)
                return Behind(signal, stream, done, info.state.last_seq)

            found = await asyncio.gather(
                *(of(signal, p) for signal in Signal for p in range(self._partitions))
            )
        except (*_FAILURES, msgspec.MsgspecError) as error:
            raise LogAway(repr(error)) from error
        return [behind for behind in found if behind is not None]

    async def settled_ms(self, sink: str, *, now_ms: int) -> int:
        """Everything the log took before this instant (its own clock) is done. Raises LogAway."""
        waiting = [behind for behind in await self.behind(sink) if behind.messages]
        try:
            oldest = await asyncio.gather(*(self._stored_ms(behind) for behind in waiting))
        except _FAILURES as error:
            raise LogAway(repr(error)) from error
        return min([now_ms, *(at_ms for at_ms in oldest if at_ms is not None)])

    async def find(self, *, org: str, app: str, receipt: str) -> LookedThrough:
        """Look for a receipt in what `rows` has not stored. `app` empty: any. Raises LogAway."""
        waiting = [behind for behind in await self.behind("rows") if behind.messages]
        wanted = [
            (behind, sequence)
            for behind in waiting
            for sequence in range(behind.done + 1, behind.last + 1)[-MOST_MESSAGES:]
        ]
        # the newest first: a receipt that is asked for was given a moment ago
        wanted.sort(key=lambda item: item[0].last - item[1])
        whole = len(wanted) <= MOST_MESSAGES and all(b.messages <= MOST_MESSAGES for b in waiting)
        found: list[tuple[Signal, Carried]] = []
        room = MOST_BYTES
        for start in range(0, min(len(wanted), MOST_MESSAGES), _AT_ONCE):
            for behind, message in await self._messages(wanted[start : start + _AT_ONCE]):
                room -= len(message[1])
                found += [
                    (behind.signal, carried)
                    for carried in await asyncio.to_thread(carries, *message, receipt=receipt)
                    if carried.org == org and app in ("", carried.app)
                ]
            if room <= 0:
                return LookedThrough(found, whole=False)
        return LookedThrough(found, whole=whole)

    async def _messages(
        self, wanted: Sequence[tuple[Behind, int]]
    ) -> list[tuple[Behind, tuple[str, bytes]]]:
        jetstream = self._asked()

        async def get(behind: Behind, sequence: int) -> tuple[Behind, tuple[str, bytes]] | None:
            try:
                message = await jetstream.get_msg(behind.stream, sequence, direct=True)
            except nats.js.errors.NotFoundError:
                return None  # a gap in the log
            frames = (message.headers or {}).get("Seamark-Frames", "")
            return behind, (frames, message.data or b"")

        try:
            found = await asyncio.gather(*(get(*item) for item in wanted))
        except _FAILURES as error:
            raise LogAway(repr(error)) from error
        return [item for item in found if item is not None]

    async def _stored_ms(self, behind: Behind) -> int | None:
        """The log's time of the first message that waits; None: it is gone."""
        try:
            message = await self._asked().get_msg(
                behind.stream, behind.done + 1, subject=">", next=True, direct=True
            )
        except nats.js.errors.NotFoundError:
            return None
        return int(message.time.timestamp() * 1000) if message.time else None

    def _asked(self) -> JetStreamContext:
        if self._jetstream is None:
            raise LogAway("not connected yet")
        return self._jetstream
