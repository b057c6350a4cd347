"""SIGKILL at random moments, under load, then count: `python -m tests.chaos.kills --rounds 200`.

The stack is the product's own, started with `seamark up`. The victims are its processes by turns of
chance, and now and then the whole tree with its supervisor. In the end every accepted event must
stand exactly once in the raw table and once in each rollup. Everything chance decides comes from
the seed, which is printed.
"""

import argparse
import asyncio
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.chaos.workload import Clients, Oracle
from tests.system.stack import Stack

VICTIMS = ("collector", "rows", "store", "nats", "tree")
DRAIN_SECONDS = 60.0


def kill(stack: Stack, victim: str) -> None:
    """SIGKILL one part by name, or the supervisor and every part at once ("tree")."""
    pids = stack.pids
    doomed = [pid for name, pid in pids.items() if victim in (name, "tree")]
    if victim == "tree":
        stack.kill_all()
    for pid in doomed:
        with contextlib.suppress(ProcessLookupError):  # it was between two lives
            os.kill(pid, signal.SIGKILL)


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
    await asyncio.to_thread(lambda: stack.start().wait_ready())
    key = stack.credentials["ingest_key"]
    clients = Clients(stack.urls.ingest, key, seed=seed, rate=rate)
    clients.start()
    try:
        for number in range(rounds):
            victim = chance.choice(VICTIMS)
            await asyncio.sleep(chance.uniform(0.05, 1.5))
            await asyncio.to_thread(kill, stack, victim)
            report.kills[victim] += 1
            if victim == "tree":
                await asyncio.to_thread(lambda: stack.start().wait_ready())
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
        password = stack.secrets["store"]

        async def ask(sql: str) -> list[list[str]]:
            auth = {"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": password}
            async with session.post(stack.urls.store, data=sql, headers=auth) as answer:
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
    deadline = time.monotonic() + DRAIN_SECONDS
    while True:
        async with session.get(stack.urls.nats_monitor + "/jsz?streams=1") as answer:
            account = (await answer.json())["account_details"][0]
        stored = {
            stream["name"]: int(stream["state"]["last_seq"])
            for stream in account["stream_detail"]
            if stream["name"].startswith("SEAMARK_events_")
        }
        async with session.get(stack.urls.rows + "/metrics") as answer:
            lines = (await answer.text()).splitlines()
        written = {
            line.partition('stream="')[2].partition('"')[0]: int(float(line.rpartition(" ")[2]))
            for line in lines
            if line.startswith("seamark_processor_position{")
        }
        if stored and all(written.get(name, 0) >= last for name, last in stored.items()):
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {DRAIN_SECONDS} s: stored {stored}, written {written}")
        await asyncio.sleep(0.2)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200, help="how many SIGKILLs (200)")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--rate", type=float, default=40.0, help="batches a second (40)")
    chosen = parser.parse_args()
    print(f"seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="seamark-chaos-") as folder:
        stack = Stack(Path(folder) / "data")
        report = asyncio.run(
            run(stack, rounds=chosen.rounds, seed=chosen.seed, rate=chosen.rate, progress=True)
        )
        print("\n" + report.lines())
        if report.differences:
            print(stack.output[-4000:])
    return 1 if report.differences else 0


if __name__ == "__main__":
    sys.exit(main())
