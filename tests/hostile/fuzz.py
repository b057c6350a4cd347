"""The fuzzer: random requests to a whole stack, and what must hold of every answer and at the end.

    python -m tests.hostile.fuzz --bodies 100000 --seed 7      (make fuzz: a million)

No answer is a 5xx (gRPC: INTERNAL, UNKNOWN, UNAVAILABLE), no stream stops, and what was accepted is
stored or dead-lettered, in every place it is counted (`seamark verify`). The seed is printed; with
it a request is made again by its number.
"""

import argparse
import asyncio
import json
import secrets
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import grpc

from tests.hostile.fuzz_bodies import Case, case_of
from tests.hostile.verified import verified
from tests.system.stack import Stack

_AT_ONCE: Final = 16
_SHOWN: Final = 10
_ENVIRONMENT: Final = {"SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "2"}
_SETTLE_SECONDS: Final = 300.0
_BAD_CODES: Final = {
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.UNAVAILABLE,
}


@dataclass(slots=True)
class Found:
    """What came of a run."""

    answers: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    sums: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


class Sender:
    """Sends cases to one stack."""

    def __init__(self, stack: Stack, found: Found, folder: Path) -> None:
        self._urls = stack.urls
        self._key = stack.credentials["ingest_key"]
        self._found = found
        self._folder = folder

    async def send(self, seed: int, bodies: int) -> None:
        """Send so many, some at once."""
        numbers = iter(range(bodies))
        address = self._urls.grpc.removeprefix("http://")
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_AT_ONCE)) as session,
            grpc.aio.insecure_channel(address) as channel,
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(_AT_ONCE):
                tasks.create_task(self._each(numbers, seed, session, channel))

    async def _each(self, numbers: Any, seed: int, session: Any, channel: Any) -> None:
        for number in numbers:
            case = case_of(seed, number, now_ns=time.time_ns())
            try:
                if case.method:
                    await self._call(case, channel)
                else:
                    await self._post(case, session)
            except (aiohttp.ClientError, OSError) as error:
                self._fault(case, f"no answer: {error!r}")

    async def _post(self, case: Case, session: aiohttp.ClientSession) -> None:
        headers = {"X-API-Key": self._key, **case.headers}
        async with session.post(
            self._urls.ingest + case.path, data=case.body, headers=headers
        ) as answer:
            text = await answer.read()
        self._found.answers[f"{case.path} {answer.status}"] += 1
        if answer.status >= 500:
            self._fault(case, f"{answer.status} {text[:200]!r}")

    async def _call(self, case: Case, channel: grpc.aio.Channel) -> None:
        call = channel.unary_unary(case.method)
        try:
            await call(case.body, metadata=(("x-api-key", self._key),), timeout=30)
            code = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            code = error.code()
            if code in _BAD_CODES:
                self._fault(case, f"{code.name} {error.details()!r}")
        self._found.answers[f"{case.method} {code.name}"] += 1

    def _fault(self, case: Case, what: str) -> None:
        path = self._folder / f"case-{case.number}.bin"
        path.write_bytes(case.body)
        self._found.faults.append(
            f"case {case.number} to {case.path or case.method} {case.headers}: {what} ({path})"
        )


def fuzz(*, seed: int, bodies: int, folder: Path) -> Found:
    """Run, and check the outcome. `folder` keeps the bodies that failed."""
    found = Found()
    started = time.monotonic()
    with Stack(folder / "data", environment=_ENVIRONMENT) as stack:
        asyncio.run(Sender(stack, found, folder).send(seed, bodies))
        _settle(stack, found)
    found.seconds = time.monotonic() - started
    return found


def _settle(stack: Stack, found: Found) -> None:
    """Wait until all is stored and archived, and compare every count."""
    told = verified(stack, seconds=_SETTLE_SECONDS)
    if told.returncode != 0:
        why = json.loads(told.stdout) if told.stdout else {}
        different = why.get("differences") or why.get("under_way") or why.get("damaged")
        found.faults.append(f"verify: {different or told.stderr[-500:]}")
        return
    hours = json.loads(told.stdout)["hours"]
    names = ("offered", "accepted", "rejected", "duplicate", "dead_lettered", "stored", "archived")
    found.sums = {name: sum(hour[name] for hour in hours) for name in names}
    sums = found.sums
    if not sums["accepted"]:
        found.faults.append(f"nothing was accepted: {sums}")
    if sums["accepted"] != sums["stored"] + sums["duplicate"] + sums["dead_lettered"]:
        found.faults.append(f"accepted is not stored, duplicate or dead-lettered: {sums}")
    if sums["archived"] != sums["stored"]:
        found.faults.append(f"archived is not stored: {sums}")
    for sink in ("rows", "archive"):  # whatever is accepted can be stored
        lines = (stack.data / "logs" / f"{sink}.log").read_text().splitlines()
        found.faults += [line for line in lines if "went to the dead letters" in line]
    _, rows = stack.status()
    found.faults += [f"{row['name']} is not ready" for row in rows if not row["ready"]]
    with urllib.request.urlopen(f"{stack.urls.rows}/readyz", timeout=10) as answer:
        report = json.loads(answer.read())
    found.faults += [f"rows is degraded: {one}" for one in report["degraded"]]


def main(arguments: list[str]) -> int:
    """Run as told; 1 when something did not hold."""
    parser = argparse.ArgumentParser(prog="tests.hostile.fuzz")
    parser.add_argument("--bodies", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    told = parser.parse_args(arguments)
    print(f"seed {told.seed}, {told.bodies:,} bodies", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="seamark-fuzz-"))
    found = fuzz(seed=told.seed, bodies=told.bodies, folder=folder)
    for name, count in sorted(found.answers.items()):
        print(f"{count:>9,} {name}")
    print(f"{found.seconds:.0f} s; {found.sums}")
    for fault in found.faults[:_SHOWN]:
        print(f"FAULT {fault}")
    if found.faults:
        print(f"{len(found.faults)} faults; seed {told.seed}; bodies in {folder}")
    return 1 if found.faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
