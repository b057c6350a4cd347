"""One collector process: connects, proves it can keep its promises, serves, and stops in order."""

import asyncio
import gc
import logging

from collector import metrics, pages
from collector.admission.addresses import read_networks
from collector.admission.senders import Senders
from collector.admission.user_agents import read_user_agent
from collector.budget import Budget
from collector.connection import ConnectionLimits
from collector.door import FrontDoor
from collector.durability import Durability
from collector.publish.publisher import Publisher
from collector.receivers import otlp_http
from collector.receivers.native import NativeBatch
from collector.receivers.otlp_grpc import GrpcServer
from collector.server import HttpServer
from collector.settings import CollectorSettings, verify
from seamark import __version__
from seamark.service.connections import LogSettings, connect_log
from seamark.service.health import Health
from seamark.service.registry import Registry

logger = logging.getLogger(__name__)


async def serve(
    settings: CollectorSettings, log_settings: LogSettings, *, stop: asyncio.Event
) -> int:
    """Serve until `stop` is set; returns the exit code.

    Stops by refusing new connections, finishing what is under way, flushing the log, in that order.
    """
    health = Health()
    health.expect("log", "registry")
    tls = verify(settings)
    read_user_agent("Mozilla/5.0")  # compiles its patterns now, not in the first request
    client = await connect_log(log_settings, name="seamark-collector", health=health)
    registry = Registry(health)
    durability = Durability(
        monitor_url=log_settings.monitor_url,
        reconnections=lambda: client.stats["reconnects"],
        health=health,
        required=settings.require_sync_always,
    )
    publisher = Publisher(
        client,
        partitions=log_settings.partitions,
        health=health,
        observer=metrics.LogObserver(),
    )
    door = FrontDoor(
        records=registry,
        log=publisher,
        partitions=log_settings.partitions,
        promise=durability,
        senders=Senders(datacenter=settings.datacenter, server_version=__version__),
        trusted_proxies=read_networks(settings.trusted_proxies),
        country_header=settings.country_header,
    )
    http = HttpServer(
        guard=door,
        receivers=[NativeBatch(door), *otlp_http.build(door)],
        pages=pages.build(health),
        budget=Budget(settings.in_flight_bytes),
        limits=ConnectionLimits(
            connections=settings.connections,
            keepalive_seconds=settings.keepalive_seconds,
            header_deadline_seconds=settings.header_deadline_seconds,
        ),
        body_deadline_seconds=settings.body_deadline_seconds,
    )
    grpc = (
        GrpcServer(
            door,
            host=settings.host,
            port=settings.grpc_port,
            tls_cert=settings.tls_cert,
            tls_key=settings.tls_key,
        )
        if settings.grpc_port
        else None
    )
    try:
        await registry.start(client)
        await durability.start()
        await publisher.start()
        port = await http.start(
            settings.host, settings.port, tls=tls, shared=settings.processes > 1
        )
        if grpc is not None:
            await grpc.start()
        gc.collect()
        gc.freeze()
        logger.info("listening", extra={"port": port, "grpc_port": settings.grpc_port})
        await stop.wait()
        logger.info("stopping")
    finally:
        stopping = [http.stop(settings.stop_seconds)]
        if grpc is not None:
            stopping.append(grpc.stop(settings.stop_seconds))
        await asyncio.gather(*stopping)
        await publisher.stop()
        await durability.stop()
        await registry.stop()
        await client.close()
    return 0
