"""What a replay has begun and not finished, in the bucket of positions; so a killed one goes on.

    replay.fresh   {"id": "…", "files": {"signal=…/part-….parquet": 20, …}, "done": […]}   deflated
    replay.live    {"token": "…", "steps": ["INSERT …", …]}               deflated
    replay.rebuilt {"done": {"SEAMARK_events_0": 4711, …}}                deflated

The first two are written before what they announce is done, and deleted when all of it is. The
third stays: up to which sequences the ledger of a rebuilt store is from the archive's footers, and
its receipts therefore are not there.
"""

import zlib
from typing import TypeVar

import msgspec
import nats.js.errors
from nats.js.kv import KeyValue

_T = TypeVar("_T", bound=msgspec.Struct)


class Fresh(msgspec.Struct, kw_only=True):
    """A replay into fresh tables: what was asked for, its files with their rows, those that are in.

    The files are settled when it is begun: what the archive writes after that, rows writes as well.
    """

    id: str
    files: dict[str, int]
    done: list[str]


class Live(msgspec.Struct, frozen=True, kw_only=True):
    """One chunk of a replay into live tables: statements to be carried out under one token."""

    token: str
    steps: list[str]


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """The last sequence of each stream that came from the archive when the store was rebuilt."""

    done: dict[str, int]


async def read(bucket: KeyValue, kind: type[_T]) -> _T | None:
    """The record, or None."""
    try:
        entry = await bucket.get(_key(kind))
    except nats.js.errors.KeyNotFoundError:
        return None
    return msgspec.json.decode(zlib.decompress(entry.value or b""), type=kind)


async def write(bucket: KeyValue, record: msgspec.Struct) -> None:
    """Keep the record; durable on return."""
    await bucket.put(_key(type(record)), zlib.compress(msgspec.json.encode(record)))


async def clear(bucket: KeyValue, kind: type[msgspec.Struct]) -> None:
    """There is nothing unfinished any more."""
    await bucket.delete(_key(kind))


def _key(kind: type[msgspec.Struct]) -> str:
    return f"replay.{kind.__name__.lower()}"
