"""Three tenants on one stack, one of which attacks: the others lose nothing and hardly wait.

    python -m tests.hostile.attack --seconds 600      (make attack)

The two innocent tenants send at a steady rate all the while, over HTTP and gRPC. The attack comes
and goes, so that their times with it and without it are of the same minutes. At the end everything
they had accepted is stored, and no process was larger than `BOUNDS` (docs/degradation.md).
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import grpc
import psutil
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.receivers.otlp_kinds import LOGS
from seamark.recovery.positions import bucket_of, open_log
from seamark.recovery.stack import find
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, digest, put_record
from seamark.wire.buckets import CONFIG_BUCKET
from tests.hostile.verified import verified
from tests.system.stack import Stack

INNOCENT: Final = ("alpha", "beta")
HOSTILE: Final = "mallory"
MEBIBYTE: Final = 1024 * 1024
BOUNDS: Final = {
    "collector": 640,
    "rows": 640,
    "archive": 3072,
    "api": 400,
    "store": 4096,
    "nats": 1024,
    "redis": 256,
}
"""Resident memory of each process of the one-machine stack, MiB; docs/degradation.md has why."""
_TIMES: Final = 2.0
_FLOOR_SECONDS: Final = 0.1
"""A 95th percentile below this is no wait, whatever it was without an attack."""
_PER_SECOND: Final = 10
_ITEMS: Final = 5
_SLICE_SECONDS: Final = 10.0
_SETTLE_SECONDS: Final = 300.0


@dataclass(slots=True)
class Outcome:
    """What was seen of the innocent, and of the stack."""

    seconds: dict[bool, list[float]] = field(default_factory=lambda: {False: [], True: []})
    failures: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    memory: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    floor_seconds: float = _FLOOR_SECONDS

    def p95(self, *, attacked: bool) -> float:
        """The 95th percentile of the innocent's requests, in seconds."""
        found = sorted(self.seconds[attacked])
        return found[int(len(found) * 0.95)] if found else 0.0

    def faults(self) -> list[str]:
        """What did not hold."""
        faults = [f"an innocent request: {why}, {n} times" for why, n in self.failures.items()]
        quiet, attacked = self.p95(attacked=False), self.p95(attacked=True)
        if attacked > max(_TIMES * quiet, self.floor_seconds):
            faults.append(
                f"p95 {attacked * 1000:.0f} ms with the attack, {quiet * 1000:.0f} without"
            )
        faults += [
            f"{org}: {self.accepted[org]} accepted, {self.stored[org]} stored"
            for org in INNOCENT
            if self.accepted[org] != self.stored[org] or not self.accepted[org]
        ]
        faults += [
            f"{name} took {size} MiB, its bound is {BOUNDS[name]}"
            for name, size in self.memory.items()
            if size > BOUNDS.get(name, size)
        ]
        return faults + self.notes


def key_of(org: str) -> str:
    """The ingest key of a tenant."""
    return f"smk_attack_{org}"


async def add_tenants(stack: Stack) -> None:
    """Write the records of three orgs, as administration would."""
    async with open_log(find(stack.data, os.environ).log) as client:
        bucket = await bucket_of(client, CONFIG_BUCKET)
        for org in (*INNOCENT, HOSTILE):
            await put_record(bucket, OrgRecord(org=org, name=org, salt=digest(org)[:32]))
            await put_record(bucket, AppRecord(org=org, app="shop"))
            record = KeyRecord(key_id=f"key-{org}", org=org, app="shop", digest=digest(key_of(org)))
            await put_record(bucket, record)


