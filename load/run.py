"""`python -m load.run load/scenarios/short-steady-20k.toml`: measure one scenario.

Starts a stack of its own (or takes the running one that --data names), sends what the scenario
says, samples what the parts use, waits until the log is empty, and compares what was accepted
with what the stack then holds. Leaves <date>-<scenario>.json and .md in load/results.
Exit 1 when the numbers differ.
"""

import argparse
import asyncio
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from load import machine, totals
from load.plot import picture
from load.report import LONG_SECONDS, RunResult, StoredCounts, markdown
from load.sample import Sampler
from load.scenario import Scenario, Stream, read_scenario
from load.stack import LoadStack, NotStarted, OwnStack, attach, standing_still
from load.tally import Summary
from load.target import access
from load.usage import disk_bytes
from load.visible import Visible, probe
from seamark.demo.questions import DemoWindow

RESULTS: Final = Path("load/results")
_EMPTY_SECONDS: Final = 180.0
_SETTLE_SECONDS: Final = 30.0
_EXTRA_SECONDS: Final = 120.0
_MINUTE_MS: Final = 60_000


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(prog="python -m load.run", description=__doc__)
    add = arguments.add_argument
    add("scenario", type=Path, help="a file of load/scenarios")
    add("--data", type=Path, help="folder of a running stack (default: start one)")
    add("--port-offset", type=int, default=20_000, help="of the stack started (default 20000)")
    add("--duration", type=float, help="seconds, instead of the scenario's")
    add("--without", choices=["archive"], help="let it stand still, to see what it costs")
    add("--results", type=Path, default=RESULTS, help=f"where to write (default {RESULTS})")
    return arguments


async def generate(
    stack: LoadStack, stream: Stream, *, run: str, seconds: float, folder: Path
) -> Summary:
    """Run one generator as a process of its own. Raises RuntimeError when it fails."""
    output = folder / f"{run}.json"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "load.generate"),
        *("--credentials", str(stack.folder.credentials)),
        *("--url", stack.ingest_url),
        *("--run", run),
        *("--duration", str(seconds)),
        *("--output", str(output)),
        *stream.arguments(),
        stderr=subprocess.PIPE,
    )
    try:
        _, errors = await asyncio.wait_for(process.communicate(), seconds + _EXTRA_SECONDS)
    finally:
        if process.returncode is None:  # this run is being ended, or it took too long
            process.kill()
    if not output.exists():
        raise RuntimeError(f"the generator failed: {errors.decode()[-2000:]}")
    return msgspec.json.decode(output.read_bytes(), type=Summary)


async def empty(sampler: Sampler) -> float:
    """Wait until the store has all of the log; the seconds it took. Raises TimeoutError.

    The archive is not waited for: its blocks are a minute old.
    """
    began = time.monotonic()
    while (await asyncio.to_thread(sampler.lag)).get("rows") != 0:
        if time.monotonic() - began > _EMPTY_SECONDS:
            raise TimeoutError("the log did not get empty")
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def compare(stack: LoadStack, summaries: Sequence[Summary]) -> list[StoredCounts]:
    """Ask until everything is exact, or for half a minute; the last answers."""
    deadline = time.monotonic() + _SETTLE_SECONDS
    oldest = min(s.started_at_ms for s in summaries) - 10 * _MINUTE_MS
    while True:
        window = DemoWindow.around(oldest, time.time_ns() // 1_000_000)
        found = [
            StoredCounts(
                kind=s.kind,
                accepted=s.accepted_items,
                unknown=s.unknown_items,
                stored=await asyncio.to_thread(totals.stored, stack, s.kind, s.run, window),
            )
            for s in summaries
        ]
        if all(row.exact for row in found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.5)


async def measure(stack: LoadStack, scenario: Scenario, *, command: str) -> RunResult:
    """Warm up, measure, wait, compare."""
    runs = [secrets.token_hex(4) for _ in scenario.load]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if scenario.warmup_seconds:
            await _all(
                stack, scenario, [f"{run}w" for run in runs], scenario.warmup_seconds, folder
            )
        sampler = Sampler(stack, await asyncio.to_thread(stack.pids))
        await empty(sampler)
        disk_before = disk_bytes(stack.folder.path)
        began = time.monotonic()
        sampler.start()
        try:
            stop = asyncio.Event()
            looking = asyncio.create_task(_visible(stack, scenario, stop))
            try:
                summaries = await _all(stack, scenario, runs, scenario.duration_seconds, folder)
            finally:
                stop.set()
            catch_up = await empty(sampler)
            visible = await looking
        finally:
            sampler.stop()
        window_seconds = time.monotonic() - began
        stored = await compare(stack, summaries)
    course = sampler.samples.course
    busy = sampler.samples.cpu_percent
    return RunResult(
        scenario=scenario,
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        machine=machine.describe(),
        generators=summaries,
        visible=visible,
        parts=sampler.figures(),
        stored=stored,
        window_seconds=round(window_seconds, 1),
        catch_up_seconds=round(catch_up, 1),
        lag_max=max((value for _, value in course.lag.get("rows", [])), default=0.0),
        disk_bytes_start=disk_before,
        disk_bytes_end=disk_bytes(stack.folder.path),
        cpu_percent_mean=round(sum(busy) / max(1, len(busy)), 1),
        course=course.thinned() if window_seconds >= LONG_SECONDS else None,
    )


async def _all(
    stack: LoadStack, scenario: Scenario, runs: Sequence[str], seconds: float, folder: Path
) -> list[Summary]:
    return await asyncio.gather(
        *(
            generate(stack, stream, run=run, seconds=seconds, folder=folder)
            for stream, run in zip(scenario.load, runs, strict=True)
        )
    )


async def _visible(stack: LoadStack, scenario: Scenario, stop: asyncio.Event) -> Visible | None:
    if not scenario.visible:
        return None
    who = access(stack.folder.credentials).at(ingest_url=stack.ingest_url, api_url=stack.api_url)
    return await probe(who, secrets.token_hex(4), stop)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write the results. Blocks. SIGTERM raises SystemExit, its own stack stopped."""
    options = parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        scenario = read_scenario(options.scenario)
    except (OSError, ValueError) as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    command = f"python -m load.run load/scenarios/{options.scenario.name}"
    if options.duration:
        command += f" --duration {options.duration:g}"
        scenario = msgspec.structs.replace(scenario, duration_seconds=options.duration)
    if options.without:
        command += f" --without {options.without}"
        scenario = msgspec.structs.replace(
            scenario, name=f"{scenario.name}-without-{options.without}"
        )
    with tempfile.TemporaryDirectory(prefix="seamark-load-") as name:
        where: AbstractContextManager[LoadStack]
        try:
            where = (
                nullcontext(attach(options.data))
                if options.data
                else OwnStack(Path(name) / "data", port_offset=options.port_offset)
            )
            with where as stack, standing_still(stack, options.without):
                result = asyncio.run(measure(stack, scenario, command=command))
        except NotStarted as error:
            print(f"load: {error}", file=sys.stderr)
            return 1
    text = markdown(result)
    options.results.mkdir(parents=True, exist_ok=True)
    stem = options.results / f"{result.date}-{scenario.name}"
    stem.with_suffix(".md").write_text(text)
    stem.with_suffix(".json").write_text(
        json.dumps(msgspec.to_builtins(result), indent=None if result.course else 2, sort_keys=True)
        + "\n"
    )
    if result.course is not None:
        picture(result, stem.with_suffix(".svg"))
    print(text)
    return 0 if result.exact else 1


if __name__ == "__main__":
    sys.exit(main())
