"""Clients that retry by `batchId` until they are answered, and the oracle of what was accepted."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field

import aiohttp

NAMES = ("page_view", "feature_click", "checkout.latency", "exception")
PAUSE_SECONDS = 0.1


@dataclass(slots=True)
class Oracle:
    """What the collector said it accepted: events for each receipt, and values for each name."""

    events: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)
    attempts: int = 0
    duplicates_sent: int = 0

    @property
    def accepted(self) -> int:
        """Events in all accepted batches."""
        return self.events.total()


class Clients:
    """`workers` clients, each sending one batch after the other, `rate` batches a second in all.

    A batch that was not answered with 202 is sent again, the same, until it is. One in ten that
    was is sent once more, as a client would whose answer was lost.
    """

    def __init__(self, url: str, key: str, *, seed: int, workers: int = 8, rate: float) -> None:
        self.oracle = Oracle()
        self._url = url
        self._headers = {"X-API-Key": key}
        self._seed = seed
        self._workers = workers
        self._pause = workers / rate
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start sending."""
        self._tasks = [asyncio.create_task(self._work(n)) for n in range(self._workers)]

    async def stop(self) -> Oracle:
        """Stop making new batches, wait until every one under way is answered."""
        self._stop.set()
        await asyncio.gather(*self._tasks)
        return self.oracle

    async def _work(self, worker: int) -> None:
        chance = random.Random(f"{self._seed}/{worker}")
        number = 0
        timeout = aiohttp.ClientTimeout(total=5)
        async with aiohttp.ClientSession(headers=self._headers, timeout=timeout) as session:
            while not self._stop.is_set():
                number += 1
                batch_id = f"{self._seed}-{worker}-{number}"
                events = [
                    {
                        "ts": int(time.time() * 1000),
                        "name": chance.choice(NAMES),
                        "value": chance.randint(1, 1000),
                        "attrs": {"page": f"/p/{chance.randint(0, 9)}", "country": "NL"},
                        "sessionId": f"s{worker}-{number % 50}",
                        "userAnonId": f"u{worker}",
                    }
                    for _ in range(chance.randint(1, 40))
                ]
                body = {"batchId": batch_id, "sentAt": int(time.time() * 1000), "events": events}
                receipt = await self._until_accepted(session, body)
                self.oracle.events[receipt] = len(events)
                for event in events:
                    self.oracle.values[str(event["name"])] += int(str(event["value"]))
                if chance.random() < 0.1:
                    self.oracle.duplicates_sent += 1
                    assert await self._until_accepted(session, body) == receipt
                await asyncio.sleep(chance.uniform(0, 2 * self._pause))

    async def _until_accepted(self, session: aiohttp.ClientSession, body: dict[str, object]) -> str:
        while True:
            self.oracle.attempts += 1
            try:
                async with session.post(f"{self._url}/v1/ingest/batch", json=body) as answer:
                    if answer.status == 202:
                        reply = await answer.json()
                        assert reply["rejected"] == 0, reply
                        return str(reply["receiptId"])
                    assert answer.status in (429, 503), (answer.status, await answer.text())
            except (aiohttp.ClientError, TimeoutError):
                pass  # refused, cut off or silent: send the same again
            await asyncio.sleep(PAUSE_SECONDS)
