"""Pausing a sink: it finishes its block, records that, and waits while its log goes on filling.

A process that copies the store writes the lease `pause.<sink>` into the bucket of positions and
renews it (`seamark.recovery.positions`). If that process dies, the sink goes on when the lease
ends; deleting the lease ends the pause at once. The proof that nothing was written meanwhile is not
this record but the positions' own revisions, which do not change while a sink waits.
"""

import asyncio
import time
from typing import Final, Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import PauseLease, pause_key

POLL_SECONDS: Final = 0.5
"""How soon a sink notices that a pause begins or ends."""


class Pauses(Protocol):
    """Whether a sink is to wait."""

    async def until_ms(self) -> int:
        """Until when, by the wall clock; 0: it is not paused. Never raises."""


class NeverPaused:
    """A sink that is not paused."""

    async def until_ms(self) -> int:
        """See `Pauses.until_ms`."""
        return 0


class KvPauses:
    """The lease of one sink. All streams of a process share one object, and its one read."""

    def __init__(self, client: NatsClient, sink: str) -> None:
        self._jetstream = client.jetstream(timeout=2)
        self._key = pause_key(sink)
        self._bucket: KeyValue | None = None
        self._lock = asyncio.Lock()
        self._until_ms = 0
        self._read_at = 0.0

    async def until_ms(self) -> int:
        """See `Pauses.until_ms`. While the log is away, what was last known."""
        async with self._lock:
            now = time.monotonic()
            if now - self._read_at >= POLL_SECONDS / 2:
                self._until_ms = await self._read()
                self._read_at = time.monotonic()
        return self._until_ms if self._until_ms > time.time() * 1000 else 0

    async def _read(self) -> int:
        try:
            if self._bucket is None:
                self._bucket = await self._jetstream.key_value(POSITIONS_BUCKET)
            entry = await self._bucket.get(self._key)
            return msgspec.json.decode(entry.value or b"", type=PauseLease).until_ms
        except (nats.js.errors.NotFoundError, nats.js.errors.KeyNotFoundError, msgspec.DecodeError):
            return 0
        except (nats.errors.Error, OSError):
            return self._until_ms
