"""A sender for the tests of recovery, and what a store holds, exactly."""

import base64
import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import Any, Self

from tests.system.stack import Stack

Totals = dict[str, list[str]]


@dataclass
class Sender:
    """Sends batches until told to stop; `accepted` is what was answered with 202."""

    stack: Stack
    batch: int = 20
    accepted: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def send(self, batches: int = 1) -> None:
        """Send so many batches now."""
        for _ in range(batches):
            self._one()

    def _one(self) -> None:
        now_ms = int(time.time() * 1000)
        events = [
            {
                "name": f"click_{index % 3}",
                "ts": now_ms - 1000 * index,
                "value": index * 1.25,
                "sessionId": f"s{index % 7}",
                "userAnonId": f"u{index % 5}",
                "attrs": {"page": f"/{index % 4}"}
                | ({"exception.type": "TypeError"} if index % 10 == 0 else {}),
            }
            for index in range(self.batch)
        ]
        body = {"appId": "demo", "batchId": str(uuid.uuid4()), "sentAt": now_ms, "events": events}
        request = urllib.request.Request(
            f"{self.stack.urls.ingest}/v1/ingest/batch",
            data=json.dumps(body).encode(),
            headers={
                "X-API-Key": self.stack.credentials["ingest_key"],
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert answer.status == 202
            self.accepted += int(json.load(answer)["accepted"])

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._one()
            except (urllib.error.URLError, OSError):
                self._stop.wait(0.1)

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(60)
        self._stop.clear()


def ask(stack: Stack, sql: str) -> list[list[str]]:
    """Rows of a query put to the stack's store."""
    login = base64.b64encode(f"seamark:{stack.secrets['store']}".encode()).decode()
    request = urllib.request.Request(
        f"{stack.urls.store}/", data=sql.encode(), headers={"Authorization": f"Basic {login}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return [line.split("\t") for line in answer.read().decode().splitlines()]


_SKETCHES = (
    "quantilesDDMerge(0.01, 0.5, 0.95, 0.99)(value_sketch), uniqCombinedMerge(19)(users), "
    "uniqCombinedMerge(19)(sessions)"
)


def totals(stack: Stack) -> Totals:
    """Counts, sums and sketches of what the store has of events, by name."""
    found: dict[str, Any] = {
        "events": ask(stack, "SELECT count(), uniqExact(receipt), sum(value) FROM seamark.events"),
        "errors": ask(stack, "SELECT count(), uniqExact(receipt), any(kind) FROM seamark.errors"),
        "visits": ask(
            stack, "SELECT uniqExact(key), sum(events), sum(views) FROM seamark.visits_15m"
        ),
        "ledger": ask(stack, "SELECT sum(offered), sum(accepted), sum(stored) FROM seamark.ledger"),
    }
    for table in ("events_1m", "events_1h", "events_1d"):
        found[table] = ask(
            stack,
            f"SELECT name, sum(rows), sum(count), sum(value_sum), min(value_min), max(value_max), "
            f"{_SKETCHES} FROM seamark.{table} GROUP BY name ORDER BY name",
        )
    return found


def wait_for_rows(stack: Stack, count: int, *, within_seconds: float = 60.0) -> None:
    """Wait until exactly so many events are stored, and counted everywhere; more fails at once."""
    deadline = time.monotonic() + within_seconds
    while True:
        [now] = ask(
            stack,
            "SELECT (SELECT count() FROM seamark.events),"
            " (SELECT sum(rows) FROM seamark.events_1d),"
            " (SELECT sum(accepted) FROM seamark.ledger),"
            " (SELECT sum(stored) FROM seamark.ledger)",
        )
        counts = {int(n) for n in now}
        assert max(counts) <= count
        if counts == {count}:
            return
        assert time.monotonic() < deadline, f"{now} of {count} rows\n{stack.output}"
        time.sleep(0.1)
