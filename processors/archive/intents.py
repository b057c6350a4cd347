"""What is being merged now: one record, written by compare-and-set before anything is done.

Key `merge.archive` in the bucket of positions:

    {"merge": {"inputs": [...], "output": "..."} | null}

As for blocks, the record is both the fence and the recovery record: a process that finds a merge in
it finishes that one first, and a process whose compare-and-set fails leaves merging to the other.
Two that finish the same merge do no harm, because it has one name, one content and one token.
"""

from dataclasses import dataclass
from typing import Protocol

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient

from processors.archive.plan import Merge
from processors.blocks.positions import Fenced, PositionsUnavailable
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import MERGE_KEY


class _Record(msgspec.Struct, frozen=True):
    merge: Merge | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """The record as read or written; `merge` is None when nothing is being merged."""

    merge: Merge | None
    revision: int


class Intents(Protocol):
    """Where the record is kept."""

    async def read(self) -> Intent:
        """Raises PositionsUnavailable."""

    async def write(self, merge: Merge | None, *, revision: int) -> Intent:
        """Replace the record if it still has `revision`. Raises Fenced, PositionsUnavailable."""


class KvIntents:
    """The record in JetStream's key-value bucket of positions."""

    def __init__(self, client: NatsClient) -> None:
        self._jetstream = client.jetstream(timeout=5)

    async def read(self) -> Intent:
        """See `Intents.read`."""
        try:
            bucket = await self._jetstream.key_value(POSITIONS_BUCKET)
            entry = await bucket.get(MERGE_KEY)
            record = msgspec.json.decode(entry.value or b"", type=_Record)
        except nats.js.errors.KeyNotFoundError as error:
            return Intent(None, (error.entry.revision or 0) if error.entry else 0)
        except (nats.errors.Error, OSError, msgspec.DecodeError) as error:
            raise PositionsUnavailable(repr(error)) from error
        return Intent(record.merge, entry.revision or 0)

    async def write(self, merge: Merge | None, *, revision: int) -> Intent:
        """See `Intents.write`."""
        try:
            bucket = await self._jetstream.key_value(POSITIONS_BUCKET)
            written = await bucket.update(
                MERGE_KEY, msgspec.json.encode(_Record(merge)), last=revision
            )
        except nats.js.errors.KeyWrongLastSequenceError as error:
            raise Fenced(MERGE_KEY) from error
        except (nats.errors.Error, OSError) as error:
            raise PositionsUnavailable(repr(error)) from error
        return Intent(merge, written)
