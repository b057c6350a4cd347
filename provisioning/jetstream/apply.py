"""Bringing a JetStream to the layout, and checking that it syncs before it acknowledges."""

import logging

import aiohttp
from nats.aio.client import Client as NatsClient
from nats.js.api import StreamConfig
from nats.js.client import JetStreamContext
from nats.js.errors import APIError

from provisioning.jetstream.layout import Change, changes
from seamark.service.connections import LogSettings
from seamark.service.settings import SettingsError

logger = logging.getLogger(__name__)
_NO_ROOM = 10047
"""JetStream's err_code for "insufficient storage resources available"."""


async def apply(client: NatsClient, settings: LogSettings) -> list[Change]:
    """Create and update streams and buckets until the layout holds; returns what was done.

    Idempotent. Raises SettingsError when JetStream refuses a change, nats errors when it is away.
    """
    js = client.jetstream(timeout=10)
    todo = changes(await _existing(js), settings)
    for change in todo:
        try:
            if change.create:
                await js.add_stream(change.config)
            else:
                await js.update_stream(change.config)
        except APIError as error:
            raise _refusal(change, error, settings) from error
        logger.info(
            "stream created" if change.create else "stream updated",
            extra={"stream": change.config.name, "changed": list(change.fields)},
        )
    return todo


async def _existing(js: JetStreamContext) -> list[StreamConfig]:
    found: list[StreamConfig] = []
    while page := await js.streams_info(offset=len(found)):
        found.extend(info.config for info in page)
    return found


def _refusal(change: Change, error: APIError, settings: LogSettings) -> Exception:
    if error.code == 503:
        return error
    if error.err_code == _NO_ROOM:
        return SettingsError(
            f"the log has no room for {change.config.name} with SEAMARK_LOG_MAX_BYTES="
            f"{settings.max_bytes}: lower it, or raise max_file_store of the NATS server"
        )
    return SettingsError(
        f"stream {change.config.name} cannot be {'created' if change.create else 'changed'}: "
        f"{error.description}"
    )


async def check_sync(monitor_url: str) -> None:
    """Make sure the server writes to disk before it acknowledges.

    With NATS's default of two minutes a power cut loses every acknowledged message of that time,
    and with it the meaning of our 2xx. Raises SettingsError when it does not sync,
    aiohttp.ClientError or TimeoutError when the monitor cannot be read.
    """
    timeout = aiohttp.ClientTimeout(total=5)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.get(f"{monitor_url.rstrip('/')}/varz") as response,
    ):
        response.raise_for_status()
        varz = await response.json()
    config = varz.get("jetstream", {}).get("config")
    if not config:
        raise SettingsError(f"the NATS server behind {monitor_url} runs without JetStream")
    if config.get("sync_always") is not True:
        raise SettingsError(
            f"the NATS server behind {monitor_url} acknowledges before it syncs: "
            "set `sync_interval: always` in its jetstream block"
        )
