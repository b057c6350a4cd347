"""SEAMARK_OWN_METRICS_*: whether and where a process reports its own metrics."""

from dataclasses import dataclass
from typing import Final

from seamark.service.settings import setting

PREFIX: Final = "SEAMARK_OWN_METRICS"


@dataclass(frozen=True, slots=True)
class OwnMetricsSettings:
    """SEAMARK_OWN_METRICS_*: read by every process that runs for long."""

    url: str = setting(
        "",
        text="Collector that every process sends its own metrics to; empty: nowhere. `seamark up` "
        "sets it to its own.",
    )
    key_path: str = setting(
        "", text="File that holds the ingest key for that; it may come later than the process."
    )
    interval_seconds: float = setting(
        30.0,
        unit="s",
        text="How often own metrics are sent; 0 for never. Counts are running totals, so what "
        "could not be sent is in the next.",
        minimum=0,
    )
    timeout_seconds: float = setting(
        5.0,
        unit="s",
        text="Longest time for sending them once; then they are dropped.",
        minimum=0.1,
    )
    instance: str = setting(
        "",
        text="What tells this process from others of its kind (`service.instance.id`); empty for "
        "the machine's name and the port.",
    )
    tls_ca: str = setting("", text="CA file for https to that collector; empty for the system's.")
    tls_name: str = setting(
        "", text="Name in that collector's certificate; empty for the host in `url`."
    )

    backup_path: str = setting(
        "",
        text="File that a backup touches when it has ended well, for the metric of its age; empty: "
        "not told. `seamark up` sets it for its store.",
    )

    @property
    def on(self) -> bool:
        """Whether anything is sent."""
        return bool(self.url) and self.interval_seconds > 0
