"""Sends a process's own metrics at intervals, and never disturbs what the process is there for.

One report is under way at a time and none is kept: since counts are running totals, one that could
not be sent is made good by the next. What was not sent is counted, and told once it can be.
"""

import asyncio
import gzip
import json
import logging
import os
import platform
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from seamark import __version__
from seamark.service.own_telemetry.ages import backups, certificates
from seamark.service.own_telemetry.disks import disks
from seamark.service.own_telemetry.otlp import Dropped, Family, Starts, Told, request
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.tls import client_context

logger = logging.getLogger(__name__)
STARTED_VARIABLE: Final = "SEAMARK_COUNTING_SINCE_NS"
"""Set for processes whose counts outlive them, as those of several collectors together do."""
_FIRST_SECONDS: Final = 5.0
_MOST_ANSWERED: Final = 4096
_TELL_AFTER: Final = 2
"""Failures in a row: the first report of a first start may be before there is a key."""
_PATH: Final = "/v1/metrics"


@dataclass(frozen=True, slots=True)
class Reported:
    """What a process reports: `service` without `seamark-`, what it counts, where it writes.

    `certificates`: the files of those it listens with, by listener.
    """

    service: str
    port: int
    collect: Callable[[], Iterable[Family]]
    paths: Mapping[str, str] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)


def beside(
    main: Callable[[asyncio.Event], Awaitable[int]],
    settings: OwnMetricsSettings,
    reported: Reported,
) -> Callable[[asyncio.Event], Awaitable[int]]:
    """`main`, with reports for as long as it runs. Nothing more than `main` when they are off."""
    if not settings.on:
        return main

    async def run(stop: asyncio.Event) -> int:
        reporting = asyncio.create_task(report(settings, reported), name="own-metrics")
        try:
            return await main(stop)
        finally:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)

    return run


async def report(settings: OwnMetricsSettings, reported: Reported) -> None:
    """Report until cancelled; returns at once when it is off. Never raises."""
    if not settings.on:
        return
    reporter = Reporter(settings, reported)
    await asyncio.sleep(min(_FIRST_SECONDS, settings.interval_seconds))
    while True:
        await reporter.once()
        await asyncio.sleep(settings.interval_seconds)


class Reporter:
    """Makes and sends one report at a time."""

    def __init__(self, settings: OwnMetricsSettings, reported: Reported) -> None:
        self._settings = settings
        self._reported = reported
        self._told = Told(
            service=f"seamark-{reported.service}",
            instance=settings.instance or f"{platform.node()}:{reported.port}",
            version=__version__,
        )
        self._starts = Starts(int(os.environ.get(STARTED_VARIABLE, "0")) or time.time_ns())
        self._failures = 0
        self.dropped = Dropped()

    async def once(self) -> bool:
        """Make a report and send it; whether the collector took it. Never raises."""
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                body, left_out = await asyncio.to_thread(self._body)
                key = await asyncio.to_thread(Path(self._settings.key_path).read_text)
                status = await post(self._settings, body, key=key.strip())
        except Exception as error:  # whatever it is, it is not worth the process
            self._failed(repr(error))
            return False
        points = self.dropped.points + left_out
        self.dropped = Dropped(self.dropped.reports, points)
        if status != 200:
            self._failed(f"the collector answered {status}")
            return False
        if self._failures >= _TELL_AFTER:
            logger.info("own metrics are sent again", extra={"dropped": self.dropped.reports})
        self._failures = 0
        return True

    def _body(self) -> tuple[bytes, int]:
        families = [
            *self._reported.collect(),
            *disks(self._reported.paths),
            *certificates(self._reported.certificates),
            *backups(self._settings.backup_path),
        ]
        made, left_out = request(
            families, self._told, self._starts, now_ns=time.time_ns(), dropped=self.dropped
        )
        body = gzip.compress(json.dumps(made, separators=(",", ":")).encode(), 1)
        return body, left_out

    def _failed(self, why: str) -> None:
        self.dropped = Dropped(self.dropped.reports + 1, self.dropped.points)
        self._failures += 1
        if self._failures == _TELL_AFTER:  # an outage is one line, not one for each interval
            logger.warning("own metrics are not sent; they are dropped", extra={"error": why[:300]})


async def post(settings: OwnMetricsSettings, body: bytes, *, key: str) -> int:
    """Send one OTLP/JSON body; returns the status of the answer. Raises OSError, ValueError."""
    address = urlsplit(settings.url)
    encrypted = address.scheme == "https"
    port = address.port or (443 if encrypted else 80)
    tls = await asyncio.to_thread(client_context, settings.tls_ca) if encrypted else None
    head = (
        f"POST {address.path.rstrip('/')}{_PATH} HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"X-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    name = (settings.tls_name or None) if encrypted else None
    reader, writer = await asyncio.open_connection(
        address.hostname, port, ssl=tls, server_hostname=name
    )
    try:
        writer.write(head.encode() + body)
        await writer.drain()
        line = (await reader.read(_MOST_ANSWERED)).split(b"\r\n", 1)[0].split()
        return int(line[1]) if len(line) > 1 else 0
    finally:
        writer.close()
