"""`python -m load.dashboards --data .seamark`: how long the committed dashboards wait for answers.

Every target of every panel, over the range its dashboard opens with, is asked three times of a
running stack, one after the other: *cold* (nothing kept in Redis), then twice *cached*. Leaves
<date>-dashboards.json and .md in load/results. Meant for a stack that `load.seed` has filled.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import redis

from grafana.asking import Api, interpolate, opening, range_ms
from load import machine
from load.seed import SeedStore
from load.stack import LoadStack, NotStarted, attach

BOARDS: Final = Path("provisioning/grafana/dashboards/seamark")
RESULTS: Final = Path("load/results")
_CHOSEN: Final = {
    "page": "/product",
    "service": "gateway",
    "metric": "web_vital.lcp",
    "release": "2.5.0",
    "country": "US",
    "device": "desktop",
}
_SLOWEST: Final = 12


class Asked(msgspec.Struct, frozen=True):
    """One target: how long it took, and what the store read for it."""

    board: str
    panel: str
    kind: str
    cold_ms: float | None
    """None where the API refused: over its limit of time or memory."""
    cached_ms: float | None
    """None where no further answer was of the cache either."""
    rows_read: int


class Measured(msgspec.Struct, frozen=True):
    """One run over all dashboards."""

    date: str
    command: str
    machine: dict[str, object]
    events: int
    asked: list[Asked]


def targets(data: Path) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """(dashboard, panel, target) of every question in the committed files."""
    for path in sorted(data.glob("*.json")):
        saved = json.loads(path.read_text())
        for panel in saved["panels"]:
            for target in panel.get("targets", ()):
                yield saved, panel, target


def ask_all(stack: LoadStack) -> list[Asked]:
    """Ask everything, one after the other. Blocks."""
    api = Api(stack.api_url, stack.folder.read_credentials()["query_token"])
    secret = stack.folder.secrets().redis
    cache = redis.Redis("127.0.0.1", stack.ports.redis, password=secret)
    now = time.time_ns() // 60_000_000_000 * 60_000
    newest = api.ask({"queryType": "traces", "request": {"limit": 1}}, now - 86_400_000, now)
    chosen = {**_CHOSEN, "trace": str(newest["traces"][0]["traceId"])}
    found = []
    for saved, panel, target in targets(BOARDS):
        title = panel["title"]
        values = chosen | opening(saved, chosen) | {"trace": chosen["trace"]}
        whole = interpolate({k: v for k, v in target.items() if k != "datasource"}, values)
        until = time.time_ns() // 1_000_000
        cache.flushdb()
        try:
            cold, answer = _timed(api, whole, until - range_ms(saved, panel), until)
        except AssertionError as refused:  # over a limit of the API's: that is an answer, too
            found.append(Asked(saved["uid"], title, target["queryType"], None, None, 0))
            print(f"{str(refused)[:120]}  {saved['uid']}: {title}", flush=True)
            continue
        cached = []
        for _ in range(2):
            again, kept = _timed(api, whole, until - range_ms(saved, panel), until)
            if kept.get("meta", {}).get("cache") == "hit":
                cached.append(again)
        rows = int(answer.get("meta", {}).get("rowsRead", 0))
        fastest = min(cached, default=None)
        found.append(Asked(saved["uid"], title, target["queryType"], cold, fastest, rows))
        print(f"{cold:9.1f} ms {rows:>13,} rows  {saved['uid']}: {title}", flush=True)
    return found


def _timed(api: Api, target: dict[str, Any], from_ms: int, to_ms: int) -> tuple[float, Any]:
    began = time.perf_counter()
    answer = api.ask(target, from_ms, to_ms)
    return (time.perf_counter() - began) * 1000, answer


def markdown(measured: Measured) -> str:
    """The report."""
    kinds: dict[str, list[Asked]] = {}
    for one in measured.asked:
        kinds.setdefault(one.kind, []).append(one)
    described = measured.machine
    lines = [
        f"# Dashboards over {measured.events:,} events, {measured.date}",
        "",
        f"`{measured.command}`",
        "",
        f"{described['cpu']}, {described['cores']} cores, {described['memory_gib']} GiB,"
        f" Python {described['python']}. Milliseconds, one question at a time, as the dashboards"
        " open.",
        "",
        "| questions | of | refused | cold p50 | p95 | max | cached p50 | p95 | max |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    rows = [("all", measured.asked), *sorted(kinds.items())]
    for name, asked in rows:
        cold = [one.cold_ms for one in asked if one.cold_ms is not None]
        cached = [one.cached_ms for one in asked if one.cached_ms is not None]
        cells = (name, len(asked), len(asked) - len(cold), _figures(cold), _figures(cached))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    lines += ["", f"The {_SLOWEST} slowest, cold:", "", "| ms | rows read | panel |"]
    lines.append("| --- | --- | --- |")
    slowest = sorted(measured.asked, key=lambda one: -(one.cold_ms or 1e9))
    lines += [
        f"| {'refused' if one.cold_ms is None else f'{one.cold_ms:,.0f}'} | {one.rows_read:,} |"
        f" {one.board}: {one.panel} |"
        for one in slowest[:_SLOWEST]
    ]
    return "\n".join(lines) + "\n"


def _figures(values: Sequence[float]) -> str:
    if not values:
        return "- | - | -"
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{statistics.median(ordered):.0f} | {p95:.0f} | {ordered[-1]:.0f}"


def main(argv: Sequence[str] | None = None) -> int:
    """Ask and write the results. Blocks. Exit 1 when no stack runs there."""
    arguments = argparse.ArgumentParser(prog="python -m load.dashboards", description=__doc__)
    arguments.add_argument("--data", type=Path, default=Path(".seamark"), help="running stack")
    arguments.add_argument("--results", type=Path, default=RESULTS, help="where to write")
    options = arguments.parse_args(argv)
    try:
        stack = attach(options.data)
    except NotStarted as error:
        print(f"load: {error}", file=sys.stderr)
        return 1
    measured = Measured(
        date=datetime.now(UTC).date().isoformat(),
        command="python -m load.dashboards",
        machine=machine.describe(),
        events=int(SeedStore(stack).run("SELECT count() FROM seamark.events")),
        asked=ask_all(stack),
    )
    options.results.mkdir(parents=True, exist_ok=True)
    stem = options.results / f"{measured.date}-dashboards"
    stem.with_suffix(".json").write_bytes(
        msgspec.json.format(msgspec.json.encode(measured)) + b"\n"
    )
    stem.with_suffix(".md").write_text(markdown(measured))
    print(markdown(measured))
    return 0


if __name__ == "__main__":
    sys.exit(main())
