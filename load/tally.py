"""Offered items and their outcomes, counted while a generator runs."""

import dataclasses
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from load.schedule import SpreadSchedule, spread


@dataclass(slots=True)
class LoadTally:
    """Counts in requests and items; latencies in microseconds from the planned time.

    Law, once a run is over: offered items = accepted + rejected + refused + unknown. `unknown`
    was sent and never answered, so it may or may not have been stored.
    """

    planned: int = 0
    started: int = 0
    retries: int = 0
    offered_items: int = 0
    accepted_requests: int = 0
    accepted_items: int = 0
    rejected_items: int = 0
    refused_items: int = 0
    unknown_items: int = 0
    bytes_sent: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    latency_us: "array[int]" = field(default_factory=lambda: array("Q"))
    late_us: "array[int]" = field(default_factory=lambda: array("Q"))
    per_second: Counter[int] = field(default_factory=Counter)

    def accept(self, items: int, accepted: int, latency_ns: int, second: int) -> None:
        """A 2xx for a request of `items`, `second` seconds into the run."""
        self.accepted_requests += 1
        self.accepted_items += accepted
        self.rejected_items += items - accepted
        self.latency_us.append(latency_ns // 1000)
        self.per_second[second] += accepted


@dataclass(frozen=True, slots=True)
class Summary:
    """A finished run in numbers, as written to JSON. Latencies in milliseconds."""

    kind: str
    run: str
    elapsed_seconds: float
    planned_requests: int
    unsent_requests: int
    requests: int
    retries: int
    offered_items: int
    accepted_requests: int
    accepted_items: int
    rejected_items: int
    refused_items: int
    unknown_items: int
    offered_per_second: float
    accepted_per_second: float
    accepted_per_second_worst: float
    megabytes_per_second: float
    latency_ms: SpreadSchedule
    late_ms: SpreadSchedule
    statuses: dict[str, int]
    faults: dict[str, int]
    cpu_us_per_request: float
    started_at_ms: int
    ended_at_ms: int

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return dataclasses.asdict(self)


def summarise(
    tally: LoadTally,
    *,
    kind: str,
    run: str,
    elapsed_seconds: float,
    cpu_seconds: float,
    started_at_ms: int,
    ended_at_ms: int,
) -> Summary:
    """The figures of a run. Seconds that were only begun do not count as the worst second."""
    whole = [tally.per_second[second] for second in range(int(elapsed_seconds))]
    elapsed = max(elapsed_seconds, 1e-9)
    return Summary(
        kind=kind,
        run=run,
        elapsed_seconds=round(elapsed_seconds, 3),
        planned_requests=tally.planned,
        unsent_requests=max(0, tally.planned - tally.started),
        requests=tally.started,
        retries=tally.retries,
        offered_items=tally.offered_items,
        accepted_requests=tally.accepted_requests,
        accepted_items=tally.accepted_items,
        rejected_items=tally.rejected_items,
        refused_items=tally.refused_items,
        unknown_items=tally.unknown_items,
        offered_per_second=round(tally.offered_items / elapsed, 1),
        accepted_per_second=round(tally.accepted_items / elapsed, 1),
        accepted_per_second_worst=float(min(whole, default=0)),
        megabytes_per_second=round(tally.bytes_sent / elapsed / 1e6, 3),
        latency_ms=_milliseconds(tally.latency_us),
        late_ms=_milliseconds(tally.late_us),
        statuses={str(status): count for status, count in sorted(tally.statuses.items())},
        faults=dict(sorted(tally.faults.items())),
        cpu_us_per_request=round(cpu_seconds * 1e6 / max(1, tally.started + tally.retries), 2),
        started_at_ms=started_at_ms,
        ended_at_ms=ended_at_ms,
    )


def _milliseconds(values: "array[int]") -> SpreadSchedule:
    raw = spread(values)
    return SpreadSchedule(
        raw.count,
        *(round(v / 1000, 3) for v in (raw.p50, raw.p95, raw.p99, raw.max, raw.mean)),
    )
