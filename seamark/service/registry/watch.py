"""Following the bucket: every change, once, in order; and soon again after whatever was killed.

The client's own watch notices that its consumer is gone only when heartbeats of five seconds stay
out. So two things are looked at as well: whether the connection was made anew, and whether the
bucket's last revision is one that was not pushed. Either way the bucket is read from its beginning,
which also tells what was deleted, or brought back from a copy, meanwhile.
"""

import asyncio
import contextlib
import logging
from collections.abc import Collection
from typing import Final, Protocol

import nats.errors
from nats.aio.client import Client as NatsClient
from nats.js.kv import KeyValue

from seamark.service.health import Health
from seamark.wire.buckets import CONFIG_BUCKET

logger = logging.getLogger(__name__)
_LOAD_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.1
"""How often it is looked whether the connection is another one."""
_LOOKS: Final = 3
"""So many looks, and the server is asked for the last revision."""
_UNDER_WAY_SECONDS: Final = 0.15
"""How long a change may take from the server to here before the watch counts as broken."""


class Take(Protocol):
    """What is called with each change; `value` None = deleted."""

    def __call__(self, key: str, value: bytes | None, *, revision: int) -> None: ...


class Loaded(Protocol):
    """What is called when everything was read, with the keys there are."""

    def __call__(self, keys: Collection[str], *, revision: int) -> None: ...


class BucketWatch:
    """Follows SEAMARK_CONFIG for as long as it runs."""

    def __init__(
        self,
        client: NatsClient,
        *,
        take: Take,
        loaded: Loaded,
        health: Health | None = None,
    ) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=2)
        self._take, self._loaded, self._health = take, loaded, health
        self._seen = 0
        self._connection = -1
        """Of which everything was read."""
        self._task: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def live(self) -> bool:
        """Whether a change that was made would be seen: the connection is that of the watch."""
        return (
            self._client.is_connected
            and self._client.stats["reconnects"] == self._connection
            and self._reading is not None
            and not self._reading.done()
        )

    async def start(self) -> None:
        """Read everything, and go on. Raises nats errors, TimeoutError."""
        bucket = await self._jetstream.key_value(CONFIG_BUCKET)
        watcher = await self._load(bucket)
        self._task = asyncio.create_task(self._follow(bucket, watcher), name="registry-watch")

    async def stop(self) -> None:
        """Stop following."""
        tasks = [task for task in (self._task, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, bucket: KeyValue, watcher: KeyValue.KeyWatcher) -> None:
        while True:
            await self._until_broken()
            await _end(watcher)
            while True:
                try:
                    watcher = await self._load(bucket)
                    break
                except (nats.errors.Error, OSError, TimeoutError) as error:
                    self._tell(error)
                    await asyncio.sleep(_LOOK_SECONDS)
            self._tell(None)

    async def _load(self, bucket: KeyValue) -> KeyValue.KeyWatcher:
        """Read everything; returns the watch that goes on."""
        connection = self._client.stats["reconnects"]
        if self._reading is not None:
            self._reading.cancel()
        last = await self._last_revision()
        watcher = await bucket.watchall()
        done = asyncio.Event()
        self._reading = asyncio.create_task(
            self._read(watcher, last=last, connection=connection, done=done), name="registry-read"
        )
        try:
            await asyncio.wait_for(done.wait(), _LOAD_SECONDS)
        except BaseException:
            await _end(watcher)
            raise
        return watcher

    async def _read(
        self, watcher: KeyValue.KeyWatcher, *, last: int, connection: int, done: asyncio.Event
    ) -> None:
        keys: set[str] = set()
        self._seen = 0
        async for entry in watcher:
            if entry is None:  # the marker after the last stored record
                self._seen = max(self._seen, last)
                self._connection = connection
                self._loaded(keys, revision=self._seen)
                done.set()
                continue
            revision = entry.revision or 0
            self._take(entry.key, None if entry.operation else entry.value, revision=revision)
            self._seen = max(self._seen, revision)
            if not done.is_set():
                keys.add(entry.key)

    async def _until_broken(self) -> None:
        """Return when changes may have been missed."""
        looks = 0
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            looks += 1
            if self._reading is None or self._reading.done():
                return
            if not self._client.is_connected:
                continue
            if not self.live:
                return
            if looks % _LOOKS == 0 and await self._is_behind():
                return

    async def _is_behind(self) -> bool:
        seen = self._seen
        try:
            last = await self._last_revision()
        except (nats.errors.Error, OSError, TimeoutError) as error:
            self._tell(error)
            return False
        self._tell(None)
        if last < seen:  # the log was brought back from a copy
            return True
        if last > self._seen:
            await asyncio.sleep(_UNDER_WAY_SECONDS)
        return last > self._seen

    async def _last_revision(self) -> int:
        info = await self._jetstream.stream_info(f"KV_{CONFIG_BUCKET}")
        return info.state.last_seq

    def _tell(self, error: Exception | None) -> None:
        """A watch that fails while the log is away is no news: the log says so itself."""
        if error is not None and not self._client.is_connected:
            return
        if error is not None:
            logger.warning("registry is not watched", extra={"error": repr(error)[:200]})
        if self._health is not None:
            why = f"changes may not be seen: {error!r}"[:200] if error is not None else ""
            self._health.degrade("registry watch", why)


async def _end(watcher: KeyValue.KeyWatcher) -> None:
    with contextlib.suppress(nats.errors.Error, OSError):
        await watcher.stop()  # type: ignore[no-untyped-call]  # of the client
