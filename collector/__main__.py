"""`python -m collector`: HTTP on :4318, gRPC on :4317, configured by the environment alone."""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping

from collector.processes import CHILD_VARIABLE, run_children
from collector.settings import PREFIX, CollectorSettings, verify
from seamark import __version__
from seamark.service import lifecycle, logs
from seamark.service.connections import LogSettings
from seamark.service.own_telemetry.report import Reported, beside
from seamark.service.own_telemetry.settings import PREFIX as OWN_METRICS
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.settings import SettingsError, load, masked

logger = logging.getLogger("collector")
_EXIT_SETTINGS = 2
_CHILD_MARGIN_SECONDS = 2.0


def main(environ: Mapping[str, str]) -> int:
    """Run until told to stop; the exit code. 2 = the settings are wrong."""
    lifecycle.die_with_parent()
    try:
        settings = load(CollectorSettings, prefix=PREFIX, environ=environ)
        log_settings = load(LogSettings, prefix="SEAMARK_LOG", environ=environ)
        own = load(OwnMetricsSettings, prefix=OWN_METRICS, environ=environ)
        verify(settings)
    except SettingsError as error:
        print(f"collector: {error}", file=sys.stderr)  # noqa: T201  # logs are not configured yet
        return _EXIT_SETTINGS
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

    async def serve(stop: asyncio.Event) -> int:
        from collector import metrics  # prometheus_client reads the environment now
        from collector.service import serve as run

        number = int(child or 0)
        reported = Reported("collector", settings.port, metrics.families, _disks(settings))

        async def one(stop: asyncio.Event) -> int:
            return await run(settings, log_settings, stop=stop, number=number)

        # what several processes count is one sum, and the first tells it
        return await (one if number else beside(one, own, reported))(stop)

    return lifecycle.run(serve, deadline_seconds=deadline)


def _disks(settings: CollectorSettings) -> dict[str, str]:
    named = {"log": settings.disk_path, "spool": settings.spool_path}
    return {what: path for what, path in named.items() if path}


if __name__ == "__main__":
    sys.exit(main(os.environ))
