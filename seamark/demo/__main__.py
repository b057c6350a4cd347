"""`seamark demo`: a shop with visitors and three services, sending to a stack.

Events go over the native route, the services' traces, metrics and logs over OTLP (gRPC and HTTP)
with the OpenTelemetry SDK. The same --seed and --sessions give the same events of the same people,
each time in sessions and traces of their own. Addresses and secrets come from
SEAMARK_DEMO_INGEST_URL, _GRPC_URL, _API_URL, _KEY and _TOKEN, or from the file that `seamark up`
writes (--credentials); SEAMARK_DEMO_RATE is the rate unless --rate says another.
"""

import argparse
import asyncio
import functools
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any, Final

import aiohttp

from seamark.demo.access import DemoAccess, read_access
from seamark.demo.check import Asker, Unanswered
from seamark.demo.deliver import DemoDelivery
from seamark.demo.exporting import exporting_providers
from seamark.demo.play import HOUR_MS, LONGEST_VISIT_MS, Shop, VisitPlan
from seamark.demo.questions import DemoWindow, Totals, every_question, expected, table
from seamark.demo.services import Services
from seamark.demo.tally import DemoTally
from seamark.service import lifecycle, logs

_MOST_HISTORY_HOURS: Final = 167.0
"""An hour less than the seven days that stacks take late data for."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    arguments = argparse.ArgumentParser(prog="seamark demo", description=__doc__)
    add = arguments.add_argument
    add("--credentials", type=Path, help="credentials.json of the stack")
    add("--port-offset", type=int, help="of `seamark up` (default: that of the credentials' stack)")
    rate = os.environ.get("SEAMARK_DEMO_RATE", "50")
    add("--rate", type=_rate, default=rate, help=f"events/s; 0: as fast as it goes (now {rate})")
    add("--seed", type=int, default=1, help="the same seed gives the same visits (default 1)")
    add("--sessions", type=_count, help="how many visits (default: without end)")
    add("--duration", type=_rate, help="seconds to send for, after any history")
    add("--backfill", type=_hours, default=0.0, metavar="HOURS", help="write history first")
    add("--summary", type=Path, help="write what was sent and accepted to this JSON file")
    add("--check", action="store_true", help="ask the API for the same numbers; exit 1 if not")
    add("--check-seconds", type=_rate, default=60.0, help="how long to ask (default 60)")
    return arguments


def _rate(text: str) -> float:
    value = float(text)
    if value < 0:
        raise argparse.ArgumentTypeError("this cannot be negative")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return value


def _hours(text: str) -> float:
    value = float(text)
    if not 0 <= value <= _MOST_HISTORY_HOURS:
        raise argparse.ArgumentTypeError(f"0 to {_MOST_HISTORY_HOURS:g} hours")
    return value


async def play(
    options: argparse.Namespace, access: DemoAccess, stop: asyncio.Event
) -> tuple[DemoTally, dict[str, Any]]:
    """Send, then compare if asked to; the tally and the summary.

    Raises Unanswered when the API does not answer a comparison.
    """
    plan = VisitPlan(
        seed=options.seed,
        rate=options.rate,
        sessions=options.sessions,
        duration_seconds=options.duration,
        backfill_hours=options.backfill,
    )
    tally = DemoTally()
    started_ms = time.time_ns() // 1_000_000
    oldest_ms = started_ms - round(plan.backfill_hours * HOUR_MS) - 2 * LONGEST_VISIT_MS
    run = secrets.token_hex(4)
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        asker = Asker(session, access)
        before: Totals = {}
        if options.check:
            before = await asker.settle(every_question(), DemoWindow.around(oldest_ms, started_ms))
        make = functools.partial(exporting_providers, access=access, tally=tally)
        services = Services(make, seed=plan.seed)
        delivery = DemoDelivery(session, access, tally)
        shop = Shop(delivery, services, run=run, app=access.app)
        ended = asyncio.Event()
        interruption = asyncio.create_task(_interrupt(stop, delivery, ended))
        try:
            await shop.play(plan, ended)
        finally:
            interruption.cancel()
            await asyncio.to_thread(services.shutdown)
        ended_ms = time.time_ns() // 1_000_000
        summary: dict[str, Any] = {
            "run": run,
            "seed": plan.seed,
            "sessions": shop.visits,
            "from": oldest_ms,
            "to": ended_ms,
            **tally.as_json(),
        }
        if options.check:
            lines = await asker.until_equal(
                expected(tally),
                before,
                DemoWindow.around(oldest_ms, ended_ms),
                deadline_seconds=options.check_seconds,
            )
            print(table(lines))
            summary["check"] = {
                "compared": len(lines),
                "different": sum(not line.equal for line in lines),
            }
    return tally, summary


def main(argv: list[str] | None = None) -> int:
    """Run the demo; blocks until it is over or interrupted.

    Exit 0 when all is well, 1 when something was not accepted or a number differs, 2 on bad usage.
    """
    options = parser().parse_args(argv)
    logs.configure("demo", level="warning")
    if options.check and options.sessions is None and options.duration is None:
        print("seamark demo: --check needs an end: --sessions or --duration", file=sys.stderr)
        return 2
    try:
        access = read_access(
            os.environ,
            options.credentials,
            prefix="SEAMARK_DEMO",
            port_offset=options.port_offset,
        )
    except ValueError as error:
        print(f"seamark demo: {error}", file=sys.stderr)
        return 2
    if options.check and not access.token:
        print("seamark demo: --check needs SEAMARK_DEMO_TOKEN, a query token", file=sys.stderr)
        return 2
    lifecycle.die_with_parent()
    return lifecycle.run(lambda stop: _whole(options, access, stop), deadline_seconds=30.0)


async def _interrupt(stop: asyncio.Event, delivery: DemoDelivery, ended: asyncio.Event) -> None:
    """A signal ends the sending, and the waiting too; the end of a duration only the sending."""
    await stop.wait()
    delivery.hurry()
    ended.set()


async def _whole(options: argparse.Namespace, access: DemoAccess, stop: asyncio.Event) -> int:
    try:
        tally, summary = await play(options, access, stop)
    except Unanswered as error:
        print(f"seamark demo: no answer to {error}", file=sys.stderr)
        return 1
    if options.summary:
        options.summary.write_text(json.dumps(summary, indent=2) + "\n")
    _report(tally, summary)
    failed = tally.rejected or tally.refused or tally.unknown or tally.otlp_failed
    return 1 if failed or summary.get("check", {}).get("different") else 0


def _report(tally: DemoTally, summary: dict[str, Any]) -> None:
    print(
        f"{summary['sessions']} sessions: {tally.accepted} of {tally.offered} events accepted, "
        f"{tally.retries} retries, {tally.rejected} rejected, {tally.refused} refused, "
        f"{tally.unknown} unanswered"
    )
    for signal, services in tally.as_json()["otlp"].items():
        print(f"{signal}: " + ", ".join(f"{name} {n}" for name, n in services.items()))


if __name__ == "__main__":
    sys.exit(main())
