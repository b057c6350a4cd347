"""Streams and buckets for tests of what reads the log, without provisioning."""

from nats.aio.client import Client as NatsClient
from nats.js.api import KeyValueConfig, StreamConfig

from seamark.wire.buckets import DEAD_STREAM, POSITIONS_BUCKET


async def add_stream(client: NatsClient, name: str, subject: str) -> None:
    """One log stream, as provisioning would make it but small."""
    await client.jetstream(timeout=5).add_stream(
        StreamConfig(
            name=name,
            subjects=[subject],
            max_bytes=512 * 1024 * 1024,
            allow_direct=True,
            duplicate_window=600.0,
        )
    )


async def add_positions(client: NatsClient) -> None:
    """The bucket of positions."""
    config = KeyValueConfig(bucket=POSITIONS_BUCKET)
    await client.jetstream(timeout=5).create_key_value(config)


async def add_dead_letters(client: NatsClient) -> None:
    """The dead-letter stream."""
    await client.jetstream(timeout=5).add_stream(
        StreamConfig(name=DEAD_STREAM, subjects=["seamark.dead.>"], duplicate_window=600.0)
    )
