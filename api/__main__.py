"""`python -m api`: answers questions over HTTP and gRPC until it is told to stop."""

import logging
import os
import sys
from dataclasses import fields

from api.exports.settings import ExportSettings
from api.server import tls_context
from api.service import Configuration, serve
from api.settings import ApiSettings
from seamark.service import lifecycle, logs
from seamark.service.connections import CacheSettings, LogSettings, StoreSettings
from seamark.service.monitor.settings import load_monitor
from seamark.service.own_telemetry.settings import PREFIX as OWN_METRICS
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.settings import masked
from seamark.service.startup import Startup
from seamark.service.tls import check_ca

logger = logging.getLogger("api")


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
