"""Connections to the log, the store and the cache: their settings, and one way to open each."""

import asyncio
import logging
import ssl
from dataclasses import dataclass

import nats
import redis.asyncio
from nats.aio.client import Client as NatsClient
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from seamark.service.health import Health
from seamark.service.settings import setting

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LogSettings:
    """SEAMARK_LOG_*: NATS JetStream."""

    url: str = setting("nats://127.0.0.1:4222", text="NATS servers, comma-separated.")
    monitor_url: str = setting(
        "http://127.0.0.1:8222",
        text="HTTP monitoring of a NATS server, where `sync_interval: always` is checked.",
    )
    user: str = setting("", text="NATS user name; empty for none.")
    password: str = setting("", text="NATS password.", secret=True)
    tls_ca: str = setting("", text="CA file for TLS to NATS; empty for no TLS.")
    replicas: int = setting(1, text="Copies of each stream.", minimum=1, maximum=5)
    partitions: int = setting(
        2, text="Partitions per signal. Grow it, never shrink it.", minimum=1, maximum=256
    )
    max_bytes: int = setting(
        8 * 1024**3, unit="bytes", text="Size of one stream; beyond it ingest answers 503."
    )
    max_age_seconds: int = setting(7 * 86400, unit="s", text="How long the log keeps messages.")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """SEAMARK_STORE_*: ClickHouse, or the embedded one, over HTTP."""

    url: str = setting("http://127.0.0.1:8123", text="ClickHouse HTTP address.")
    user: str = setting("seamark", text="ClickHouse user.")
    password: str = setting("", text="ClickHouse password.", secret=True)
    database: str = setting("seamark", text="Database that holds Seamark's tables.")
    tls_ca: str = setting("", text="CA file for https to ClickHouse; empty for the system's.")


@dataclass(frozen=True, slots=True)
class CacheSettings:
    """SEAMARK_CACHE_*: Redis."""

    url: str = setting("redis://127.0.0.1:6379/0", text="Redis address; rediss:// for TLS.")
    password: str = setting("", text="Redis password, where the address has none.", secret=True)
    timeout_seconds: float = setting(0.25, unit="s", text="Longest wait for Redis.", minimum=0.01)


async def connect_log(
    settings: LogSettings, *, name: str, health: Health | None = None
) -> NatsClient:
    """Connect to NATS and stay connected for ever. Waits until the first connection is made.

    `health` is told about the part "log" whenever the connection comes and goes.
    """

    async def lost() -> None:
        if health is not None:
            health.down("log", "not connected to NATS")

    async def back() -> None:
        if health is not None:
            health.up("log")

    async def error(exception: Exception) -> None:
        logger.warning("log connection", extra={"error": repr(exception)})

    client: NatsClient = await nats.connect(
        servers=[url.strip() for url in settings.url.split(",")],
        name=name,
        user=settings.user or None,
        password=settings.password or None,
        tls=ssl.create_default_context(cafile=settings.tls_ca) if settings.tls_ca else None,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.2,
        connect_timeout=2,
        ping_interval=5,
        max_outstanding_pings=2,
        pending_size=64 * 1024 * 1024,
        disconnected_cb=lost,
        reconnected_cb=back,
        error_cb=error,
        allow_reconnect=True,
    )
    if health is not None:
        health.up("log")
    return client


async def connect_log_or_stop(
    settings: LogSettings, *, name: str, health: Health, stop: asyncio.Event
) -> NatsClient | None:
    """As `connect_log`; None when told to stop before the log was there."""
    connecting = asyncio.create_task(connect_log(settings, name=name, health=health))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        if not connecting.done():
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
    return None if connecting.cancelled() else await connecting


def connect_cache(settings: CacheSettings) -> "redis.asyncio.Redis":
    """A Redis client with short time limits and no retries: the cache is never worth a wait."""
    return redis.asyncio.Redis.from_url(
        settings.url,
        password=settings.password or None,  # one in the address goes before it
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        decode_responses=False,
    )


async def sleep_or_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Wait `seconds`, or until `stop` is set; returns whether it was."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True
