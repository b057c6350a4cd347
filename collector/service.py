"""One collector process: connects, proves it can keep its promises, serves, and stops in order."""

import asyncio
import gc
import logging
from dataclasses import dataclass
from pathlib import Path

from nats.aio.client import Client as NatsClient

from collector import metrics, observers
from collector.admission.addresses import read_networks
from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.senders import Senders
from collector.admission.user_agents import read_user_agent
from collector.http import health_pages
from collector.http.arrival import ArrivalLimits
from collector.http.budget import Budget, ShareLimits
from collector.http.connection import ConnectionLimits
from collector.http.server import HttpServer
from collector.ingest.durability import PART as DURABILITY
from collector.ingest.durability import Durability, DurabilityOrSpool
from collector.ingest.gateway import IngestGateway
from collector.ingest.request_rejections import RequestRejections
from collector.limiting.parts import limit_parts
from collector.limiting.settings import LimitSettings
from collector.limiting.totals_file import TotalsFile
from collector.publish.continuity import PART as CONTINUITY
from collector.publish.continuity import Continuity
from collector.publish.publisher import Publisher
from collector.receivers.exchange import BodyLimits
from collector.receivers.otlp_grpc import GrpcServer
from collector.receivers.registry import every_receiver
from collector.settings import CollectorSettings, verify
from collector.shedding.levels import Thresholds
from collector.shedding.load_shedder import LoadShedder
from collector.shedding.log_shares import CountedLog
from collector.spool.spool import Spool
from seamark import __version__
from seamark.service.connections import (
    CacheSettings,
    LogSettings,
    connect_cache,
    connect_log_or_stop,
)
from seamark.service.health import Health
from seamark.service.lifecycle import Started
from seamark.service.monitor.server import Monitored, serve_monitor
from seamark.service.monitor.settings import MonitorSettings
from seamark.service.registry import Registry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings of one collector process, and its `number`, from 0."""

    collector: CollectorSettings
    log: LogSettings
    monitor: MonitorSettings
    cache: CacheSettings
    limits: LimitSettings
    number: int = 0


async def serve(told: Configuration, *, stop: asyncio.Event) -> int:
    """Serve until `stop` is set; returns the exit code.

    Stops by refusing new connections, finishing what is under way, flushing the log, in that order.
    """
    settings = told.collector
    health = Health()
    health.expect("log", "registry")
    read_user_agent("Mozilla/5.0")  # compiles its patterns now, not in the first request
    shared = settings.processes > 1
    async with Started() as started:
        await started.enter_async_context(
            serve_monitor(
                Monitored(health, metrics.page),
                told.monitor,
                port=settings.monitor_port,
                shared=shared,
            )
        )
        client = await connect_log_or_stop(
            told.log, name="seamark-collector", health=health, stop=stop
        )
        if client is None:
            return 0
        started.push_async_callback(client.close)
        gateway = await _start_log(told, client, health, started)
        budget = Budget(
            settings.in_flight_bytes,
            shares=ShareLimits(
                key=settings.key_share_percent / 100,
                org=settings.org_share_percent / 100,
                address=settings.address_share_percent / 100,
            ),
        )
        http = _http(settings, gateway, budget, health)
        grpc = _grpc(settings, gateway, budget) if settings.grpc_port else None

        async def refuse() -> None:
            stopping = [http.stop(settings.stop_seconds)]
            if grpc is not None:
                stopping.append(grpc.stop(settings.stop_seconds))
            await asyncio.gather(*stopping)

        started.push_async_callback(refuse)
        tls = await asyncio.to_thread(verify, settings)
        port = await http.start(settings.host, settings.port, tls=tls, shared=shared)
        if grpc is not None:
            await grpc.start()
        gc.collect()
        gc.freeze()
        logger.info("listening", extra={"port": port, "grpc_port": settings.grpc_port})
        await stop.wait()
        logger.info("stopping")
    return 0


async def _start_log(
    told: Configuration, client: NatsClient, health: Health, started: Started
) -> IngestGateway:
    """Start everything between the receivers and the log, in the order in which it is needed."""
    settings = told.collector
    registry = Registry(health, unreadable=metrics.UNREADABLE_RECORDS.set)
    started.push_async_callback(registry.stop)
    await registry.start(client)
    durability = Durability(
        monitor_url=told.log.monitor_url,
        reconnections=lambda: client.stats["reconnects"],
        health=health,
        required=settings.require_sync_always,
    )
    await started.start(durability)
    continuity = Continuity(client, partitions=told.log.partitions, health=health)
    await started.start(continuity)
    spool = _spool(settings, told.number, health)
    if spool is not None:
        started.push_async_callback(spool.close)
        await spool.open()
        health.survive("log", DURABILITY, CONTINUITY, by=lambda: not spool.problem())
    publisher = Publisher(
        client,
        partitions=told.log.partitions,
        health=health,
        observer=observers.LogMetrics(),
        spool=spool,
        durability=durability if spool is not None else None,
        continuity=continuity,
        spool_after_seconds=settings.spool_after_seconds,
    )
    shedder = _shedder(settings, client, spool, health)
    refusals = RequestRejections(
        log=publisher,
        partitions=told.log.partitions,
        datacenter=settings.datacenter,
        server_version=__version__,
    )
    limits = limit_parts(
        told.limits,
        registry.orgs,
        connect_cache(told.cache),
        call_seconds=2 * told.cache.timeout_seconds,
        log=told.log,
        thresholds=_thresholds(settings),
        file=TotalsFile(Path(settings.spool_path), told.number) if spool is not None else None,
        health=health,
    )
    for part in (shedder, publisher, refusals, limits.sync):
        await started.start(part)
    return IngestGateway(
        records=registry,
        log=CountedLog(publisher, limits.log_shares),
        partitions=told.log.partitions,
        durability=durability if spool is None else DurabilityOrSpool(durability, spool),
        limiter=limits.limiter,
        shedder=shedder,
        log_shares=limits.log_shares,
        senders=Senders(datacenter=settings.datacenter, server_version=__version__),
        dead_letter_limiter=DeadLetterLimiter(settings.dead_letters_per_minute),
        request_rejections=refusals,
        trusted_proxies=read_networks(settings.trusted_proxies),
        country_header=settings.country_header,
        frame_bytes=lambda: publisher.frame_bytes,
    )


def _spool(settings: CollectorSettings, number: int, health: Health) -> Spool | None:
    """This process's part of the spool, or None where there is none."""
    if not settings.spool_path:
        return None
    return Spool(
        Path(settings.spool_path),
        number=number,
        processes=settings.processes,
        max_bytes=settings.spool_max_bytes // settings.processes,
        org_share=settings.spool_org_percent / 100,
        keep_bytes=settings.disk_keep_bytes,
        observer=observers.SpoolMetrics(),
        health=health,
    )


