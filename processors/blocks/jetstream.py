"""The log in JetStream: an ephemeral consumer and a connection of its own for every reader."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo

from processors.blocks.feed import FeedLost, connect_feed
from processors.blocks.log import LogLost, StreamMissing
from processors.blocks.pull import LogReader
from seamark.service.connections import LogSettings
from seamark.wire.log_state import LogState

_INACTIVE_SECONDS: Final = 30.0
"""The server forgets a consumer that nobody has pulled from for so long."""
_CONSUMER: Final = ConsumerConfig(
    ack_policy=AckPolicy.NONE, inactive_threshold=_INACTIVE_SECONDS, mem_storage=True
)


class JetStreamLog:
    """See `processors.blocks.log.Log`."""

    def __init__(self, client: NatsClient, settings: LogSettings, *, name: str) -> None:
        self._settings = settings
        self._name = name
        self._jetstream = client.jetstream(timeout=5)

    async def state(self, stream: str) -> LogState:
        """See `StreamLog.state`."""
        try:
            info: StreamInfo = await self._jetstream.stream_info(stream)
        except nats.js.errors.NotFoundError:
            raise StreamMissing(stream) from None
        except (nats.errors.Error, OSError) as error:
            raise LogLost(repr(error)) from error
        created_ns = int(info.created.timestamp() * 1e9) if info.created else 0
        return LogState(info.state.first_seq, info.state.last_seq, created_ns)

    async def open(
        self,
        stream: str,
        *,
        after: int,
        buffer_bytes: int,
        since_ns: int = 0,
        headers_only: bool = False,
    ) -> LogReader:
        """See `StreamLog.open`."""
        if since_ns:
            config = replace(
                _CONSUMER,
                deliver_policy=DeliverPolicy.BY_START_TIME,
                opt_start_time=datetime.fromtimestamp(since_ns // 10**9, UTC),
                headers_only=headers_only,
            )
        else:
            config = replace(
                _CONSUMER,
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
                opt_start_seq=after + 1,
                headers_only=headers_only,
            )
        reader = LogReader(stream, buffer_bytes=buffer_bytes)
        return await self._read(stream, reader, config, after=0 if since_ns else after)

    async def _read(
        self, stream: str, reader: LogReader, config: ConsumerConfig, *, after: int
    ) -> LogReader:
        """Start `reader` on a new consumer. Raises StreamMissing, LogLost."""
        try:
            feed = await connect_feed(self._settings, reader.deliver, name=f"{self._name} {stream}")
        except FeedLost as error:
            raise LogLost(str(error)) from error
        try:
            consumer = await self._jetstream.add_consumer(stream, config)
        except BaseException as error:
            feed.close()
            if isinstance(error, nats.js.errors.NotFoundError):
                raise StreamMissing(stream) from None
            if isinstance(error, nats.errors.Error | OSError):
                raise LogLost(repr(error)) from error
            raise
        reader.start(
            feed,
            consumer=consumer.name,
            after=after,
            pending=consumer.num_pending or 0,
        )
        return reader
