"""Waiting for the store, and bringing its tables up to date."""

import asyncio
import logging
import time
from typing import Final

import aiohttp
import clickhouse_connect
from clickhouse_connect.driver.exceptions import Error

from provisioning.clickhouse.migrate import Migration, MigrationError, OverHttp, migrate
from provisioning.clickhouse.variant import Variant
from seamark.service.clickhouse.client import HttpClient, connect_options, connector
from seamark.service.clickhouse.errors import AUTHENTICATION_FAILED
from seamark.service.connections import StoreSettings
from seamark.service.settings import SettingsError

logger = logging.getLogger(__name__)
_ASK_EVERY_SECONDS: Final = 0.1
_STATEMENT_SECONDS: Final = 3600
"""Longest wait for one statement: altering large tables, or filling new ones, takes its time."""


class TablesFailed(Exception):
    """The store was not there in time, went away or failed; to be tried again."""


async def wait_for_store(settings: StoreSettings, *, wait_seconds: float) -> None:
    """Return once the store answers. Raises StoreFailed after `wait_seconds`."""
    until = time.monotonic() + wait_seconds
    async with aiohttp.ClientSession(connector=connector(settings)) as session:
        store = HttpClient(session, settings, timeout_seconds=2)
        while problem := await store.ping():
            if time.monotonic() >= until:
                raise TablesFailed(f"{settings.url} after {wait_seconds:g} s: {problem}")
            await asyncio.sleep(_ASK_EVERY_SECONDS)  # nothing tells us when a server has started


def bring_up_to_date(settings: StoreSettings, *, variant: Variant, cluster: str) -> list[Migration]:
    """Apply the migrations that the store lacks; returns them. Blocks.

    Raises SettingsError where a person has to act (wrong password, changed files), StoreFailed on
    everything else.
    """
    try:
        client = clickhouse_connect.get_client(
            **connect_options(settings), send_receive_timeout=_STATEMENT_SECONDS
        )
        try:
            return migrate(
                OverHttp(client), variant=variant, database=settings.database, cluster=cluster
            )
        finally:
            client.close()
    except (MigrationError, ValueError) as error:
        raise SettingsError(str(error)) from error
    except Error as error:
        if error.code == AUTHENTICATION_FAILED:
            raise SettingsError(
                f"the store at {settings.url} does not know user {settings.user} with this password"
            ) from error
        raise TablesFailed(f"{settings.url}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
