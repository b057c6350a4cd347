"""Two collectors, three tenants, one of which sends twenty times its limit; Redis goes and comes.

    python -m tests.hostile.limits --seconds 120      (make limits)

The greedy tenant gets its rate and no more in each phase; all requests of the others are taken, and
they wait no longer than without it. At the end the log's counts are those of the senders.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp

from seamark.service.connections import LogSettings, connect_log
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, digest, put_record
from seamark.service.registry.limits import OrgLimits
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.collector_process import ROUTE, CollectorProcess, messages, prepare
from tests.support.servers import NatsServer, RedisServer

GREEDY: Final = "mallory"
INNOCENT: Final = ("alpha", "beta")
LIMIT: Final = 100.0
"""Items a second of the greedy tenant; it sends twenty times as much."""
_COLLECTORS: Final = 2
_EVENTS: Final = 5
_TIMES: Final = 20
_INNOCENT_PER_SECOND: Final = 10
_TOLERANCE: Final = 0.05
_BURST_SECONDS: Final = 1.0
_AWAY: Final = "redis away"
_LOCAL: Final = "seamark_collector_limits_local 1.0"
_SETTLE_SECONDS: Final = 2.5
"""From a change to the next figure: its burst is spent, and Redis is seen to be away or back."""


@dataclass(slots=True)
class Sent:
    """The answers to one tenant's requests."""

    accepted: list[tuple[float, int]] = field(default_factory=list)
    limited_items: int = 0
    other: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def rate(self, since: float, until: float) -> float:
        """Accepted items a second between two times."""
        return sum(n for at, n in self.accepted if since <= at < until) / (until - since)


@dataclass(slots=True)
class Course:
    """What was seen, by phase."""

    greedy: dict[str, float] = field(default_factory=dict)
    innocent: dict[str, float] = field(default_factory=dict)
    p95: dict[str, float] = field(default_factory=dict)
    local: dict[str, int] = field(default_factory=dict)
    """How many collectors grant by themselves: two halves are a whole, so rates do not tell."""
    faults: list[str] = field(default_factory=list)

    def text(self) -> str:
        """A table by phase, and the faults."""
        lines = [f"{'phase':<12} greedy/s  innocent/s  p95 ms"]
        lines += [
            f"{phase:<12} {self.greedy[phase]:8.1f}  {self.innocent[phase]:10.1f}  "
            f"{self.p95[phase] * 1000:6.0f}"
            for phase in self.greedy
        ]
        return "\n".join([*lines, *(self.faults or ["no fault"])])


class Senders:
    """Sends for all tenants to both collectors in turn."""

    def __init__(self, session: aiohttp.ClientSession, ports: list[int]) -> None:
        self._session = session
        self._ports = ports
        self.sent = {org: Sent() for org in (GREEDY, *INNOCENT)}
        self._under_way: set[asyncio.Task[None]] = set()

    async def keep_sending(self, org: str, per_second: float, stop: asyncio.Event) -> None:
        """So many requests a second, without waiting for answers, until `stop`."""
        due = time.monotonic()
        number = 0
        while not stop.is_set():
            due += 1 / per_second
            number += 1
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._send(org, self._ports[number % len(self._ports)]))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def finish(self) -> None:
        """Wait for the answers that are still to come."""
        await asyncio.gather(*self._under_way)

    async def _send(self, org: str, port: int) -> None:
        sent, started = self.sent[org], time.monotonic()
        events = [{"ts": 1, "name": "page_view"}] * _EVENTS
        url = f"http://127.0.0.1:{port}{ROUTE}"
        try:
            async with self._session.post(
                url, data=json.dumps({"events": events}), headers={"X-API-Key": f"smk_{org}"}
            ) as answer:
                document = json.loads(await answer.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            sent.other[type(error).__name__] += 1
            return
        now = time.monotonic()
        sent.seconds.append(now - started)
        if answer.status == 202:
            sent.accepted.append((now, document["accepted"]))
        elif answer.status == 429 and document["error"]["reason"] == "rate_limited":
            assert document["nextRetryAfterMs"] >= 1000
            assert int(answer.headers["Retry-After"]) >= 1
            sent.limited_items += _EVENTS
        else:
            sent.other[f"{answer.status} {document['error']['reason']}"] += 1


async def _seed(url: str) -> None:
    client = await connect_log(LogSettings(url=url), name="test")
    bucket = await client.jetstream().key_value(CONFIG_BUCKET)
    for org in (GREEDY, *INNOCENT):
        limits = OrgLimits(items_per_second=LIMIT, burst_seconds=_BURST_SECONDS)
        await put_record(bucket, OrgRecord(org=org, name=org, limits=limits))
        await put_record(bucket, AppRecord(org=org, app="app"))
        secret = digest(f"smk_{org}")
        await put_record(bucket, KeyRecord(key_id=f"k-{org}", org=org, app="app", digest=secret))
    await client.close()


async def _phases(
    course: Course, collectors: list[CollectorProcess], seconds: float, redis: RedisServer
) -> dict[str, Sent]:
    async def phase(name: str, seconds: float) -> None:
        await _phase(course, senders, name, seconds)
        pages = [await asyncio.to_thread(each.own_metrics) for each in collectors]
        course.local[name] = sum(_LOCAL in page for page in pages)

    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=20)
    ) as session:
        senders = Senders(session, [collector.port for collector in collectors])
        stop = asyncio.Event()
        tasks = [
            asyncio.create_task(senders.keep_sending(org, _INNOCENT_PER_SECOND, stop))
            for org in INNOCENT
        ]
        await phase("quiet", seconds / 4)
        rate = _TIMES * LIMIT / _EVENTS
        tasks.append(asyncio.create_task(senders.keep_sending(GREEDY, rate, stop)))
        await phase("greedy", seconds)
        await asyncio.to_thread(redis.kill)
        await phase(_AWAY, seconds)
        await asyncio.to_thread(redis.start)
        await phase("redis back", seconds)
        stop.set()
        await asyncio.gather(*tasks)
        await senders.finish()
        return senders.sent


