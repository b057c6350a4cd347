"""Runs one case: an SDK through its adapter, a proxy with the case's faults, a collector.

A case of `cases.yaml` has an `id`, the `faults` of the proxy, `steps`, and what to `expect`:

    steps   {track: N}, {flush: seconds}, {kill: true}, {restart: true}, {await_requests: N}
    expect  events: all | none          what the collector has, each once
            requests: [least, most]     how many the proxy saw
            gap_seconds: N              between the first request and the second
            dropped: {reason: N}        of the SDK's own statistics
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import yaml

from faults.adapter import Adapter
from faults.proxy import Proxy

CASES: Final = Path(__file__).with_name("cases.yaml")
_LONGEST_WAIT: Final = 20.0
_LONGEST_END: Final = 8.0
"""A process that waits for a collector takes longer; the 2 s that an SDK may take are measured by
its own tests, because a busy machine takes as long to end any process."""


class Running(Protocol):
    """An SDK that takes commands: `adapter.Adapter`, or what stands for a process elsewhere."""

    def ask(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Give one command, and wait for its answer."""

    def exit(self) -> int:
        """Have it end, as an app ends."""

    def kill(self) -> int:
        """End it at once."""


@dataclass(slots=True)
class Outcome:
    """What happened: names of events that were tracked, and what the proxy and the SDK saw."""

    case: Mapping[str, Any]
    tracked: list[str] = field(default_factory=list)
    requests: list[float] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    exit_seconds: float = 0.0

    def problems(self, arrived: Sequence[str]) -> list[str]:
        """What was not as expected; `arrived` are the names the collector has, duplicates removed
        as behind the log."""
        expect = self.case["expect"]
        wanted = sorted(self.tracked) if expect["events"] == "all" else []
        found: list[str] = []
        if sorted(arrived) != wanted:
            lost, more = set(wanted) - set(arrived), len(arrived) - len(set(arrived))
            found.append(f"{len(arrived)} of {len(wanted)} arrived, lost {len(lost)}, twice {more}")
        least, most = expect.get("requests", (0, 10**6))
        if not least <= len(self.requests) <= most:
            found.append(f"{len(self.requests)} requests, not {least} to {most}")
        if "gap_seconds" in expect and len(self.requests) > 1:
            gap = self.requests[1] - self.requests[0]
            if gap < expect["gap_seconds"]:
                found.append(f"{gap:.2f} s between two requests, asked {expect['gap_seconds']}")
        if self.dropped != expect.get("dropped", {}):
            found.append(f"dropped {self.dropped}, not {expect.get('dropped', {})}")
        if self.exit_seconds > _LONGEST_END:
            found.append(f"the end of the process took {self.exit_seconds:.1f} s")
        return found


def cases() -> list[dict[str, Any]]:
    """Every case. Ids are unique."""
    found: list[dict[str, Any]] = yaml.safe_load(CASES.read_text())
    if len({case["id"] for case in found}) != len(found):
        raise ValueError("an id occurs twice")
    return found


def run(
    case: Mapping[str, Any],
    *,
    command: Sequence[str],
    environment: Mapping[str, str],
    collector_port: int,
    key: str,
    folder: Path,
) -> Outcome:
    """Run a case with the processes of an adapter; see `play`."""
    folder.mkdir(parents=True, exist_ok=True)
    return play(
        case,
        start=lambda: Adapter(command, environment, folder / "adapter.log"),
        collector_port=collector_port,
        key=key,
        store=str(folder / "store"),
    )


def play(
    case: Mapping[str, Any],
    *,
    start: Callable[[], Running],
    collector_port: int,
    key: str,
    store: str,
) -> Outcome:
    """Run a case; what it tracked has names of its own: `<id>.<number>`."""
    outcome = Outcome(case)
    with Proxy(collector_port, case["faults"]) as proxy:

        def begin() -> Running:
            adapter = start()
            adapter.ask("init", endpoint=proxy.url, key=key, store=store)
            return adapter

        adapter = begin()
        for step in case["steps"]:
            if "track" in step:
                count = len(outcome.tracked)
                names = [f"{case['id']}.{count + number}" for number in range(step["track"])]
                adapter.ask("track", names=names)
                outcome.tracked += names
            elif "flush" in step:
                adapter.ask("flush", seconds=step["flush"])
            elif "await_requests" in step:
                _await_requests(proxy, step["await_requests"])
            else:
                adapter.kill() if step.get("kill") else adapter.exit()
                adapter = begin()
        outcome.dropped = adapter.ask("stats")["dropped"]
        began = time.monotonic()
        adapter.exit()
        outcome.exit_seconds = time.monotonic() - began
        outcome.requests = list(proxy.requests)
    return outcome


def _await_requests(proxy: Proxy, count: int) -> None:
    deadline = time.monotonic() + _LONGEST_WAIT
    while len(proxy.requests) < count:
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"{len(proxy.requests)} requests after {_LONGEST_WAIT} s, not {count}"
            )
        time.sleep(0.01)