class Innocent:
    """One tenant that sends a batch and a gRPC request in turn, so many a second."""

    def __init__(self, stack: Stack, org: str, outcome: Outcome) -> None:
        self._stack = stack
        self._org = org
        self._outcome = outcome
        self.attacked = False

    async def run(self, seconds: float) -> None:
        """Send for so long."""
        until = time.monotonic() + seconds
        address = self._stack.urls.grpc.removeprefix("http://")
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(30)) as session,
            grpc.aio.insecure_channel(address) as channel,
            asyncio.TaskGroup() as tasks,
        ):
            number = 0
            while time.monotonic() < until:
                number += 1
                way = self._batch(session) if number % 2 else self._records(channel)
                tasks.create_task(self._timed(way))
                await asyncio.sleep(1 / _PER_SECOND)

    async def _timed(self, way: Any) -> None:
        attacked, began = self.attacked, time.perf_counter()
        failure = await way
        self._outcome.seconds[attacked].append(time.perf_counter() - began)
        if failure:
            self._outcome.failures[failure] += 1
        else:
            self._outcome.accepted[self._org] += _ITEMS

    async def _batch(self, session: aiohttp.ClientSession) -> str:
        events = [{"name": "page_view", "ts": time.time_ns() // 1_000_000}] * _ITEMS
        headers = {"X-API-Key": key_of(self._org)}
        url = f"{self._stack.urls.ingest}/v1/ingest/batch"
        try:
            async with session.post(url, json={"events": events}, headers=headers) as answer:
                text = await answer.text()
                return "" if answer.status == 202 else f"{answer.status} {text[:200]}"
        except (aiohttp.ClientError, TimeoutError) as error:
            return repr(error)

    async def _records(self, channel: grpc.aio.Channel) -> str:
        request = ExportLogsServiceRequest()
        scope = request.resource_logs.add().scope_logs.add()
        for _ in range(_ITEMS):
            scope.log_records.add(time_unix_nano=time.time_ns()).body.string_value = "hello"
        call = channel.unary_unary(f"/{LOGS.service}/Export")
        metadata = (("x-api-key", key_of(self._org)),)
        try:
            await call(request.SerializeToString(), metadata=metadata, timeout=30)
        except grpc.aio.AioRpcError as error:
            return f"{error.code().name} {error.details()}"
        return ""


async def _attack_now_and_then(stack: Stack, innocent: list[Innocent], seconds: float) -> None:
    """Quiet, attack, quiet, attack; each as long."""
    ports = stack.urls.ports
    part = min(_SLICE_SECONDS, seconds / 4)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(part)
        command = [sys.executable, "-m", "tests.hostile.attackers"]
        told = [ports.collector_http, ports.collector_grpc, key_of(HOSTILE), part]
        attackers = await asyncio.create_subprocess_exec(*command, *map(str, told))
        await asyncio.sleep(1.0)  # until it has begun
        for one in innocent:
            one.attacked = True
        await attackers.wait()
        for one in innocent:
            one.attacked = False


async def _watch(stack: Stack, outcome: Outcome) -> None:
    """The most memory that each process had."""
    processes = {name: psutil.Process(pid) for name, pid in stack.pids.items()}
    while True:
        for name, process in processes.items():
            try:
                family = [process, *process.children(recursive=True)]
                size = sum(one.memory_info().rss for one in family) // MEBIBYTE
            except psutil.NoSuchProcess:
                outcome.notes.append(f"{name} has died")
                return
            outcome.memory[name] = max(outcome.memory.get(name, 0), size)
        await asyncio.sleep(0.5)


async def _carry_out(stack: Stack, outcome: Outcome, seconds: float) -> None:
    await add_tenants(stack)
    innocent = [Innocent(stack, org, outcome) for org in INNOCENT]
    watching = asyncio.create_task(_watch(stack, outcome))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_attack_now_and_then(stack, innocent, seconds))
        for one in innocent:
            tasks.create_task(one.run(seconds))
    watching.cancel()


def attack(seconds: float, folder: Path, *, floor_seconds: float = _FLOOR_SECONDS) -> Outcome:
    """Run, and check the outcome. Times below `floor_seconds` are no wait."""
    outcome = Outcome(floor_seconds=floor_seconds)
    with Stack(folder / "data") as stack:
        asyncio.run(_carry_out(stack, outcome, seconds))
        _settle(stack, outcome)
    return outcome


def _settle(stack: Stack, outcome: Outcome) -> None:
    told = verified(stack, seconds=_SETTLE_SECONDS)
    if told.returncode != 0:
        outcome.notes.append(f"verify: {told.stdout[:300]} {told.stderr[-300:]}")
        return
    for hour in json.loads(told.stdout)["hours"]:
        outcome.stored[hour["org"]] += hour["stored"]
    _, rows = stack.status()
    outcome.notes += [f"{row['name']} is not ready" for row in rows if not row["ready"]]


def main(arguments: list[str]) -> int:
    """Run as told; 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="tests.hostile.attack")
    parser.add_argument("--seconds", type=float, default=600.0)
    told = parser.parse_args(arguments)
    outcome = attack(told.seconds, Path(tempfile.mkdtemp(prefix="seamark-attack-")))
    for attacked in (False, True):
        name, count = "attacked" if attacked else "quiet", len(outcome.seconds[attacked])
        p95 = outcome.p95(attacked=attacked)
        print(f"{name:<9} {count:>7,} requests of the innocent, p95 {p95 * 1000:.1f} ms")
    print(f"accepted {dict(outcome.accepted)}, stored {dict(outcome.stored)}")
    for name, size in sorted(outcome.memory.items()):
        print(f"{name:<12} {size:>6,} MiB at most, bound {BOUNDS.get(name, 0):,}")
    for fault in outcome.faults():
        print(f"FAULT {fault}")
    return 1 if outcome.faults() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
