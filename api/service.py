"""One API process: listens, connects to store, cache and log, answers, and stops in order."""

import asyncio
import logging
from dataclasses import dataclass

import nats.errors
import nats.js.errors
from nats.aio.client import Client as NatsClient
from prometheus_client import generate_latest

from api.active_series import watch_series
from api.admin.administration import Administration
from api.admin.uses import keep_writing
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
from api.server import make_app, start_server
from api.settings import ApiSettings
from api.source_finder import SourceFinder
from api.store import ClickHouseStore
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
from seamark.service.monitor.settings import MonitorSettings
from seamark.service.own_telemetry.report import Reported, report
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.registry import Registry

logger = logging.getLogger("api")
_PROBE_SECONDS = 2.0
_STOP_SECONDS = 3.0


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
    async with Started() as started:
        store = ClickHouseStore(told.store, told.api, metrics=metrics, health=health)
        started.push_async_callback(store.close)
        log_tail = LogTail(told.log.partitions)
        context = _context(told, store, log_tail, health=health, metrics=metrics, started=started)
        log = await started.enter_async_context(Started())
        await started.enter_async_context(
            serve_monitor(
                Monitored(health, lambda: generate_latest(metrics.registry), optional),
                told.monitor,
                port=told.api.monitor_port,
            )
        )
        if context.exports is not None:
            await started.start(context.exports)
        watching = _watch(store, context, optional, stop)
        started.run(asyncio.create_task(watching, name="watch"))
        started.run(asyncio.create_task(watch_series(store, metrics, stop), name="active-series"))
        port = await _listen(
            context, health=health, optional=optional, metrics=metrics, started=started
        )
        cert = told.api.tls_cert
        reported = Reported(
            "api", port, metrics.registry.collect, certificates={"api": cert} if cert else {}
        )
        started.run(asyncio.create_task(report(told.own, reported), name="own-metrics"))
        client = await _load_registry(context.registry, told.log, health, optional, stop)
        if client is not None:
            log.push_async_callback(client.close)
            log_tail.connect(client)
            context.admin.connect(client)
            uses = keep_writing(context.admin.memory, context.registry)
            log.run(asyncio.create_task(uses, name="uses-of-tokens"))
        await stop.wait()
    return 0


def _context(
    told: Configuration,
    store: ClickHouseStore,
    log_tail: LogTail,
    *,
    health: Health,
    metrics: OwnMetrics,
    started: Started,
) -> Context:
    """What every question needs. What it opens is closed with `started`."""
    redis = connect_cache(told.cache)
    started.push_async_callback(redis.aclose)
    ingest = HttpIngest(
        told.api.ingest_url, tls_ca=told.api.ingest_tls_ca, tls_name=told.api.ingest_tls_name
    )
    started.push_async_callback(ingest.close)
    registry = Registry(health, unreadable=metrics.unreadable_records.set)
    started.push_async_callback(registry.stop)
    return Context(
        store=CheckedStore(store),
        cache=AnswerCache(redis, metrics=metrics),
        registry=registry,
        settings=told.api,
        sources=SourceFinder(store),
        late_rows=LateRows(store, shared_seconds=told.api.live_cache_seconds),
        log=log_tail,
        ingest=ingest,
        admin=Administration(registry, store=store),
        exports=Exports(told.export, told.store) if told.export.path else None,
        damage=DamageReport(store, health),
    )


async def _listen(
    context: Context, *, health: Health, optional: Health, metrics: OwnMetrics, started: Started
) -> int:
    """Answer over HTTP and, where it has a port, gRPC; returns the port of HTTP."""
    settings = context.settings
    app = make_app(context, health=health, optional=optional, metrics=metrics)
    runner, port = await start_server(app, settings)
    rpc = GrpcServer(context, health=health, metrics=metrics) if settings.grpc_port else None

    async def refuse() -> None:
        stopping = [runner.cleanup()]
        if rpc is not None:
            stopping.append(rpc.stop(_STOP_SECONDS))
        await asyncio.gather(*stopping)

    started.push_async_callback(refuse)
    if rpc is not None:
        await rpc.start()
    listening = {"host": settings.host, "port": port, "grpc_port": settings.grpc_port}
    logger.info("listening", extra=listening)
    return port


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
    store: ClickHouseStore, context: Context, optional: Health, stop: asyncio.Event
) -> None:
    """Keep health up to date between requests."""
    while not stop.is_set():
        await store.probe()
        await context.damage.read()
        if await context.cache.probe():
            optional.up("cache")
        else:
            optional.down("cache", "Redis does not answer")
        await sleep_or_stop(stop, _PROBE_SECONDS)
