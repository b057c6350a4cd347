"""Giving up what is refused of one message, because an operator has told to.

`seamark deadletters skip` writes `skip.<sink>.<stream>` into the bucket of positions: a message by
its sequence and server time. Frames of it that the sink does not take at its next try go to the
dead letters at once, whatever the reason and the limit. A record that is left behind says nothing
about any other message.
"""

from typing import Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import SkipRecord, skip_key


class Skips(Protocol):
    """Which message of a stream is to be given up."""

    async def of(self, stream: str) -> SkipRecord | None:
        """The one that was named last; None: none ever was. Never raises."""


class NoSkips:
    """Nothing is ever given up before its time."""

    async def of(self, stream: str) -> SkipRecord | None:  # noqa: ARG002  # the protocol's
        """See `Skips.of`."""
        return None


class KvSkips:
    """The records of one sink. Read only when a block failed."""

    def __init__(self, client: NatsClient, sink: str) -> None:
        self._jetstream = client.jetstream(timeout=2)
        self._sink = sink
        self._bucket: KeyValue | None = None

    async def of(self, stream: str) -> SkipRecord | None:
        """See `Skips.of`. None while the log is away."""
        try:
            if self._bucket is None:
                self._bucket = await self._jetstream.key_value(POSITIONS_BUCKET)
            entry = await self._bucket.get(skip_key(self._sink, stream))
            return msgspec.json.decode(entry.value or b"", type=SkipRecord)
        except (nats.errors.Error, OSError, msgspec.DecodeError):
            return None
