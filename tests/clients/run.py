"""`make clients`: every stock client against a stack of its own; prints a table.

`python -m tests.clients.run [language …]`: python, node, go, java, collector; all without.
"""

import sys
import tempfile
from pathlib import Path

from tests.clients.arrival import Arrival, arrive, table
from tests.clients.clients import GO, GRPC, JAVA, NODE, PYTHON
from tests.clients.collector_process import BATCH, EXPORTERS, running_collector
from tests.clients.workload import FULL
from tests.system.stack import Stack

CLIENTS = (PYTHON, NODE, GO, JAVA)


def through_collectors(stack: Stack, folder: Path) -> list[Arrival]:
    """The Go client's workload through a Collector, by each of its exporters."""
    found = []
    for exporter in EXPORTERS:
        with running_collector(stack, exporter, folder) as address:
            arrival = arrive(stack, GO, GRPC, FULL, through=address, name=exporter.name)
        most = -(-FULL.spans // BATCH)
        assert arrival.ledger.requests["traces"] <= most, "the Collector's batches were not full"
        found.append(arrival)
    return found


def main(languages: list[str]) -> int:
    """Run and print; 1 where anything is missing or refused."""
    arrivals: list[Arrival] = []
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "data") as stack:
        for client in CLIENTS:
            if client.language in languages or not languages:
                arrivals += [arrive(stack, client, one, FULL) for one in client.protocols]
        if "collector" in languages or not languages:
            arrivals += through_collectors(stack, Path(folder))
    print(table(arrivals))
    problems = [f"{one.name}: {text}" for one in arrivals for text in one.problems()]
    print("\n".join(problems) or "everything is stored, nothing was refused")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
