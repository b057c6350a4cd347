"""`python -m collector`: HTTP on :4318, gRPC on :4317, configured by the environment alone."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping

from collector.limiting.settings import PREFIX as LIMITS
from collector.limiting.settings import LimitSettings
from collector.processes import CHILD_VARIABLE, run_children
from collector.settings import PREFIX, CollectorSettings, verify
from seamark import __version__
from seamark.service import lifecycle, logs
from seamark.service.connections import CacheSettings, LogSettings
from seamark.service.monitor.settings import load_monitor
from seamark.service.own_telemetry.report import Reported, beside
from seamark.service.own_telemetry.settings import PREFIX as OWN_METRICS
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.settings import masked
from seamark.service.startup import Startup

logger = logging.getLogger("collector")
_CHILD_MARGIN_SECONDS = 5.0


def main(environ: Mapping[str, str]) -> int:
    """Run until told to stop; the exit code. 2 = the settings are wrong."""
    lifecycle.die_with_parent()
    startup = Startup("collector", environ=environ)
    settings = startup.load(CollectorSettings, prefix=PREFIX)
    log_settings = startup.load(LogSettings, prefix="SEAMARK_LOG")
    own = startup.load(OwnMetricsSettings, prefix=OWN_METRICS)
    monitor = load_monitor(startup)
    cache = startup.load(CacheSettings, prefix="SEAMARK_CACHE")
    limits = startup.load(LimitSettings, prefix=LIMITS)
    startup.check(lambda: verify(settings))
    if startup.problems:
        return startup.refuse()
    logs.configure("collector", level=settings.log_level, style=settings.log_style)
    child = environ.get(CHILD_VARIABLE)
    deadline = settings.stop_seconds + _CHILD_MARGIN_SECONDS
    if child is None:
        logger.info(
            "starting",
            extra={"version": __version__, **masked(settings), "log": masked(log_settings)},
        )
    if child is None and settings.processes > 1:
        return lifecycle.run(
            lambda stop: run_children(
                settings.processes, environ=environ, stop=stop, stop_seconds=deadline
            ),
            deadline_seconds=deadline + 1.0,
        )

    async def run_process(stop: asyncio.Event) -> int:
        from collector import metrics  # prometheus_client reads the environment now
        from collector.service import Configuration, serve

        number = int(child or 0)
        reported = Reported(
            "collector", settings.port, metrics.families, _disks(settings), _certificates(settings)
        )

        async def one(stop: asyncio.Event) -> int:
            told = Configuration(settings, log_settings, monitor, cache, limits, number)
            return await serve(told, stop=stop)

        # what several processes count is one sum, and the first tells it
        return await (one if number else beside(one, own, reported))(stop)

    return lifecycle.run(run_process, deadline_seconds=deadline)


def _disks(settings: CollectorSettings) -> dict[str, str]:
    named = {"log": settings.disk_path, "spool": settings.spool_path}
    return {what: path for what, path in named.items() if path}


def _certificates(settings: CollectorSettings) -> dict[str, str]:
    return {"collector": settings.tls_cert} if settings.tls_cert else {}


if __name__ == "__main__":
    sys.exit(main(os.environ))
