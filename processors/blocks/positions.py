"""Positions: one record per (sink, stream), written by compare-and-set. This is the fence.

The record is `seamark.wire.positions.Position`.

A reader holds the revision it last saw. A write on an older one raises `Fenced` and has lost
the stream. Deleting a record makes the sink start again at the stream's first message: that is
how an operator answers `LogRegressed`.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import Position


class Fenced(Exception):
    """Someone else has written the record since we read it: the stream is theirs."""


class PositionsUnavailable(Exception):
    """The record cannot be read or written now, or it is unknown whether it was."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record as read, or as written by us; `revision` 0 and no position: there is none yet."""

    position: Position | None
    revision: int


class Positions(Protocol):
    """Where positions are kept."""

    async def read(self, key: str) -> Recorded:
        """The record. Raises PositionsUnavailable."""

    async def write(self, key: str, position: Position, *, revision: int) -> Recorded:
        """Replace the record if it still has `revision`; durable on return.

        Raises Fenced, or PositionsUnavailable, after which the record may hold either.
        """


class KvPositions:
    """Positions in JetStream's key-value bucket."""

    def __init__(self, client: NatsClient) -> None:
        self._jetstream = client.jetstream(timeout=5)
        self._bucket: KeyValue | None = None

    async def read(self, key: str) -> Recorded:
        """See `Positions.read`."""
        try:
            entry = await (await self._open()).get(key)
        except nats.js.errors.KeyNotFoundError as error:
            # A deleted key keeps its revision, which the next write has to name.
            return Recorded(None, (error.entry.revision or 0) if error.entry else 0)
        except (nats.errors.Error, OSError) as error:
            raise PositionsUnavailable(repr(error)) from error
        try:
            position = msgspec.json.decode(entry.value or b"", type=Position)
        except msgspec.DecodeError as error:
            raise PositionsUnavailable(f"unreadable record {key}: {error}") from error
        return Recorded(position, entry.revision or 0)

    async def write(self, key: str, position: Position, *, revision: int) -> Recorded:
        """See `Positions.write`."""
        try:
            bucket = await self._open()
            written = await bucket.update(key, msgspec.json.encode(position), last=revision)
        except nats.js.errors.KeyWrongLastSequenceError as error:
            raise Fenced(key) from error
        except (nats.errors.Error, OSError) as error:
            raise PositionsUnavailable(repr(error)) from error
        return Recorded(position, written)

    async def _open(self) -> KeyValue:
        if self._bucket is None:
            try:
                self._bucket = await self._jetstream.key_value(POSITIONS_BUCKET)
            except nats.js.errors.NotFoundError as error:
                raise PositionsUnavailable(
                    f"bucket {POSITIONS_BUCKET} does not exist yet"
                ) from error
        return self._bucket
