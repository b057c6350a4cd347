"""`python -m api`: answers questions over HTTP and gRPC until it is told to stop."""

import asyncio
import logging
import os
import sys
from dataclasses import dataclass, fields

import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from prometheus_client import generate_latest

from api.active_series import watch_series
from api.cache import AnswerCache
from api.checked_store import CheckedStore
from api.context import Context
from api.damage import DamageReport
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
from seamark.service.lifecycle import Started
from seamark.service.monitor.server import Monitored, serve_monitor
from seamark.service.monitor.settings import MonitorSettings, load_monitor
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
    store: ClickHouseStore,
    cache: AnswerCache,
    damage: DamageReport,
    optional: Health,
    stop: asyncio.Event,
) -> None:
    """Keep health true while nobody asks."""
    while not stop.is_set():
        await store.probe()
        await damage.read()
        if await cache.probe():
            optional.up("cache")
        else:
            optional.down("cache", "Redis does not answer")
        await sleep_or_stop(stop, _PROBE_SECONDS)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of the process."""

    api: ApiSettings
    log: LogSettings
    store: StoreSettings
    cache: CacheSettings
    export: ExportSettings
    monitor: MonitorSettings
    own: OwnMetricsSettings


async def serve(told: Configuration, stop: asyncio.Event) -> int:
    """Listen, then connect; returns the exit code once `stop` is set.

    What was started is released in reverse order, whatever the start or the serving ends by.
    """
    health, optional, metrics = Health(), Health(), OwnMetrics()
    health.expect("registry", "store")
    optional.expect("cache", "log")
    registry = Registry(health)
    async with Started() as started:
        store = ClickHouseStore(told.store, told.api, metrics=metrics, health=health)
        started.push_async_callback(store.close)
        redis = connect_cache(told.cache)
        started.push_async_callback(redis.aclose)
        cache = AnswerCache(redis, metrics=metrics)
        ingest = HttpIngest(
            told.api.ingest_url, tls_ca=told.api.ingest_tls_ca, tls_name=told.api.ingest_tls_name
        )
        started.push_async_callback(ingest.close)
        log = await started.enter_async_context(Started())
        log.push_async_callback(registry.stop)
        exports = Exports(told.export, told.store) if told.export.path else None
        log_tail = LogTail(told.log.partitions)
        damage = DamageReport(store, health)
        context = Context(
            store=CheckedStore(store),
            cache=cache,
            registry=registry,
            settings=told.api,
            sources=SourceFinder(store),
            late_rows=LateRows(store, shared_seconds=told.api.live_cache_seconds),
            log=log_tail,
            ingest=ingest,
            exports=exports,
            damage=damage,
        )
        await started.enter_async_context(
            serve_monitor(
                Monitored(health, lambda: generate_latest(metrics.registry), optional),
                told.monitor,
                port=told.api.monitor_port,
            )
        )
        if exports is not None:
            await started.start(exports)
        started.run(asyncio.create_task(_watch(store, cache, damage, optional, stop), name="watch"))
        started.run(asyncio.create_task(watch_series(store, metrics, stop), name="active-series"))
        app = make_app(context, health=health, optional=optional, metrics=metrics)
        runner, port = await start_server(app, told.api)
        rpc = GrpcServer(context, health=health, metrics=metrics) if told.api.grpc_port else None

        async def refuse() -> None:
            stopping = [runner.cleanup()]
            if rpc is not None:
                stopping.append(rpc.stop(_STOP_SECONDS))
            await asyncio.gather(*stopping)

        started.push_async_callback(refuse)
        if rpc is not None:
            await rpc.start()
        listening = {"host": told.api.host, "port": port, "grpc_port": told.api.grpc_port}
        logger.info("listening", extra=listening)
        reported = Reported("api", port, metrics.registry.collect)
        started.run(asyncio.create_task(report(told.own, reported), name="own-metrics"))
        client = await _load_registry(registry, told.log, health, optional, stop)
        if client is not None:
            log.push_async_callback(client.close)
            log_tail.connect(client)
        await stop.wait()
    return 0


def main() -> int:
    """Read the settings and run. Exit code 2 when a setting is wrong."""
    lifecycle.die_with_parent()
    startup = Startup("api", environ=os.environ)
    told = Configuration(
        api=startup.load(ApiSettings, prefix="SEAMARK_API"),
        log=startup.load(LogSettings, prefix="SEAMARK_LOG"),
        store=startup.load(StoreSettings, prefix="SEAMARK_STORE"),
        cache=startup.load(CacheSettings, prefix="SEAMARK_CACHE"),
        export=startup.load(ExportSettings, prefix="SEAMARK_EXPORT"),
        monitor=load_monitor(startup),
        own=startup.load(OwnMetricsSettings, prefix=OWN_METRICS),
    )
    startup.check(lambda: tls_context(told.api))
    startup.check(lambda: check_ca(told.api.ingest_tls_ca, name="SEAMARK_API_INGEST_TLS_CA"))
    if startup.problems:
        return startup.refuse()
    logs.configure("api", level=told.api.log_level)
    logger.info(
        "starting",
        extra={field.name: masked(getattr(told, field.name)) for field in fields(told)},
    )
    return lifecycle.run(lambda stop: serve(told, stop))


if __name__ == "__main__":
    sys.exit(main())
