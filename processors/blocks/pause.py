"""Holding a sink: it finishes its block, records that, and waits, while its log goes on filling.

    bucket SEAMARK_POSITIONS
      hold.<sink>   {"until_ms": 1795316640123}

Whoever copies the store writes the record and renews it (`seamark.recovery.hold`). It is a lease:
a holder that died stops nobody for longer than it had asked for, and deleting the record ends it at
once. What proves that nothing was written meanwhile is not this record but the positions' own
revisions, which do not move while a sink waits.
"""

import asyncio
import time
from typing import Final, Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from processors.blocks.positions import BUCKET

POLL_SECONDS: Final = 0.5
"""How soon a sink notices a hold, and its end."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """The record: the sink waits until then, in milliseconds since the epoch."""

    until_ms: int


class Hold(Protocol):
    """Whether a sink is to wait."""

    async def until_ms(self) -> int:
        """Until when, by the wall clock; 0: it is not held. Never raises."""


class NoHold:
    """A sink that nobody holds."""

    async def until_ms(self) -> int:
        """See `Hold.until_ms`."""
        return 0


class KvHold:
    """The record of one sink. All streams of a process share one, and one look at it."""

    def __init__(self, client: NatsClient, sink: str) -> None:
        self._jetstream = client.jetstream(timeout=2)
        self._key = key_of(sink)
        self._bucket: KeyValue | None = None
        self._lock = asyncio.Lock()
        self._until_ms = 0
        self._looked = 0.0

    async def until_ms(self) -> int:
        """See `Hold.until_ms`. While the log is away, what was last known."""
        async with self._lock:
            now = time.monotonic()
            if now - self._looked >= POLL_SECONDS / 2:
                self._until_ms = await self._read()
                self._looked = time.monotonic()
        return self._until_ms if self._until_ms > time.time() * 1000 else 0

    async def _read(self) -> int:
        try:
            if self._bucket is None:
                self._bucket = await self._jetstream.key_value(BUCKET)
            entry = await self._bucket.get(self._key)
            return msgspec.json.decode(entry.value or b"", type=Lease).until_ms
        except (nats.js.errors.NotFoundError, nats.js.errors.KeyNotFoundError, msgspec.DecodeError):
            return 0
        except (nats.errors.Error, OSError):
            return self._until_ms


def key_of(sink: str) -> str:
    """The record's key in the bucket of positions."""
    return f"hold.{sink}"
