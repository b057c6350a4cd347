"""Asks the stack for its totals before and after, and waits until they differ by what was sent."""

import asyncio
from collections.abc import Iterable
from typing import Final

import aiohttp

from seamark.demo.access import DemoAccess
from seamark.demo.questions import DemoQuestion, DemoWindow, Line, Totals, compare, totals

_POLL_SECONDS: Final = 0.5
_AT_ONCE: Final = 4
_SETTLE_TRIES: Final = 30


class Unanswered(Exception):
    """The API did not answer a question; the message has the answer."""


class Asker:
    """Puts questions to the API with a query token."""

    def __init__(self, session: aiohttp.ClientSession, access: DemoAccess) -> None:
        self._session = session
        self._url = f"{access.api_url}/v1/query/timeseries"
        self._headers = {"Authorization": f"Bearer {access.token}"}
        self._gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(self, question: DemoQuestion, window: DemoWindow) -> Totals:
        """The totals of one question. Raises Unanswered."""
        body = question.body(window)
        async with self._gate:
            try:
                reply = await self._session.post(self._url, json=body, headers=self._headers)
                async with reply:
                    text = await reply.text()
                    if reply.status != 200:
                        raise Unanswered(f"{question.metric}: {reply.status} {text[:300]}")
                    return totals(question, await reply.json())
            except aiohttp.ClientError as error:
                raise Unanswered(f"{question.metric}: {error}") from error

    async def ask_all(self, questions: Iterable[DemoQuestion], window: DemoWindow) -> Totals:
        """The totals of many questions in one mapping. Raises Unanswered."""
        found: Totals = {}
        for part in await asyncio.gather(*(self.ask(q, window) for q in questions)):
            found |= part
        return found

    async def settle(self, questions: list[DemoQuestion], window: DemoWindow) -> Totals:
        """Totals that two askings a second apart agree on: nothing older is still on its way.

        Raises Unanswered when they never do: another program sends to the same org.
        """
        last = await self.ask_all(questions, window)
        for _ in range(_SETTLE_TRIES):
            await asyncio.sleep(1.0)
            now = await self.ask_all(questions, window)
            if now == last:
                return now
            last = now
        raise Unanswered("a stable answer: another program is sending to this org")

    async def until_equal(
        self, wanted: Totals, before: Totals, window: DemoWindow, *, deadline_seconds: float
    ) -> list[Line]:
        """Ask until everything is equal or the deadline is over; the last comparison."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_seconds
        questions = sorted({key[0] for key in wanted}, key=repr)
        while True:
            lines = compare(wanted, before, await self.ask_all(questions, window))
            if all(line.equal for line in lines) or loop.time() > deadline:
                return lines
            await asyncio.sleep(_POLL_SECONDS)
