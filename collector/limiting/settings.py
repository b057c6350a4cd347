"""SEAMARK_LIMIT_*: what a tenant may send where its record says nothing, and how it is shared."""

from dataclasses import dataclass

from collector.admission.limits.allowed import Allowed
from seamark.service.settings import setting

PREFIX = "SEAMARK_LIMIT"


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """Defaults of `Limits` in the records of keys and orgs; 0: no limit."""

    key_requests_per_second: float = setting(
        0.0, unit="1/s", text="Requests of one key; 0: no limit. Over a limit: 429.", minimum=0
    )
    key_bytes_per_second: float = setting(
        0.0, unit="bytes/s", text="Bodies of one key, as sent; 0: no limit.", minimum=0
    )
    key_items_per_second: float = setting(
        0.0, unit="1/s", text="Accepted items of one key; 0: no limit.", minimum=0
    )
    key_items_per_month: int = setting(
        0, text="Accepted items of one key in a calendar month (UTC); 0: no limit.", minimum=0
    )
    org_requests_per_second: float = setting(
        0.0, unit="1/s", text="Requests of one org; 0: no limit.", minimum=0
    )
    org_bytes_per_second: float = setting(
        0.0, unit="bytes/s", text="Bodies of one org, as sent; 0: no limit.", minimum=0
    )
    org_items_per_second: float = setting(
        0.0, unit="1/s", text="Accepted items of one org; 0: no limit.", minimum=0
    )
    org_items_per_month: int = setting(
        0, text="Accepted items of one org in a calendar month (UTC); 0: no limit.", minimum=0
    )
    burst_seconds: float = setting(
        10.0,
        unit="s",
        text="For so long of its rate a tenant may send at once after it sent nothing.",
        minimum=1.0,
        maximum=3600.0,
    )
    org_log_percent: float = setting(
        100.0,
        unit="%",
        text="Share of each stream's `SEAMARK_LOG_MAX_BYTES` that one org may fill; it is shed as "
        "it nears it, with 429. 100: no share.",
        minimum=0.1,
        maximum=100.0,
    )
    local_percent: float = setting(
        50.0,
        unit="%",
        text="Of every limit, what each collector process grants by itself while Redis is away. "
        "100 divided by the number of processes never grants more than the limit.",
        minimum=1.0,
        maximum=100.0,
    )

    @property
    def key_default(self) -> Allowed:
        """What a key may send whose record says nothing."""
        return Allowed(
            requests=self.key_requests_per_second,
            bytes=self.key_bytes_per_second,
            items=self.key_items_per_second,
            burst_seconds=self.burst_seconds,
            items_per_month=self.key_items_per_month,
        )

    @property
    def org_default(self) -> Allowed:
        """What an org may send whose record says nothing."""
        return Allowed(
            requests=self.org_requests_per_second,
            bytes=self.org_bytes_per_second,
            items=self.org_items_per_second,
            burst_seconds=self.burst_seconds,
            items_per_month=self.org_items_per_month,
        )
