"""Whether each stream is still the one its readers know.

A stream that was deleted, restored or cut short takes messages as before, and they are not read:
its readers stop, because sequences could be reused. So what a sink has read is compared with the
stream when this starts, after every reconnection and again and again; while the two cannot both be
true, the stream is given nothing. What would go there goes into the spool.
"""

import logging
from typing import Final

import msgspec
import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js import JetStreamContext
from nats.js.kv import KeyValue

from collector.periodic_check import PeriodicCheck
from seamark.service.health import Health
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.log_state import LogRegressed, LogState, check_log
from seamark.wire.positions import Position, position_key
from seamark.wire.signals import Signal, stream_name, subject

logger = logging.getLogger(__name__)
PART: Final = "log streams"
_CHECK_SECONDS: Final = 5.0
_RETRY_SECONDS: Final = 0.5
_API_SECONDS: Final = 2.0
_SINKS: Final = ("rows", "archive")
_UNKNOWN: Final = "it is not known yet whether the log's streams are those that were read"
_WAY_OUT: Final = 'docs/recovery.md, "A stream is not the one that was read", has the ways out'


class Continuity:
    """Checks all streams. `problem` is cheap and is called for every message."""

    def __init__(self, client: NatsClient, *, partitions: int, health: Health) -> None:
        self._client = client
        self._streams = {
            subject(signal, partition): stream_name(signal, partition)
            for signal in Signal
            for partition in range(partitions)
        }
        self._health = health
        self._problems: dict[str, str] = {}
        self._checked_at = -1
        self._checks = PeriodicCheck(self._check, self._wait_seconds, name="log-continuity")
        health.expect(PART)

    def problem(self, to: str) -> str:
        """Why nothing may be sent to a subject now; "" when it may."""
        if self._checked_at != self._client.stats["reconnects"]:
            self._checks.soon()
            return _UNKNOWN
        return self._problems.get(to, "")

    async def start(self) -> None:
        """Check once, then again and again."""
        await self._checks.start()

    async def stop(self) -> None:
        """Stop checking."""
        await self._checks.stop()

    def _wait_seconds(self) -> float:
        known = self._checked_at == self._client.stats["reconnects"]
        return _CHECK_SECONDS if known and not self._problems else _RETRY_SECONDS

    async def _check(self) -> None:
        connection = self._client.stats["reconnects"]
        if not self._client.is_connected:
            return
        js = self._client.jetstream(timeout=_API_SECONDS)
        try:
            bucket = await _positions(js)
            found = {
                to: said
                for to, stream in self._streams.items()
                if (said := await _problem_of(js, bucket, stream))
            }
        except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
            logger.warning("the log's streams were not checked", extra={"error": repr(error)})
            return
        for to, said in found.items():
            if to not in self._problems:
                logger.critical("a stream is not the one that was read", extra={"error": said})
        self._problems, self._checked_at = found, connection
        if found:
            self._health.down(PART, f"{'; '.join(found.values())[:500]}; {_WAY_OUT}")
        else:
            self._health.up(PART)


async def _positions(js: JetStreamContext) -> KeyValue | None:
    try:
        return await js.key_value(POSITIONS_BUCKET)
    except nats.js.errors.NotFoundError:
        return None


async def _problem_of(js: JetStreamContext, bucket: KeyValue | None, stream: str) -> str:
    """What one of its readers says against a stream; "" for nothing.

    The positions are read first: they may go on, but never back.
    """
    positions = [(sink, found) for sink in _SINKS if (found := await _read(bucket, sink, stream))]
    if not positions:
        return ""
    try:
        info = await js.stream_info(stream)
    except nats.js.errors.NotFoundError:
        return ""  # nothing can be sent to it, and that is said where it is tried
    created_ns = int(info.created.timestamp() * 1e9) if info.created else 0
    state = LogState(info.state.first_seq, info.state.last_seq, created_ns)
    for sink, position in positions:
        try:
            check_log(position, state)
        except LogRegressed as error:
            return f"{stream} is not the stream that {sink} has read: {error}"
    return ""


async def _read(bucket: KeyValue | None, sink: str, stream: str) -> Position | None:
    if bucket is None:
        return None
    try:
        entry = await bucket.get(position_key(sink, stream))
        return msgspec.json.decode(entry.value or b"", type=Position)
    except (nats.js.errors.KeyNotFoundError, msgspec.DecodeError):
        return None