async def _phase(course: Course, senders: Senders, name: str, seconds: float) -> None:
    await asyncio.sleep(_SETTLE_SECONDS)
    since, before = time.monotonic(), {org: len(senders.sent[org].seconds) for org in INNOCENT}
    await asyncio.sleep(seconds)
    until = time.monotonic()
    course.greedy[name] = senders.sent[GREEDY].rate(since, until)
    course.innocent[name] = sum(senders.sent[org].rate(since, until) for org in INNOCENT)
    waits = sorted(wait for org in INNOCENT for wait in senders.sent[org].seconds[before[org] :])
    course.p95[name] = waits[int(len(waits) * 0.95)]


def _judge(
    course: Course, sent: dict[str, Sent], log: NatsServer, *, seconds: float, floor_seconds: float
) -> None:
    # a sender that the machine held up for a moment has a burst to its credit in a short phase
    off = max(_TOLERANCE, _BURST_SECONDS / seconds) * LIMIT
    for phase, rate in course.greedy.items():
        if phase != "quiet" and abs(rate - LIMIT) > off:
            course.faults.append(f"{phase}: {rate:.1f} items/s of the greedy, limit {LIMIT:g}")
    for phase, local in course.local.items():
        expected = _COLLECTORS if phase == _AWAY else 0
        if local != expected:
            course.faults.append(f"{phase}: {local} collectors grant by themselves, not {expected}")
    for org, found in sent.items():
        course.faults += [f"{org}: {why}, {n} times" for why, n in found.other.items()]
        if org != GREEDY and found.limited_items:
            course.faults.append(f"{org}: {found.limited_items} items limited, though within")
    worst = max(course.p95.values())
    if worst > max(2 * course.p95["quiet"], floor_seconds):
        course.faults.append(f"p95 of the innocent {worst * 1000:.0f} ms")
    counted = {org: Counter[str]() for org in sent}
    for message in messages(log):
        for envelope in message.envelopes:
            counted[envelope.texts[1]].update(envelope.outcome)
    for org, found in sent.items():
        accepted = sum(n for _, n in found.accepted)
        wanted = {
            "offered": accepted + found.limited_items,
            "accepted": accepted,
            "limited": found.limited_items,
        }
        ledger = {name: counted[org][name] for name in wanted}
        if ledger != wanted:
            course.faults.append(f"{org}: the log counts {ledger}, the sender {wanted}")


def run(
    seconds: float,
    folder: Path,
    *,
    floor_seconds: float = 0.1,
    report: Callable[[str], object] = str,
) -> Course:
    """Three phases of so many seconds, and a quarter of that before them; what did not hold is in
    `faults`. A 95th percentile below `floor_seconds` is no wait."""
    course = Course()
    with ExitStack() as stack:
        log = stack.enter_context(NatsServer(folder / "nats"))
        redis = stack.enter_context(RedisServer(folder / "redis"))
        prepare(log)
        asyncio.run(_seed(log.url))
        collectors = [CollectorProcess(log, folder / f"c{n}") for n in range(_COLLECTORS)]
        with ExitStack() as running:
            for collector in collectors:
                collector.environ["SEAMARK_CACHE_URL"] = redis.url
                running.enter_context(collector)
            sent = asyncio.run(_phases(course, collectors, seconds, redis))
        _judge(course, sent, log, seconds=seconds, floor_seconds=floor_seconds)
    report(course.text())
    return course


def main() -> int:
    """The command; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=120.0, help="of each phase")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seamark-limits-") as folder:
        return bool(run(chosen.seconds, Path(folder), report=print).faults)


if __name__ == "__main__":
    sys.exit(main())
