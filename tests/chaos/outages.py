"""Long outages: `python -m tests.chaos.outages --seconds 180 --rate 5000`. See docs/chaos.md.

Each server in turn hangs (SIGSTOP) or is away (every link to it cut) while events come in at a
steady rate. No accepted event may be lost or doubled; the report says how long it took until the
lag was what it had been, and what memory and spool it cost meanwhile.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from load.machine import describe
from seamark.wire.receipts import receipt_for_batch
from tests.chaos.arena import outlived
from tests.chaos.cluster import Cluster
from tests.chaos.compare import Comparison, asking, books
from tests.chaos.drain import drained
from tests.chaos.link import Mode
from tests.chaos.watch import Watch
from tests.support.s3_server import BUCKET, KEY, SECRET, S3Server

WARM_SECONDS = 10.0
BATCH = 100
PROMPT = {"SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "2"}
"""By itself the archive is a minute behind, which would hide whether it has recovered."""
S3 = "s3"
RECOVERY_SECONDS = 600.0
"""Longest recovery that is waited for."""


@dataclass(frozen=True, slots=True)
class Outage:
    """One way in which one server is missing. `of` is the part, or what is made unwritable."""

    of: str
    how: str

    @property
    def name(self) -> str:
        return f"{self.of} {self.how}"

    @contextlib.asynccontextmanager
    async def on(self, arena: Cluster, s3: S3Server | None) -> AsyncIterator[None]:
        """The outage lasts inside."""
        undo: list[Callable[[], Awaitable[None]]] = []
        if s3 is not None:
            await asyncio.to_thread(s3.kill)
            undo = [lambda: _start(s3)]
        elif self.how == "hangs":
            pids = [pid for name, pid in arena.pids().items() if name.startswith(self.of)]
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            undo = [lambda pid=pid: _continue(pid) for pid in pids]  # type: ignore[misc]
        elif self.how == "is away":
            for name, link in arena.links.items():
                if name.partition(">")[2].startswith(self.of):
                    await link.spoil(Mode.CUT)
                    undo.append(link.heal)
        else:
            moved = arena.archive.with_name("archive.away")
            await asyncio.to_thread(arena.archive.rename, moved)
            # A file where a folder is expected: modes would not keep root from writing.
            await asyncio.to_thread(arena.archive.write_text, "")
            undo = [lambda: _put_back(moved, arena.archive)]
        try:
            yield
        finally:
            for step in undo:
                await step()


def access(s3: S3Server) -> dict[str, str]:
    """Settings of an archive in that server's bucket."""
    return {
        "SEAMARK_ARCHIVE_URL": f"s3://{BUCKET}",
        "SEAMARK_ARCHIVE_S3_ENDPOINT": s3.endpoint,
        "SEAMARK_ARCHIVE_S3_REGION": "us-east-1",
        "SEAMARK_ARCHIVE_S3_KEY": KEY,
        "SEAMARK_ARCHIVE_S3_SECRET": SECRET,
        "SEAMARK_ARCHIVE_S3_TIMEOUT_SECONDS": "2",
    }


async def _start(s3: S3Server) -> None:
    await asyncio.to_thread(s3.start)