def _shedder(
    settings: CollectorSettings, client: NatsClient, spool: Spool | None, health: Health
) -> LoadShedder:
    return LoadShedder(
        client,
        health=health,
        thresholds=_thresholds(settings),
        spool=spool,
        disk=Path(settings.disk_path) if settings.disk_path else None,
        keep_bytes=settings.disk_keep_bytes,
        observer=observers.SheddingMetrics(),
    )


def _thresholds(settings: CollectorSettings) -> Thresholds:
    return Thresholds(
        least=settings.shed_least_percent / 100, most=settings.shed_most_percent / 100
    )


def _http(
    settings: CollectorSettings, ingest: IngestGateway, budget: Budget, health: Health
) -> HttpServer:
    return HttpServer(
        ingest=ingest,
        receivers=every_receiver(
            ingest,
            otlp=BodyLimits(settings.otlp_body_bytes, settings.otlp_inflated_bytes),
            otlp_expanded_bytes=settings.otlp_expanded_bytes,
        ),
        pages=health_pages.build(health),
        budget=budget,
        limits=ConnectionLimits(
            connections=settings.connections,
            keepalive_seconds=settings.keepalive_seconds,
            header_deadline_seconds=settings.header_deadline_seconds,
            per_address=settings.connections_per_address,
            proxies=read_networks(settings.trusted_proxies),
        ),
        arrival=ArrivalLimits(
            deadline_seconds=settings.body_deadline_seconds,
            bytes_per_second=settings.body_rate_bytes_per_second,
            rate_seconds=settings.body_rate_seconds,
        ),
    )


def _grpc(settings: CollectorSettings, ingest: IngestGateway, budget: Budget) -> GrpcServer:
    return GrpcServer(
        ingest,
        host=settings.host,
        port=settings.grpc_port,
        share=budget.share,
        max_message_bytes=settings.otlp_inflated_bytes,
        expanded_bytes=settings.otlp_expanded_bytes,
        max_connections=settings.grpc_connections,
        read_seconds=settings.body_deadline_seconds,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
    )
