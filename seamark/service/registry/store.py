"""Writing records: each write names the revision that it was made from, and loses against another.

Reads here ask the leader of the bucket's stream, so a record and its revision are never old.
"""

from dataclasses import dataclass

import msgspec
import nats.errors
from nats.aio.client import Client as NatsClient
from nats.js.errors import APIError, KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

from seamark.service.registry.records import Record, UnreadableRecord, read_record, record_key
from seamark.wire.buckets import CONFIG_BUCKET

_WRONG_REVISION = (10071, 10164)


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies under a key: no record where there never was one, or where it was deleted."""

    record: Record | None
    revision: int


class Conflict(Exception):
    """Another write came first. `current` is what it left: no record when it deleted it."""

    def __init__(self, key: str, current: Stored) -> None:
        super().__init__(f"{key} is at revision {current.revision}")
        self.key = key
        self.current = current


class RecordsUnavailable(Exception):
    """The bucket cannot be read or written now; of a write it may be unknown whether it was."""


class RecordStore:
    """Records in the bucket, by compare-and-set."""

    def __init__(self, bucket: KeyValue) -> None:
        self._bucket = bucket

    @classmethod
    async def open(cls, client: NatsClient) -> "RecordStore":
        """The bucket of a log. Raises RecordsUnavailable."""
        try:
            return cls(await client.jetstream(timeout=2).key_value(CONFIG_BUCKET))
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise RecordsUnavailable(repr(error)) from error

    async def read(self, key: str) -> Stored:
        """What lies under a key. Raises RecordsUnavailable, UnreadableRecord."""
        value, revision = await self._raw(key)
        return Stored(None if value is None else read_record(key, value), revision)

    async def create(self, record: Record) -> int:
        """Write a record where there is none; its revision.

        Raises Conflict when there is one, the same one included, RecordsUnavailable,
        UnreadableRecord (what lies there), ValueError for what could not be read again.
        """
        key, value = _written(record)
        there, revision = await self._raw(key)
        if there is None:
            return await self._write(key, value, revision=revision)
        raise Conflict(key, Stored(read_record(key, there), revision))

    async def create_first(self, record: Record) -> bool:
        """Write a record where there never was one; whether it was written.

        One that was deleted stays deleted. Raises RecordsUnavailable, ValueError.
        """
        key, value = _written(record)
        try:
            await self._write(key, value, revision=0)
        except (Conflict, UnreadableRecord):
            return False
        return True

    async def update(self, record: Record, *, revision: int) -> int:
        """Replace the record of that revision; the new revision.

        Raises Conflict, RecordsUnavailable, ValueError, UnreadableRecord (what lies there now).
        """
        key, value = _written(record)
        return await self._write(key, value, revision=revision)

    async def delete(self, key: str, *, revision: int) -> int:
        """Delete the record of that revision, if it is there; the revision of the deletion.

        Raises Conflict, RecordsUnavailable, UnreadableRecord (what lies there now).
        """
        try:
            await self._bucket.delete(key, last=revision)
        except APIError as error:
            if error.err_code not in _WRONG_REVISION:
                raise RecordsUnavailable(repr(error)) from error
        except (nats.errors.Error, OSError, TimeoutError):
            pass  # it may have been done all the same
        current = await self.read(key)
        if current.record is None:
            return current.revision
        if current.revision == revision:
            raise RecordsUnavailable(f"{key} was not deleted")
        raise Conflict(key, current)

    async def _write(self, key: str, value: bytes, *, revision: int) -> int:
        certain = False
        try:
            return await self._bucket.update(key, value, last=revision)
        except KeyWrongLastSequenceError:
            certain = True
        except APIError as error:
            raise RecordsUnavailable(repr(error)) from error
        except (nats.errors.Error, OSError, TimeoutError):
            pass  # it may have been done all the same
        there, current = await self._raw(key)
        if there == value and not certain:
            return current
        if current == revision:
            raise RecordsUnavailable(f"{key} was not written")
        record = None if there is None else read_record(key, there)
        raise Conflict(key, Stored(record, current))

    async def _raw(self, key: str) -> tuple[bytes | None, int]:
        try:
            entry = await self._bucket.get(key)
        except KeyNotFoundError as error:  # a deleted key keeps its revision
            return None, (error.entry.revision or 0) if error.entry else 0
        except (nats.errors.Error, OSError, TimeoutError) as error:
            raise RecordsUnavailable(repr(error)) from error
        return entry.value or b"", entry.revision or 0


def _written(record: Record) -> tuple[str, bytes]:
    """Where and as what a record is written. Raises ValueError when it could not be read again."""
    key, value = record_key(record), msgspec.json.encode(record)
    try:
        read_record(key, value)
    except UnreadableRecord as error:
        raise ValueError(str(error)) from None
    return key, value


async def put_record(bucket: KeyValue, record: Record) -> None:
    """Write a record under its key, replacing what was there."""
    await bucket.put(record_key(record), msgspec.json.encode(record))