async def _continue(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


async def _put_back(moved: Path, archive: Path) -> None:
    await asyncio.to_thread(archive.unlink)
    await asyncio.to_thread(moved.rename, archive)


OUTAGES = (
    *(Outage(of, how) for of in ("nats", "store", "redis") for how in ("hangs", "is away")),
    Outage("archive", "folder is unwritable"),
    Outage(S3, "is away"),
)


@dataclass(slots=True)
class Result:
    """What one outage cost."""

    outage: Outage
    accepted: int = 0
    accepted_during: int = 0
    recovery_seconds: float = 0.0
    drain_seconds: float = 0.0
    rss_mib: dict[str, float] = field(default_factory=dict)
    spool_mib: float = 0.0
    lag: int = 0
    comparison: Comparison = field(default_factory=Comparison)
    problems: list[str] = field(default_factory=list)

    @property
    def differences(self) -> list[str]:
        return [*self.problems, *self.comparison.differences]

    def row(self) -> str:
        """One line of the report's table."""
        memory = ", ".join(f"{name} {mib:.0f}" for name, mib in sorted(self.rss_mib.items()))
        verdict = "exact" if not self.differences else f"**{len(self.differences)} differences**"
        return (
            f"| {self.outage.name} | {self.accepted:,} | {self.accepted_during:,} |"
            f" {self.lag:,} | {self.recovery_seconds:.1f} s | {self.spool_mib:.1f} MiB |"
            f" {memory} | {verdict} |"
        )


async def run_outage(outage: Outage, folder: Path, *, seconds: float, rate: float) -> Result:
    """Load, outage, recovery, drain, comparison. Blocks for all of it."""
    result = Result(outage)
    arena = Cluster(folder / "data", rivals=1, environment=PROMPT, name=outage.name)
    s3 = S3Server(folder / "s3") if outage.of == S3 else None
    try:
        if s3 is not None:
            await _start(s3)
            arena.environment = PROMPT | access(s3)
            arena.bucket = s3.folder / "buckets" / BUCKET
        await arena.up()
        await _under_load(arena, result, folder, s3, seconds=seconds, rate=rate)
        result.drain_seconds = await drained(arena, within_seconds=RECOVERY_SECONDS)
        async with asking(arena) as tables:
            rows = await tables.ask(
                "SELECT toString(receipt), count() FROM seamark.events GROUP BY receipt"
            )
            raw = Counter({receipt: int(count) for receipt, count in rows})
            _compare_receipts(arena, folder / "oracle.jsonl", raw, result)
            await books(tables, arena, result.comparison)
    except (AssertionError, TimeoutError, OSError) as problem:
        result.problems.append(f"{type(problem).__name__}: {problem}\n{arena.last_words()}")
    finally:
        await arena.down()
        if s3 is not None:
            await asyncio.to_thread(s3.kill)
    result.problems += [f"outlived its stack: {left}" for left in outlived(arena.run)]
    return result


async def _under_load(
    arena: Cluster,
    result: Result,
    folder: Path,
    s3: S3Server | None,
    *,
    seconds: float,
    rate: float,
) -> None:
    oracle = folder / "oracle.jsonl"
    generator = await _generate(arena, oracle, rate)
    async with Watch(arena).running() as watch:
        try:
            await asyncio.sleep(WARM_SECONDS)
            normal = watch.most_lag()
            before = _accepted(oracle).total()
            async with result.outage.on(arena, s3):
                await asyncio.sleep(seconds)
            healed = time.monotonic()
            result.accepted_during = _accepted(oracle).total() - before
            await watch.normal_again(2 * normal + 20, within_seconds=RECOVERY_SECONDS)
            result.recovery_seconds = time.monotonic() - healed
            result.lag = watch.most_lag()
        finally:
            generator.send_signal(signal.SIGTERM)
            code = await generator.wait()
        if code != 0:
            result.problems.append(f"not every request was answered: the generator ended {code}")
        result.rss_mib, result.spool_mib = watch.rss_mib, watch.spool_mib


async def _generate(arena: Cluster, oracle: Path, rate: float) -> "asyncio.subprocess.Process":
    options = {
        "--url": arena.ingest,
        "--credentials": str(arena.data / "credentials.json"),
        "--rate": str(rate),
        "--batch": str(BATCH),
        "--duration": "100000",
        "--timeout": "10",
        "--drain": "180",
        "--connections": "64",
        "--run": "outage",
        "--oracle": str(oracle),
        "--output": str(oracle.with_name("generator.json")),
    }
    words = [word for pair in options.items() for word in pair]
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "load.generate", "--retry", *words
    )


def _accepted(oracle: Path) -> Counter[str]:
    """batchId -> accepted events, as far as the generator has written them down."""
    found: Counter[str] = Counter()
    with contextlib.suppress(FileNotFoundError):
        for line in oracle.read_text().splitlines(keepends=True):
            if line.startswith('{"batchId"') and line.endswith("\n"):
                row = json.loads(line)
                found[row["batchId"]] = row["accepted"]
    return found


def _compare_receipts(arena: Cluster, oracle: Path, raw: Counter[str], result: Result) -> None:
    """Every accepted batch stands there once and whole; what nobody accepted does not."""
    accepted = _accepted(oracle)
    result.accepted = accepted.total()
    owner = json.loads((arena.data / "credentials.json").read_text())
    expected = {
        receipt_for_batch(owner["org"], owner["app"], batch): count
        for batch, count in accepted.items()
    }
    result.comparison.counts["events"] = raw.total()
    result.comparison.add(
        [
            f"receipt {receipt}: accepted {expected.get(receipt, 0)}, raw {raw[receipt]}"
            for receipt in sorted(expected.keys() | raw.keys())
            if expected.get(receipt, 0) != raw[receipt]
        ]
    )


def report(results: Sequence[Result], *, seconds: float, rate: float) -> str:
    """The table, as Markdown."""
    machine = describe()
    lines = [
        f"# Outages of {seconds:.0f} s at {rate:.0f} events/s",
        "",
        f"Machine: {machine['cpu']}, {machine['cores']} cores, {machine['memory_gib']} GiB,"
        f" {machine['kernel']}, Python {machine['python']}.",
        "",
        "| outage | accepted | of it during the outage | most messages behind | recovered in |"
        " spool peak | peak RSS (MiB) | |",
        "|---|---|---|---|---|---|---|---|",
        *(result.row() for result in results),
    ]
    for result in results:
        if result.differences:
            lines += ["", f"## {result.outage.name}", "", "```", *result.differences, "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--seconds", type=float, default=180.0, help="how long each outage lasts (180)")
    add("--rate", type=float, default=5000.0, help="events a second (5000)")
    add("--only", help="only outages whose name contains this")
    add("--report", type=Path, help="write the report here, as Markdown")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)  # that connections come and go is the point here
    results = []
    for outage in OUTAGES:
        if chosen.only and chosen.only not in outage.name:
            continue
        with tempfile.TemporaryDirectory(
            prefix="seamark-outage-", ignore_cleanup_errors=True
        ) as folder:
            results.append(
                asyncio.run(
                    run_outage(outage, Path(folder), seconds=chosen.seconds, rate=chosen.rate)
                )
            )
        print(results[-1].row(), flush=True)
    text = report(results, seconds=chosen.seconds, rate=chosen.rate)
    if chosen.report:
        chosen.report.write_text(text)
    print(text)
    return 1 if any(result.differences for result in results) else 0


if __name__ == "__main__":
    sys.exit(main())
