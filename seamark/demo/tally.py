"""What the demo sent and what was accepted, by the keys that it later asks the stack about."""

import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from seamark.demo.visits import ShopEvent

Key = tuple[str, ...]


@dataclass(slots=True)
class DemoTally:
    """Counts of events by name and by name, country and release; of OTLP items by service.

    The OTLP counters are written by exporter threads, hence the lock. `refused` events were
    turned away for good; `unknown` ones were sent and never answered.
    """

    offered: int = 0
    rejected: int = 0
    refused: int = 0
    unknown: int = 0
    batches: int = 0
    retries: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    sums: dict[str, float] = field(default_factory=dict)
    by_country: Counter[Key] = field(default_factory=Counter)
    by_release: Counter[Key] = field(default_factory=Counter)
    otlp: dict[str, Counter[str]] = field(default_factory=dict)
    otlp_failed: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def accepted(self) -> int:
        """Events that were answered 202."""
        return self.counts.total()

    def accept(self, events: Collection[ShopEvent], rejected: Collection[int]) -> None:
        """Take the answer to one batch: `rejected` are indexes into `events`."""
        self.batches += 1
        self.rejected += len(rejected)
        for index, event in enumerate(events):
            if index in rejected:
                continue
            self.counts[event.name] += 1
            self.by_country[event.name, str(event.attrs["country"])] += 1
            self.by_release[event.name, str(event.attrs["release"])] += 1
            if event.value is not None:
                self.sums[event.name] = self.sums.get(event.name, 0.0) + event.value

    def exported(self, signal: str, service: str, items: int, *, ok: bool) -> None:
        """Take the answer to one OTLP export; called from exporter threads."""
        with self._lock:
            if ok:
                self.otlp.setdefault(signal, Counter())[service] += items
            else:
                self.otlp_failed[signal] += items

    def as_json(self) -> dict[str, Any]:
        """Plain values, keys sorted."""
        with self._lock:
            otlp = {signal: dict(sorted(by.items())) for signal, by in sorted(self.otlp.items())}
            failed = dict(sorted(self.otlp_failed.items()))
        return {
            "events": {
                "offered": self.offered,
                "accepted": self.accepted,
                "rejected": self.rejected,
                "refused": self.refused,
                "unknown": self.unknown,
                "batches": self.batches,
                "retries": self.retries,
            },
            "byName": {
                name: {"count": count, "sum": self.sums.get(name)}
                for name, count in sorted(self.counts.items())
            },
            "byCountry": {"/".join(key): n for key, n in sorted(self.by_country.items())},
            "byRelease": {"/".join(key): n for key, n in sorted(self.by_release.items())},
            "otlp": otlp,
            "otlpFailed": failed,
        }
