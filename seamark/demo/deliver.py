"""Delivers batches with retries: the same batchId again until there is an answer."""

import asyncio
import logging
import random
import zlib
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import msgspec

from seamark.demo.access import DemoAccess
from seamark.demo.tally import DemoTally
from seamark.demo.visits import Page, Visit

logger = logging.getLogger(__name__)
_RETRYABLE: Final = frozenset({408, 429, 500, 502, 503, 504})
_LONGEST_PAUSE: Final = 10.0


class _Refusal(msgspec.Struct, frozen=True):
    index: int


class _Answer(msgspec.Struct, frozen=True):
    """The parts of a 202 that are counted."""

    accepted: int
    rejected: int = 0
    errors: list[_Refusal] = []


def pause_seconds(attempt: int, retry_after: str | None, jitter: float) -> float:
    """How long to wait before trying again, after `attempt` failures (from 1).

    What the server asked for (in seconds; its HTTP dates are ignored), else 0.2 s doubling to 10 s.
    `jitter` in [0, 1) spreads clients over the upper half, and never shortens what the server asked
    for.
    """
    if retry_after is not None:
        try:
            return max(0.0, float(retry_after)) * (1 + jitter / 10)
        except ValueError:
            logger.debug("a Retry-After that is no number", extra={"value": retry_after})
    return float(min(_LONGEST_PAUSE, 0.1 * 2 ** min(attempt, 10)) * (0.5 + jitter / 2))


class DemoDelivery:
    """Sends the batches of visits and counts what was accepted."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        access: DemoAccess,
        tally: DemoTally,
        *,
        patience_seconds: float = 120.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._session = session
        self._url = f"{access.ingest_url}/v1/ingest/batch"
        self._key = access.key
        self._tally = tally
        self._patience_seconds = patience_seconds
        self._sleep = sleep
        self._jitter = random.Random()

    def hurry(self) -> None:
        """Give up on what is not accepted by its next try, because the process ends."""
        self._patience_seconds = 0.0

    async def send(self, visit: Visit, page: Page, body: bytes) -> None:
        """Send one batch until it is accepted, refused for good, or out of tries."""
        self._tally.offered += len(page.events)
        headers = {
            "X-API-Key": self._key,
            "User-Agent": visit.browser.agent,
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        packed = zlib.compress(body, 1, 31)
        loop = asyncio.get_running_loop()
        began = loop.time()
        attempt, trouble = 0, ""
        while True:
            retry_after = None
            try:
                async with self._session.post(self._url, data=packed, headers=headers) as reply:
                    content = await reply.read()
                    if reply.status == 202:
                        self._accepted(page, content)
                        return
                    trouble = f"{reply.status}: {content[:200].decode(errors='replace')}"
                    if reply.status not in _RETRYABLE:
                        self._tally.refused += len(page.events)
                        logger.error("batch refused", extra={"answer": trouble})
                        return
                    retry_after = reply.headers.get("Retry-After")
            except (aiohttp.ClientError, TimeoutError) as error:
                trouble = f"{type(error).__name__}: {error}"
            attempt += 1
            pause = pause_seconds(attempt, retry_after, self._jitter.random())
            if loop.time() + pause > began + self._patience_seconds:
                self._tally.unknown += len(page.events)
                logger.error("batch given up", extra={"tries": attempt, "last": trouble})
                return
            self._tally.retries += 1
            await self._sleep(pause)

    def _accepted(self, page: Page, content: bytes) -> None:
        answer = msgspec.json.decode(content, type=_Answer)
        refused = {refusal.index for refusal in answer.errors}
        if answer.accepted + len(refused) != len(page.events):
            raise ValueError(f"the answer does not add up: {content[:200]!r}")
        if refused:
            logger.warning("events rejected", extra={"answer": content[:300].decode()})
        self._tally.accept(page.events, refused)
