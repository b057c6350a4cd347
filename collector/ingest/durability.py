"""Proof that the log syncs to disk before it acknowledges (`sync_interval: always`).

Without it a power cut loses what was acknowledged, so nothing is answered 2xx before the setting
has been read; where there is a spool, requests go there meanwhile (`DurabilityOrSpool`). It is read
from the server's monitoring port (`/varz`), again after every reconnection, because the connection
may then lead to another server or another configuration.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

import aiohttp
import msgspec

from collector.periodic_check import PeriodicCheck
from seamark.service.health import Health

logger = logging.getLogger(__name__)
PART: Final = "durability"
_CHECK_SECONDS: Final = 10.0
_RETRY_SECONDS: Final = 0.5
_CONFIRM_SECONDS: Final = 2.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=2.0)
_FIX: Final = "set `jetstream { sync_interval: always }` in the NATS configuration"


class _JetStream(msgspec.Struct):
    sync_always: bool = False


class _JetStreamVarz(msgspec.Struct):
    config: _JetStream | None = None


class _Varz(msgspec.Struct):
    jetstream: _JetStreamVarz | None = None


def problem_in(varz: bytes) -> str:
    """What is wrong with the answer of `/varz`; "" when the server syncs always."""
    try:
        jetstream = msgspec.json.decode(varz, type=_Varz).jetstream
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "the log's monitoring address does not answer like a NATS server"
    if jetstream is None or jetstream.config is None:
        return "the log runs without JetStream"
    if not jetstream.config.sync_always:
        return f"the log does not sync to disk before it acknowledges; {_FIX}"
    return ""


class SpoolCheck(Protocol):
    """Whether the spool takes requests (`collector.spool.spool.Spool`)."""

    def problem(self, size: int = 0) -> str:
        """Why it takes nothing; "" when it does."""


class DurabilityOrSpool:
    """The check where there is a spool: requests are durable on its disk while the log is not.

    The publisher spools what the log acknowledged while it was not known to be durable, so there is
    nothing to confirm afterwards.
    """

    def __init__(self, durability: "Durability", spool: SpoolCheck) -> None:
        self._durability = durability
        self._spool = spool

    def problem(self) -> str:
        """Why nothing may be acknowledged now; "" when it may."""
        return self._durability.problem() and self._spool.problem()

    async def confirm(self) -> str:
        """Nothing: see the class."""
        return ""


class Durability:
    """Checks that the log syncs. `problem` is cheap and is called for every request.

    `reconnections` counts the connections to the log so far; `monitor_url` is the HTTP monitoring
    address of the server; `required` False only reports.
    """

    def __init__(
        self,
        *,
        monitor_url: str,
        reconnections: Callable[[], int],
        health: Health,
        required: bool = True,
    ) -> None:
        self._url = f"{monitor_url.rstrip('/')}/varz"
        self._reconnections = reconnections
        self._health = health
        self._required = required
        self._problem = "the log is not known to sync to disk yet"
        self._checked_at = -1
        self._checks = PeriodicCheck(self._check, self._wait_seconds, name="durability-watch")
        self._confirmed = asyncio.Event()
        if required:
            health.expect(PART)

    def problem(self) -> str:
        """Why nothing may be acknowledged now; "" when it may."""
        if not self._required:
            return ""
        if self._checked_at != self._reconnections() and not self._problem:
            self._problem = "the log was reconnected and is not known to sync to disk yet"
            self._health.down(PART, self._problem)
            self._confirmed.clear()
            self._checks.soon()
        return self._problem

    async def confirm(self) -> str:
        """`problem`, after waiting up to two seconds for a check under way.

        For what the log acknowledged just now, perhaps over a new connection.
        """
        if problem := self.problem():
            try:
                async with asyncio.timeout(_CONFIRM_SECONDS):
                    await self._confirmed.wait()
            except TimeoutError:
                return problem
        return ""

    async def start(self) -> None:
        """Check once, then again and again. Waits for the first answer."""
        if self._required:
            await self._checks.start()

    async def stop(self) -> None:
        """Stop checking."""
        await self._checks.stop()

    def _wait_seconds(self) -> float:
        return _RETRY_SECONDS if self._problem else _CHECK_SECONDS

    async def _check(self) -> None:
        connection = self._reconnections()
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(self._url) as response,
            ):
                found = problem_in(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError):
            if self._checked_at == connection and not self._problem:
                return  # the same connection to a server that was found to sync
            found = f"the log's monitoring address {self._url} does not answer"
        if found and found != self._problem:
            logger.error("log not durable", extra={"error": found})
        self._problem, self._checked_at = found, connection
        if found:
            self._confirmed.clear()
            self._health.down(PART, found)
        else:
            self._confirmed.set()
            self._health.up(PART)
