"""Proof that the log syncs to disk before it acknowledges (`sync_interval: always`).

Without it a power cut loses what was acknowledged, so no 2xx is given for that until it has been
seen; where there is a spool, ingest goes there meanwhile (`Sheltered`). The proof is the server's
own word on its monitoring port, asked again after every reconnection, since another server, or
another configuration, may be there then.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol

import aiohttp
import msgspec

from seamark.service.health import Health

logger = logging.getLogger(__name__)
PART: Final = "durability"
_ASK_AGAIN_SECONDS: Final = 10.0
_ASK_SOON_SECONDS: Final = 0.5
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


class Disk(Protocol):
    """What takes the log's place (`collector.spool.spool.Spool`)."""

    def problem(self, size: int = 0) -> str:
        """Why it takes nothing; "" when it does."""


class Sheltered:
    """The promise where there is a spool: what the log cannot be trusted with, the disk keeps.

    The publisher holds back what the log acknowledged without being trusted, so there is nothing
    to confirm behind it.
    """

    def __init__(self, durability: "Durability", disk: Disk) -> None:
        self._durability = durability
        self._disk = disk

    def problem(self) -> str:
        """Why nothing may be acknowledged now; "" when it may."""
        return self._durability.problem() and self._disk.problem()

    async def confirm(self) -> str:
        """Nothing: see the class."""
        return ""


class Durability:
    """Watches the log's promise. `problem` is cheap and is asked for every request.

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
        self._problem = "the log has not been seen to sync to disk yet"
        self._seen_at = -1
        self._ask = asyncio.Event()
        self._proven = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        if required:
            health.expect(PART)

    def problem(self) -> str:
        """Why nothing may be acknowledged now; "" when it may."""
        if not self._required:
            return ""
        if self._seen_at != self._reconnections() and not self._problem:
            self._problem = "the log came back and has not been seen to sync to disk yet"
            self._health.down(PART, self._problem)
            self._proven.clear()
            self._ask.set()
        return self._problem

    async def confirm(self) -> str:
        """`problem`, after waiting a little for a proof that is being asked for.

        For what the log acknowledged just now, perhaps over a new connection.
        """
        if problem := self.problem():
            try:
                async with asyncio.timeout(_CONFIRM_SECONDS):
                    await self._proven.wait()
            except TimeoutError:
                return problem
        return ""

    async def start(self) -> None:
        """Ask once, then keep asking. Waits for the first answer."""
        if self._required:
            await self._look()
            self._task = asyncio.create_task(self._watch(), name="durability-watch")

    async def stop(self) -> None:
        """Stop asking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while True:
            wait = _ASK_SOON_SECONDS if self._problem else _ASK_AGAIN_SECONDS
            try:
                async with asyncio.timeout(wait):
                    await self._ask.wait()
            except TimeoutError:
                pass
            self._ask.clear()
            await self._look()

    async def _look(self) -> None:
        connection = self._reconnections()
        try:
            async with (
                aiohttp.ClientSession(timeout=_TIMEOUT) as session,
                session.get(self._url) as response,
            ):
                found = problem_in(await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError):
            if self._seen_at == connection and not self._problem:
                return  # the same connection to the same server, which has said so before
            found = f"the log's monitoring address {self._url} does not answer"
        if found and found != self._problem:
            logger.error("log not durable", extra={"why": found})
        self._problem, self._seen_at = found, connection
        if found:
            self._proven.clear()
            self._health.down(PART, found)
        else:
            self._proven.set()
            self._health.up(PART)
