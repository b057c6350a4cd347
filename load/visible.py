"""How long after its 202 an event is in the answer to a question.

Every quarter of a second a marker is sent: an event of its own whose name, with its number as
`feature_id`, no other has. The API is asked, past its cache, until every marker is counted once.
Markers share a name in fifties, so that one question sees all that are on their way: a question
for each would load the store with the measuring. Resolution: the pause between two questions.
"""

import argparse
import asyncio
import dataclasses
import json
import secrets
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from load.schedule import SpreadSchedule, spread
from load.target import access
from seamark.demo.access import DemoAccess

EVERY_SECONDS: Final = 0.25
_ASK_SECONDS: Final = 0.1
_PER_NAME: Final = 50
_GIVE_UP_SECONDS: Final = 60.0


@dataclass(slots=True)
class Markers:
    """Markers on their way, and how long the others took. Times on one monotonic clock."""

    run: str
    acknowledged: dict[int, float] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def name(self, number: int) -> str:
        """Name of the event that is marker `number`."""
        return f"load.{self.run}.marker.{number // _PER_NAME}"

    def names(self) -> list[str]:
        """Names with markers on their way."""
        return sorted({self.name(number) for number in self.acknowledged})

    def seen(self, name: str, answer: Mapping[str, Any], now: float) -> None:
        """Take an answer: a marker counted exactly once has arrived; more than once is wrong."""
        column = answer["columns"].index("count")
        for series in answer["series"]:
            number = int(series["labels"]["feature"])
            count = sum(row[column] for row in series["rows"])
            if number not in self.acknowledged or self.name(number) != name:
                continue
            if count != 1:
                self.wrong.append(f"{name}/{number}: {count}")
            self.seconds.append(now - self.acknowledged.pop(number))


@dataclass(frozen=True, slots=True)
class Visible:
    """The figures: milliseconds from the 202 to the answer."""

    sent: int
    seen: int
    refused: int
    wrong: list[str]
    latency_ms: SpreadSchedule


class Probe:
    """Sends and looks for markers until stopped."""

    def __init__(self, session: aiohttp.ClientSession, who: DemoAccess, run: str) -> None:
        self._session = session
        self._who = who
        self._markers = Markers(run)
        self._sent = 0
        self._refused = 0
        self._done = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> Visible:
        """Send until `stop` is set, then look until everything was seen or a minute is over."""
        asking = asyncio.create_task(self._ask())
        try:
            while not stop.is_set():
                await self._send(self._sent)
                self._sent += 1
                try:
                    await asyncio.wait_for(stop.wait(), EVERY_SECONDS)
                except TimeoutError:
                    continue
            self._done.set()
            await asyncio.wait_for(asking, _GIVE_UP_SECONDS)
        except TimeoutError:
            pass  # what was not seen is missing from `seen`
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        raw = spread([value * 1000 for value in self._markers.seconds])
        rounded = (round(v, 1) for v in (raw.p50, raw.p95, raw.p99, raw.max, raw.mean))
        return Visible(
            sent=self._sent,
            seen=raw.count,
            refused=self._refused,
            wrong=self._markers.wrong,
            latency_ms=SpreadSchedule(raw.count, *rounded),
        )

    async def _send(self, number: int) -> None:
        now_ms = time.time_ns() // 1_000_000
        event = {
            "ts": now_ms,
            "name": self._markers.name(number),
            "attrs": {"feature_id": str(number)},
        }
        body = {
            "sdk": {"name": "seamark-load", "version": "1"},
            "sentAt": now_ms,
            "batchId": f"{self._markers.run}-marker-{number}",
            "events": [event],
        }
        url = f"{self._who.ingest_url}/v1/ingest/batch"
        headers = {"X-API-Key": self._who.key}
        try:
            async with self._session.post(url, json=body, headers=headers) as reply:
                await reply.read()
                if reply.status == 202:
                    self._markers.acknowledged[number] = time.perf_counter()
                    return
        except aiohttp.ClientError as error:
            print(f"load: a marker was lost: {error}", file=sys.stderr)
        self._refused += 1

    async def _ask(self) -> None:
        url = f"{self._who.api_url}/v1/query/timeseries"
        headers = {"Authorization": f"Bearer {self._who.token}"}
        while self._markers.acknowledged or not self._done.is_set():
            for name in self._markers.names():
                question = {
                    "metric": name,
                    "source": "events",
                    "from": "now-10m",
                    "to": "now",
                    "granularity": "1m",
                    "groupBy": ["feature"],
                    "agg": ["count"],
                    "limit": 1000,
                    "cache": False,
                }
                async with self._session.post(url, json=question, headers=headers) as reply:
                    reply.raise_for_status()
                    answer = await reply.json()
                self._markers.seen(name, answer, time.perf_counter())
            await asyncio.sleep(_ASK_SECONDS)


async def probe(who: DemoAccess, run: str, stop: asyncio.Event) -> Visible:
    """Run one probe with a session of its own."""
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return await Probe(session, who, run).run(stop)


async def _for_seconds(who: DemoAccess, seconds: float) -> Visible:
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    return await probe(who, secrets.token_hex(4), stop)


def main(argv: Sequence[str] | None = None) -> int:
    """`python -m load.visible`. Exit 0 when every marker was seen exactly once."""
    arguments = argparse.ArgumentParser(prog="python -m load.visible", description=__doc__)
    arguments.add_argument("--credentials", type=Path, help="credentials.json of the stack")
    arguments.add_argument("--duration", type=float, default=30.0, help="seconds (default 30)")
    options = arguments.parse_args(argv)
    found = asyncio.run(_for_seconds(access(options.credentials), options.duration))
    print(json.dumps(dataclasses.asdict(found), indent=2))
    return 0 if found.seen == found.sent and not found.wrong else 1


if __name__ == "__main__":
    sys.exit(main())
