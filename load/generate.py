"""`python -m load.generate`: send one kind of telemetry at a fixed rate, or as fast as it goes.

Prints a summary as JSON. With --oracle it leaves what was accepted, one JSON object a line
(`{"batchId", "accepted"}`), and a last line `{"totals": {...}}`, for tests that kill processes.
Runs on Linux (epoll, timerfd).
"""

import argparse
import gc
import json
import secrets
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal

from load.bodies import LoadRequest, Shape, Target, batch_id, native_requests
from load.loop import Generator, Options
from load.otlp_bodies import otlp_requests
from load.schedule import Schedule
from load.tally import Summary, summarise
from load.target import access, endpoint

KINDS: Final = ("events", "traces", "logs", "metrics")
_LEAD_NS: Final = 200_000_000
"""Time to connect before the first request is due."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(prog="python -m load.generate", description=__doc__)
    add = arguments.add_argument
    add("--url", default="", help="collector, http://host:port (default: from the credentials)")
    add("--credentials", type=Path, help="credentials.json of the stack")
    add("--kind", choices=KINDS, default="events")
    add("--rate", type=_rate, default=1000.0, help="items a second, or max (default 1000)")
    add("--duration", type=float, default=10.0, help="seconds (default 10)")
    add("--batch", type=int, default=50, help="items per request (default 50)")
    add("--connections", type=int, default=32, help="keep-alive connections (default 32)")
    add("--bodies", type=int, default=64, help="different prepared bodies (default 64)")
    add("--batch-ids", action=argparse.BooleanOptionalAction, default=True)
    add("--gzip", action="store_true", help="gzip the native bodies")
    add("--retry", action="store_true", help="re-send what was refused or lost, same batchId")
    add("--timeout", type=float, default=30.0, help="seconds to wait for a reply (default 30)")
    add("--drain", type=float, default=60.0, help="seconds for the last replies (default 60)")
    add("--max-requests", type=int, default=0, help="stop after so many (default: no limit)")
    add("--run", default="", help="name of the run, in event names and ids (default: random)")
    add("--seed", type=int, default=1)
    add("--oracle", type=Path, help="write what was accepted to this file")
    add("--output", type=Path, help="write the summary here instead of standard output")
    return arguments


def _rate(text: str) -> float:
    if text == "max":
        return 0.0
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("a rate is above 0, or max")
    return value


def prepare(options: argparse.Namespace, target: Target, run: str) -> list[LoadRequest]:
    """The prepared requests of a run."""
    if options.kind == "events":
        shape = Shape(run=run, batch=options.batch, batch_ids=options.batch_ids, gzip=options.gzip)
        now_ms = time.time_ns() // 1_000_000
        return native_requests(
            target, shape, count=options.bodies, seed=options.seed, now_ms=now_ms
        )
    return otlp_requests(
        target, options.kind, run, items=options.batch, count=options.bodies, seed=options.seed
    )


def generate(options: argparse.Namespace, stopped: Callable[[], bool]) -> Summary:
    """Run once. Blocks for the duration and until the last replies."""
    who = access(options.credentials)
    at = endpoint(options.url or who.ingest_url)
    run = options.run or secrets.token_hex(4)
    requests = prepare(options, Target(host=at.host, key=who.key, app=who.app), run)
    how = Options(
        kind=options.kind,
        address=at.address,
        connections=options.connections,
        timeout_seconds=options.timeout,
        retry=options.retry,
        drain_seconds=options.drain,
        max_requests=options.max_requests,
    )
    with ExitStack() as stack:
        oracle = stack.enter_context(options.oracle.open("w")) if options.oracle else None
        generator = Generator(
            how, requests, name=lambda n: batch_id(run, n), oracle=oracle, seed=options.seed
        )
        gc.freeze()  # the bodies live as long as the process; collections need not walk them
        start_ns = time.perf_counter_ns() + _LEAD_NS
        started_at_ms = (time.time_ns() + _LEAD_NS) // 1_000_000
        cpu = time.process_time()
        tally = generator.run(
            Schedule(start_ns, options.rate / options.batch, options.duration), stopped
        )
        summary = summarise(
            tally,
            kind=options.kind,
            run=run,
            elapsed_seconds=generator.sending_seconds,
            cpu_seconds=time.process_time() - cpu,
            started_at_ms=started_at_ms,
            ended_at_ms=time.time_ns() // 1_000_000,
        )
        if oracle is not None:
            oracle.write(json.dumps({"totals": summary.as_json()}) + "\n")
    return summary


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 when everything sent was answered, 1 when some outcome is unknown, 2 on bad usage."""
    options = parser().parse_args(argv)
    stop: list[Literal[True]] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.append(True))
    try:
        summary = generate(options, lambda: bool(stop))
    except ValueError as error:
        print(f"load: {error}", file=sys.stderr)
        return 2
    text = json.dumps(summary.as_json(), indent=2)
    if options.output:
        options.output.write_text(text + "\n")
    else:
        print(text)
    return 1 if summary.unknown_items else 0


if __name__ == "__main__":
    sys.exit(main())
