"""SIGKILL at random moments, under load, then count: `python -m tests.chaos.kills --rounds 200`.

The stack is the product's own, started with `seamark up`. The victims are its processes by turns of
chance, and now and then the whole tree with its supervisor. In the end every accepted event must
stand exactly once in the raw table and once in each rollup. Everything chance decides comes from
the seed, which is printed.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.chaos.workload import Clients, Oracle

VICTIMS = ("collector", "rows", "store", "nats", "redis", "tree")
START_SECONDS = 60.0


class Stack:
    """`seamark up` as a black box."""

    def __init__(self, data: Path, port_offset: int) -> None:
        self.data = data
        self.port_offset = port_offset
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, port: int) -> str:
        return f"http://127.0.0.1:{port + self.port_offset}"

    def start(self) -> None:
        """Start it; blocks until every part is ready."""
        with (self.data.parent / "up.log").open("ab") as log:
            command = [sys.executable, "-m", "seamark", "up", "--data", str(self.data)]
            command += ["--port-offset", str(self.port_offset)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        self.wait_ready()

    def status(self) -> list[dict[str, object]]:
        command = [sys.executable, "-m", "seamark", "status", "--json", "--data", str(self.data)]
        done = subprocess.run(command, capture_output=True, check=False)
        try:
            parts: list[dict[str, object]] = json.loads(done.stdout)
        except ValueError:
            return []
        return parts

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            parts = self.status()
            if parts and all(part["ready"] for part in parts):
                return
            if time.monotonic() > deadline:
                raise TimeoutError(f"not ready after {START_SECONDS} s: {parts}")
            if self._process is not None and self._process.poll() is not None:
                raise RuntimeError(f"seamark up ended with {self._process.returncode}")
            time.sleep(0.1)

    def kill(self, victim: str, known: list[dict[str, object]]) -> None:
        """SIGKILL one part by name, or everything at once."""
        pids = {str(part["name"]): part["pid"] for part in known}
        if victim != "tree":
            self._kill(pids[victim])
            return
        assert self._process is not None
        for pid in (self._process.pid, *pids.values()):
            self._kill(pid)
        self._process.wait(10)

    @staticmethod
    def _kill(pid: object) -> None:
        if isinstance(pid, int):
            with contextlib.suppress(ProcessLookupError):  # it was between two lives
                os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as a person would; it has ten seconds."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(15)


@dataclass(slots=True)
class Report:
    """What one run found. `differences` is empty when every number is exact."""

    seed: int
    kills: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    attempts: int = 0
    duplicates_sent: int = 0
    stored: dict[str, float] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> str:
        kills = ", ".join(f"{name} {count}" for name, count in sorted(self.kills.items()))
        return "\n".join(
            [
                f"seed {self.seed}: {self.kills.total()} SIGKILLs, {self.seconds:.0f} s ({kills})",
                f"accepted {self.accepted} events, {self.attempts} requests, "
                f"{self.duplicates_sent} batches sent again on purpose",
                "stored " + ", ".join(f"{k} {v:.0f}" for k, v in self.stored.items()),
                "exact" if not self.differences else "\n".join(self.differences),
            ]
        )


async def run(
    stack: Stack, *, rounds: int, seed: int, rate: float = 40.0, progress: bool = False
) -> Report:
    """Start the stack, kill `rounds` times under load, and compare. Blocks for seconds a round."""
    chance = random.Random(seed)
    report = Report(seed)
    started = time.monotonic()
    await asyncio.to_thread(stack.start)
    credentials = json.loads((stack.data / "credentials.json").read_text())
    clients = Clients(stack.url(4318), credentials["ingest_key"], seed=seed, rate=rate)
    clients.start()
    try:
        for number in range(rounds):
            victim = chance.choice(VICTIMS)
            known = await asyncio.to_thread(stack.status)
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            await asyncio.to_thread(stack.kill, victim, known)
            report.kills[victim] += 1
            if victim == "tree":
                await asyncio.to_thread(stack.start)
            elif chance.random() < 0.7:  # else the next kill falls into the recovery
                await asyncio.to_thread(stack.wait_ready)
            if progress:
                print(f"\r{number + 1}/{rounds} {victim:<10}", end="", file=sys.stderr, flush=True)
        await asyncio.to_thread(stack.wait_ready)
        oracle = await clients.stop()
        report.accepted, report.attempts = oracle.accepted, oracle.attempts
        report.duplicates_sent = oracle.duplicates_sent
        await _compare(stack, oracle, report)
    finally:
        await asyncio.to_thread(stack.stop)
    report.seconds = time.monotonic() - started
    return report


async def _compare(stack: Stack, oracle: Oracle, report: Report) -> None:
    """Wait until the readers have caught up, then hold every table against the oracle."""
    async with aiohttp.ClientSession() as session:
        await _drained(session, stack)
        password = json.loads((stack.data / "secrets.json").read_text())["store"]

        async def ask(sql: str) -> list[list[str]]:
            auth = {"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": password}
            async with session.post(stack.url(8123), data=sql, headers=auth) as answer:
                text = await answer.text()
                assert answer.status == 200, text
                return [line.split("\t") for line in text.splitlines()]

        rows = await ask("SELECT receipt, count() FROM seamark.events GROUP BY receipt")
        raw = Counter({receipt: int(count) for receipt, count in rows})
        report.stored["events"] = raw.total()
        for receipt in sorted(oracle.events.keys() | raw.keys()):
            if oracle.events[receipt] != raw[receipt]:
                report.differences.append(
                    f"receipt {receipt}: accepted {oracle.events[receipt]}, raw {raw[receipt]}"
                )
        for table in ("events_1m", "events_1h", "events_1d"):
            found = await ask(
                f"SELECT name, sum(count), sum(value_sum) FROM seamark.{table} GROUP BY 1"
            )
            counts = {name: float(count) for name, count, _ in found}
            values = {name: float(value) for name, _, value in found}
            report.stored[table] = sum(counts.values())
            if sum(counts.values()) != oracle.accepted:
                report.differences.append(
                    f"{table}: accepted {oracle.accepted}, counted {sum(counts.values()):.0f}"
                )
            for name in sorted(oracle.values.keys() | values.keys()):
                if values.get(name, 0.0) != oracle.values[name]:
                    report.differences.append(
                        f"{table} {name}: sum {values.get(name)} for {oracle.values[name]}"
                    )
        ledger = await ask("SELECT sum(accepted) FROM seamark.ledger WHERE signal = 'events'")
        report.stored["ledger"] = float(ledger[0][0])
        if report.stored["ledger"] != oracle.accepted:
            report.differences.append(
                f"ledger: accepted {oracle.accepted}, written {report.stored['ledger']:.0f}"
            )


async def _drained(session: aiohttp.ClientSession, stack: Stack) -> None:
    """Wait until `rows` has written everything that stands in the streams."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        async with session.get(stack.url(8222) + "/jsz?streams=1") as answer:
            account = (await answer.json())["account_details"][0]
        stored = {
            stream["name"]: int(stream["state"]["last_seq"])
            for stream in account["stream_detail"]
            if stream["name"].startswith("SEAMARK_events_")
        }
        async with session.get(stack.url(4321) + "/metrics") as answer:
            lines = (await answer.text()).splitlines()
        written = {
            line.partition('stream="')[2].partition('"')[0]: int(float(line.rpartition(" ")[2]))
            for line in lines
            if line.startswith("seamark_processor_position{")
        }
        if stored and all(written.get(name, 0) >= last for name, last in stored.items()):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {START_SECONDS} s: stored {stored}, written {written}")
        await asyncio.sleep(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="how many SIGKILLs (200)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--rate", type=float, default=40.0, help="batches a second (40)")
    parser.add_argument("--port-offset", type=int, default=2000)
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="seamark-chaos-") as folder:
        stack = Stack(Path(folder) / "data", chosen.port_offset)
        report = asyncio.run(
            run(stack, rounds=chosen.rounds, seed=chosen.seed, rate=chosen.rate, progress=True)
        )
        print("\n" + report.lines())
        if report.differences:
            print((Path(folder) / "up.log").read_text()[-4000:])
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
