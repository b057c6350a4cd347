"""What limits cost the collector for one request: `python -m load.limits`.

The limiter alone, in turns: for a tenant that nothing limits, and for one whose key and org have
every limit. A request is one `check`, and one `items` around its way into the log.
"""

import time
from typing import Final

from collector.admission.limits.limiter import Limiter
from collector.admission.limits.month_use import MonthUse
from collector.admission.limits.totals import Totals
from seamark.service.registry import KeyRecord, OrgRecord
from seamark.service.registry.limits import OrgLimits

ROUNDS: Final = 20
REQUESTS: Final = 20_000
EVERY: Final = OrgLimits(
    requests_per_second=1e9, bytes_per_second=1e11, items_per_second=1e11, items_per_month=10**12
)


def request_ns(limiter: Limiter, key: KeyRecord) -> float:
    """CPU of one request, in ns."""
    started = time.process_time_ns()
    for _ in range(REQUESTS):
        limiter.check(key, 5_000)
        with limiter.items(key, 50):
            pass
    return (time.process_time_ns() - started) / REQUESTS


def main() -> None:
    """The lowest of the rounds for each tenant."""
    orgs = {
        "none": OrgRecord(org="none", name="none"),
        "every": OrgRecord(org="every", name="every", limits=EVERY),
    }
    limiter = Limiter(orgs, months=MonthUse(Totals("load"), share=1.0, month="2026-12"))
    keys = {
        "none": KeyRecord(key_id="none", org="none", app="a", digest="n"),
        "every": KeyRecord(key_id="every", org="every", app="a", digest="e", limits=EVERY),
    }
    lowest: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, key in keys.items():
            found = request_ns(limiter, key)
            lowest[name] = min(lowest.get(name, found), found)
    for name, found in lowest.items():
        print(f"{name:<6} {found:6.0f} ns a request")


if __name__ == "__main__":
    main()
