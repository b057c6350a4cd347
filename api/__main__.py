"""`python -m api`: answers questions over HTTP and gRPC until it is told to stop."""

import asyncio
import logging
import os
import sys

import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient

from api.active_series import watch_series
from api.cache import AnswerCache
from api.checked_store import CheckedStore
from api.context import Context
from api.exports.exports import Exports
from api.exports.settings import ExportSettings
from api.grpc.server import GrpcServer
from api.ingest import HttpIngest
from api.late_rows import LateRows
from api.log_tail import LogTail
from api.own_metrics import OwnMetrics
from api.server import make_app, start_server, tls_context
from api.settings import ApiSettings
from api.source_finder import SourceFinder
from api.store import ClickHouseStore
from seamark.service import lifecycle, logs
from seamark.service.connections import (
    CacheSettings,
    LogSettings,
    StoreSettings,
    connect_cache,
    connect_log,
    sleep_or_stop,
)
from seamark.service.health import Health
from seamark.service.own_telemetry.report import Reported, report
from seamark.service.own_telemetry.settings import PREFIX as OWN_METRICS
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.registry import Registry
from seamark.service.settings import masked
from seamark.service.startup import Startup
from seamark.service.tls import check_ca

logger = logging.getLogger("api")
_PROBE_SECONDS = 2.0
_STOP_SECONDS = 3.0


async def _load_registry(
    registry: Registry, settings: LogSettings, health: Health, optional: Health, stop: asyncio.Event
) -> NatsClient | None:
    """Connect and load until it works; `health` says what is missing meanwhile."""
    while not stop.is_set():
        client: NatsClient | None = None
        try:
            client = await connect_log(settings, name="seamark-api", health=optional)
            await registry.start(client)
        except (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError) as error:
            health.down("registry", repr(error)[:200])
            if client is not None:
                await client.close()
            await sleep_or_stop(stop, 0.5)
            continue
        return client
    return None


async def _watch(
    store: ClickHouseStore, cache: AnswerCache, optional: Health, stop: asyncio.Event
) -> None:
    """Keep health true while nobody asks."""
    while not stop.is_set():
        await store.probe()
        if await cache.probe():
            optional.up("cache")
        else:
            optional.down("cache", "Redis does not answer")
        await sleep_or_stop(stop, _PROBE_SECONDS)


async def serve(
    settings: ApiSettings,
    log_settings: LogSettings,
    store_settings: StoreSettings,
    cache_settings: CacheSettings,
    export_settings: ExportSettings,
    own: OwnMetricsSettings,
    stop: asyncio.Event,
) -> int:
    """Listen, then connect; returns the exit code once `stop` is set."""
    health, optional, metrics = Health(), Health(), OwnMetrics()
    health.expect("registry", "store")
    optional.expect("cache", "log")
    registry = Registry(health)
    store = ClickHouseStore(store_settings, settings, metrics=metrics, health=health)
    redis = connect_cache(cache_settings)
    cache = AnswerCache(redis, metrics=metrics)
    log_tail = LogTail(log_settings.partitions)
    ingest = HttpIngest(settings.ingest_url, tls_ca=settings.ingest_tls_ca)
    exports = Exports(export_settings, store_settings) if export_settings.path else None
    context = Context(
        store=CheckedStore(store),
        cache=cache,
        registry=registry,
        settings=settings,
        sources=SourceFinder(store),
        late_rows=LateRows(store, shared_seconds=settings.live_cache_seconds),
        log=log_tail,
        ingest=ingest,
        exports=exports,
    )
    if exports is not None:
        await exports.start()
    app = make_app(context, health=health, optional=optional, metrics=metrics)
    runner, port = await start_server(app, settings)
    rpc = GrpcServer(context, health=health, metrics=metrics) if settings.grpc_port else None
    if rpc is not None:
        await rpc.start()
    listening = {"host": settings.host, "port": port, "grpc_port": settings.grpc_port}
    logger.info("listening", extra=listening)
    watching = asyncio.create_task(_watch(store, cache, optional, stop), name="watch")
    reported = Reported("api", port, metrics.registry.collect)
    reporting = asyncio.create_task(report(own, reported), name="own-metrics")
    counting = asyncio.create_task(watch_series(store, metrics, stop), name="active-series")
    client = await _load_registry(registry, log_settings, health, optional, stop)
    if client is not None:
        log_tail.connect(client)
    await stop.wait()
    reporting.cancel()
    stopping = [runner.cleanup()]
    if rpc is not None:
        stopping.append(rpc.stop(_STOP_SECONDS))
    await asyncio.gather(*stopping)
    if exports is not None:
        await exports.stop()
    await watching
    await counting
    await registry.stop()
    if client is not None:
        await client.close()
    await redis.aclose()
    await ingest.close()
    await store.close()
    return 0


def main() -> int:
    """Read the settings and run. Exit code 2 when a setting is wrong."""
    lifecycle.die_with_parent()
    startup = Startup("api", environ=os.environ)
    settings = startup.load(ApiSettings, prefix="SEAMARK_API")
    log_settings = startup.load(LogSettings, prefix="SEAMARK_LOG")
    store_settings = startup.load(StoreSettings, prefix="SEAMARK_STORE")
    cache_settings = startup.load(CacheSettings, prefix="SEAMARK_CACHE")
    export_settings = startup.load(ExportSettings, prefix="SEAMARK_EXPORT")
    own = startup.load(OwnMetricsSettings, prefix=OWN_METRICS)
    startup.check(lambda: tls_context(settings))
    startup.check(lambda: check_ca(settings.ingest_tls_ca, name="SEAMARK_API_INGEST_TLS_CA"))
    if startup.problems:
        return startup.refuse()
    logs.configure("api", level=settings.log_level)
    logger.info(
        "settings",
        extra={
            "api": masked(settings),
            "log": masked(log_settings),
            "store": masked(store_settings),
            "cache": masked(cache_settings),
            "export": masked(export_settings),
        },
    )
    return lifecycle.run(
        lambda stop: serve(
            settings, log_settings, store_settings, cache_settings, export_settings, own, stop
        )
    )


if __name__ == "__main__":
    sys.exit(main())
