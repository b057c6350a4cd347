"""What every client sends, and what the API must say of it afterwards. Pure.

A client reads OpenTelemetry's own variables (endpoint, headers, service) and four numbers:

- `CLIENT_SPANS`: span i (1 …) is named `op-<i % 3>`, lasts i ms, and has ten attributes of 120
  random hexadecimal digits; every tenth records an exception with a stack twenty calls deep.
- `CLIENT_RECORDS`: log records `record <i>` at WARN, and among them `CLIENT_LINES` of `line <i> `
  and 1,000,000 times `z` at ERROR.
- `CLIENT_MEASUREMENTS`: for i from 1, with the attribute `queue` = i % 10: `<service>.orders`
  (counter) adds 2, `.open` (up-down counter) adds 1, `.basket` (histogram) and `.wait` (exponential
  histogram) record i, `.depth` (gauge) is i.

Batches, queues, compression, timeouts and retries are the SDK's own defaults. A client flushes
after each 2,048 spans, because a stock queue holds that many and drops what comes on top.
"""

from dataclasses import dataclass
from typing import Final

BIG_LINE_CHARS: Final = 1_000_000
EXCEPTION_EVERY: Final = 10
QUEUES: Final = 10


@dataclass(frozen=True, slots=True)
class Workload:
    """How much one client sends; `measurements` is at least 10."""

    spans: int
    records: int
    lines: int
    measurements: int

    @property
    def environment(self) -> dict[str, str]:
        """As the client reads it."""
        return {
            "CLIENT_SPANS": str(self.spans),
            "CLIENT_RECORDS": str(self.records),
            "CLIENT_LINES": str(self.lines),
            "CLIENT_MEASUREMENTS": str(self.measurements),
        }

    @property
    def expected(self) -> dict[str, float]:
        """Name -> what the API says once all is stored."""
        measured = self.measurements
        total = measured * (measured + 1) / 2
        return {
            "spans": self.spans,
            "spans ms": self.spans * (self.spans + 1) / 2,
            "exceptions": self.spans // EXCEPTION_EVERY,
            "log records": self.records + self.lines,
            "1 MB lines": self.lines,
            "counter": 2 * measured,
            "up-down": measured,
            "histogram count": measured,
            "histogram sum": total,
            "exponential count": measured,
            "exponential sum": total,
            "gauge": sum(range(measured - QUEUES + 1, measured + 1)),
        }


SHORT: Final = Workload(spans=1_536, records=200, lines=3, measurements=1_000)
"""Three full batches of spans: what CI sends."""
FULL: Final = Workload(spans=20_480, records=2_000, lines=10, measurements=1_000)
"""What `make clients` sends: two full batches of a Collector and more."""
