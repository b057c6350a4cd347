"""Waiting for the store, and bringing its tables up to date."""

import asyncio
import logging
import ssl
import time
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import clickhouse_connect
from clickhouse_connect.driver.exceptions import Error

from provisioning.clickhouse.migrate import Migration, MigrationError, OverHttp, migrate
from provisioning.clickhouse.variant import Variant
from seamark.service.connections import StoreSettings
from seamark.service.settings import SettingsError

logger = logging.getLogger(__name__)
_ASK_EVERY_SECONDS: Final = 0.1
_STATEMENT_SECONDS: Final = 3600
"""Longest wait for one statement: altering large tables, or filling new ones, takes its time."""
_NOT_SIGNED_IN: Final = 516
"""AUTHENTICATION_FAILED. Source: ClickHouse `src/Common/ErrorCodes.cpp`."""
_PORTS: Final = {"http": 8123, "https": 8443}


class StoreFailed(Exception):
    """The store was not there in time, went away or failed; to be tried again."""


async def wait_for_store(settings: StoreSettings, *, wait_seconds: float) -> None:
    """Return once the store answers. Raises StoreFailed after `wait_seconds`."""
    tls = ssl.create_default_context(cafile=settings.tls_ca or None)
    problem = "no answer"
    until = time.monotonic() + wait_seconds
    timeout = aiohttp.ClientTimeout(total=2)
    connector = aiohttp.TCPConnector(ssl=tls)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        while True:
            try:
                async with session.get(f"{settings.url.rstrip('/')}/ping") as response:
                    if response.status == 200:
                        return
                    problem = f"status {response.status}"
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = str(error) or type(error).__name__
            if time.monotonic() >= until:
                raise StoreFailed(f"{settings.url} after {wait_seconds:g} s: {problem}")
            await asyncio.sleep(_ASK_EVERY_SECONDS)  # nothing tells us when a server has started


def bring_up_to_date(settings: StoreSettings, *, variant: Variant, cluster: str) -> list[Migration]:
    """Apply the migrations that the store lacks; returns them. Blocks.

    Raises SettingsError where a person has to act (wrong password, changed files), StoreFailed on
    everything else.
    """
    address = urlsplit(settings.url)
    try:
        client = clickhouse_connect.get_client(
            interface=address.scheme,
            host=address.hostname or "127.0.0.1",
            port=address.port or _PORTS.get(address.scheme, 8123),
            username=settings.user,
            password=settings.password,
            ca_cert=settings.tls_ca or None,
            send_receive_timeout=_STATEMENT_SECONDS,
            autogenerate_session_id=False,
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
        if error.code == _NOT_SIGNED_IN:
            raise SettingsError(
                f"the store at {settings.url} does not know user {settings.user} with this password"
            ) from error
        raise StoreFailed(f"{settings.url}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
