"""`python -m provisioning`: put streams, buckets, tables and first credentials in place, and end.

Safe to run at any time and any number of times. Exit codes: 0 = all is in place, 1 = the log or
the store could not be reached in time, 2 = something has to be changed by a person first.
"""

import asyncio
import logging
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import aiohttp
import nats.errors
import uvloop

from provisioning.clickhouse.variant import Variant
from provisioning.credentials import read_or_create, seed
from provisioning.jetstream.apply import apply, check_sync
from provisioning.own_metrics import read_or_create_key, seed_own_metrics
from provisioning.settings import ProvisionSettings
from provisioning.tables import TablesFailed, bring_up_to_date, wait_for_store
from seamark.service import logs
from seamark.service.connections import LogSettings, StoreSettings, connect_log
from seamark.service.lifecycle import die_with_parent
from seamark.service.registry.store import RecordsUnavailable
from seamark.service.settings import SettingsError, masked
from seamark.service.startup import EXIT_SETTINGS, Startup
from seamark.wire.buckets import CONFIG_BUCKET

logger = logging.getLogger("provisioning")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything this process reads from its environment."""

    own: ProvisionSettings
    log: LogSettings
    store: StoreSettings

    @classmethod
    def load(cls, startup: Startup) -> Self:
        """What is wrong is in `startup.problems`."""
        return cls(
            own=startup.load(ProvisionSettings, prefix="SEAMARK_PROVISION"),
            log=startup.load(LogSettings, prefix="SEAMARK_LOG"),
            store=startup.load(StoreSettings, prefix="SEAMARK_STORE"),
        )


async def provision(settings: Settings) -> None:
    """Put everything in place.

    Raises SettingsError when a person has to act, TimeoutError or a connection's own error when
    the log or the store is not there in time.
    """
    async with asyncio.timeout(settings.own.wait_seconds):
        client = await connect_log(settings.log, name="provisioning")
    try:
        await check_sync(settings.log.monitor_url)
        await apply(client, settings.log)
        await wait_for_store(settings.store, wait_seconds=settings.own.wait_seconds)
        await asyncio.to_thread(
            bring_up_to_date,
            settings.store,
            variant=Variant(settings.own.store_variant),
            cluster=settings.own.store_cluster,
        )
        if settings.own.credentials:
            bucket = await client.jetstream(timeout=10).key_value(CONFIG_BUCKET)
            first = read_or_create(Path(settings.own.credentials))
            await seed(bucket, first)
            if settings.own.own_metrics_key:
                key = read_or_create_key(Path(settings.own.own_metrics_key))
                await seed_own_metrics(bucket, first.org, key)
    finally:
        await client.close()


def main() -> int:
    """Run `provision` with the settings of the environment; returns the exit code."""
    die_with_parent()
    began = time.monotonic()
    startup = Startup("provisioning", environ=os.environ)
    settings = Settings.load(startup)
    if startup.problems:
        return startup.refuse()
    try:
        logs.configure("provisioning", level=settings.own.log_level)
        for part in (settings.own, settings.log, settings.store):
            logger.debug("settings", extra={"settings": masked(part)})
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(provision(settings))
    except SettingsError as error:
        logger.error("an operator has to act", extra={"error": str(error)})
        return EXIT_SETTINGS
    except TablesFailed as error:
        logger.error("the store failed", extra={"error": str(error)})
        return 1
    except (
        OSError,
        TimeoutError,
        nats.errors.Error,
        aiohttp.ClientError,
        RecordsUnavailable,
    ) as error:
        logger.error("the log is away", extra={"error": repr(error)})
        return 1
    logger.info("all is in place", extra={"seconds": round(time.monotonic() - began, 3)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
