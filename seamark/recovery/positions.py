"""Every sink's position in every stream, what the log holds, and pausing the sinks."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from processors.blocks.pause import POLL_SECONDS
from seamark.recovery.stack import RecoveryError
from seamark.recovery.store import listed
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import PauseLease, Position, pause_key, position_key

logger = logging.getLogger(__name__)
SINKS: Final = ("rows", "archive")
LEASE_SECONDS: Final = 60.0
_RENEW_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1
_CONNECT_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class PositionRecord:
    """One position as the bucket has it."""

    sink: str
    stream: str
    position: Position
    revision: int

    @property
    def key(self) -> str:
        return position_key(self.sink, self.stream)

    @property
    def whole(self) -> bool:
        """Whether no block is on its way."""
        return self.position.end == self.position.done


@asynccontextmanager
async def open_log(settings: LogSettings) -> AsyncIterator[NatsClient]:
    """A connection for as long as the context lasts. Raises RecoveryError when there is none."""
    logging.getLogger("nats.aio.client").setLevel(logging.CRITICAL)
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            client = await connect_log(settings, name="seamark recovery")
    except (TimeoutError, OSError, nats.errors.Error) as error:
        raise RecoveryError(f"the log at {settings.url} does not answer: {error!r}") from error
    try:
        yield client
    finally:
        await client.close()


async def bucket_of(client: NatsClient, name: str = POSITIONS_BUCKET) -> KeyValue:
    """A key-value bucket. Raises RecoveryError when it does not exist."""
    try:
        return await client.jetstream(timeout=10).key_value(name)
    except nats.js.errors.NotFoundError as error:
        raise RecoveryError(f"the log has no bucket {name}: has provisioning run there?") from error


async def entries(bucket: KeyValue) -> dict[str, tuple[bytes, int]]:
    """Every key that is not deleted, with its value and revision."""
    found: dict[str, tuple[bytes, int]] = {}
    watcher = await bucket.watchall()
    try:
        async for entry in watcher:
            if entry is None:
                break
            if not entry.operation:
                found[entry.key] = (entry.value or b"", entry.revision or 0)
    finally:
        await watcher.stop()  # type: ignore[no-untyped-call]  # nats-py's
    return found


async def read_records(bucket: KeyValue) -> list[PositionRecord]:
    """Every position, sorted. Raises RecoveryError on one that cannot be read."""
    records = []
    for key, (value, revision) in sorted((await entries(bucket)).items()):
        sink, _, stream = key.partition(".")
        if sink == "pause" or not stream.startswith("SEAMARK_"):
            continue
        try:
            position = msgspec.json.decode(value, type=Position)
        except msgspec.DecodeError as error:
            raise RecoveryError(f"the position {key} is unreadable: {error}") from error
        records.append(PositionRecord(sink, stream, position, revision))
    return records


class PausedSinks:
    """The sinks are paused; `proof` is their positions once no block was being written."""

    def __init__(self, bucket: KeyValue, proof: Sequence[PositionRecord]) -> None:
        self._bucket = bucket
        self.proof = proof

    async def unmoved(self) -> bool:
        """Whether no position has changed since: the sinks wrote nothing to the store."""
        return list(self.proof) == await read_records(self._bucket)


@asynccontextmanager
async def paused(
    bucket: KeyValue, *, sinks: Sequence[str] = SINKS, patience_seconds: float = 60.0
) -> AsyncIterator[PausedSinks]:
    """Pause the sinks for as long as the context lasts, each at the end of a block.

    Raises RecoveryError naming the streams whose block is not finished in time. If this process
    dies, the sinks go on when the lease ends.
    """

    async def lease() -> None:
        until_ms = int((time.time() + LEASE_SECONDS) * 1000)
        for sink in sinks:
            await bucket.put(pause_key(sink), msgspec.json.encode(PauseLease(until_ms=until_ms)))

    async def renew() -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                await lease()
            except (nats.errors.Error, OSError) as error:
                logger.warning("the pause is not renewed", extra={"error": repr(error)})

    await lease()
    renewing = asyncio.create_task(renew(), name="renew the pause")
    try:
        yield PausedSinks(bucket, await _at_rest(bucket, sinks, patience_seconds))
    finally:
        renewing.cancel()
        await asyncio.gather(renewing, return_exceptions=True)
        for sink in sinks:
            await bucket.delete(pause_key(sink))


async def _at_rest(bucket: KeyValue, sinks: Sequence[str], patience: float) -> list[PositionRecord]:
    """Wait until the sinks have noticed the pause and no block is being written."""
    until = time.monotonic() + patience
    still_since = time.monotonic()
    before: list[PositionRecord] = []
    while True:
        records = await read_records(bucket)
        now = time.monotonic()
        if records != before:
            before, still_since = records, now
        unfinished = [r.key for r in records if r.sink in sinks and not r.whole]
        # A sink looks every POLL_SECONDS; one that had not looked yet would move within that.
        if not unfinished and now - still_since > 2 * POLL_SECONDS:
            return records
        if now > until:
            raise RecoveryError(
                f"{listed(unfinished) or 'a sink'} did not come to rest within {patience:g} s: "
                "is the processor running, and does the store take its blocks? (its /readyz tells)"
            )
        await asyncio.sleep(_LOOK_SECONDS)
