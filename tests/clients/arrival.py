"""One client against a stack: sent, waited for, compared, and told as a line of a table."""

import time
from dataclasses import dataclass

from tests.clients.clients import Client, send
from tests.clients.counted import Ledger, counted, ledger
from tests.clients.workload import Workload
from tests.support.until import until
from tests.system.stack import Stack

LOST = ("rejected", "limited", "sampled", "deadLettered")


@dataclass(frozen=True, slots=True)
class Arrival:
    """The outcome of one run."""

    name: str
    workload: Workload
    counted: dict[str, float]
    ledger: Ledger
    printed: str
    seconds: float

    def problems(self) -> list[str]:
        """What is not as it should be, in words."""
        found = [
            f"{name}: {self.counted[name]:g} of {wanted:g}"
            for name, wanted in self.workload.expected.items()
            if self.counted[name] != wanted
        ]
        items = self.ledger.items
        for signal, counts in items.items():
            lost = {n: c for n, c in counts.items() if n not in ("offered", "accepted", "stored")}
            if (
                any(lost.values())
                or not counts["offered"] == counts["accepted"] == counts["stored"]
            ):
                found.append(f"ledger of {signal}: {counts}")
        if items["traces"]["stored"] != self.workload.spans:
            found.append(f"{items['traces']['stored']} spans in the ledger")
        if items["logs"]["stored"] != self.workload.records + self.workload.lines:
            found.append(f"{items['logs']['stored']} log records in the ledger")
        if not items["metrics"]["stored"]:
            found.append("no points in the ledger")
        if self.ledger.refused_requests:
            found.append(f"{self.ledger.refused_requests} requests refused")
        return found


def arrive(
    stack: Stack,
    client: Client,
    protocol: str,
    workload: Workload,
    *,
    through: str = "",
    name: str = "",
    patience_seconds: float = 60.0,
) -> Arrival:
    """Send with a client, to the stack or `through` another address, and wait until it has come.

    The ledger is that of the stack, so runs come one after the other.
    """
    name = name or f"{client.language}-{protocol.removeprefix('http/')}"
    command = client.ready()
    before = ledger(stack)
    began = time.monotonic()
    printed = send(
        command,
        protocol=protocol,
        service=name,
        endpoint=through or (stack.urls.grpc if protocol == "grpc" else stack.urls.ingest),
        headers={} if through else {"x-api-key": stack.credentials["ingest_key"]},
        environment=workload.environment,
    )
    took = time.monotonic() - began

    def arrived() -> Arrival:
        since = ledger(stack).since(before)
        return Arrival(name, workload, counted(stack, name), since, printed, took)

    try:
        return until(arrived, lambda found: not found.problems(), seconds=patience_seconds)
    except AssertionError:
        return arrived()


def table(arrivals: list[Arrival]) -> str:
    """What was stored of each, and what was sent where that is another number."""
    head = ["client", *arrivals[0].workload.expected, "points", "requests", "refused", "s"]
    lines = [head, ["---"] * len(head)]
    for one in arrivals:
        shown = [
            f"{one.counted[name]:,.0f}"
            + ("" if one.counted[name] == wanted else f" of {wanted:,.0f}")
            for name, wanted in one.workload.expected.items()
        ]
        points = f"{one.ledger.items['metrics']['stored']:,}"
        refused = one.ledger.refused_requests + sum(
            counts[name] for counts in one.ledger.items.values() for name in LOST
        )
        requests = str(sum(one.ledger.requests.values()))
        lines.append([one.name, *shown, points, requests, str(refused), f"{one.seconds:.0f}"])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
