"""Rollup dimensions: the bounded labels that dashboards may filter and group by.

A dimension is the first non-empty of its sources: what an event says in its attributes, then in its
`device`, then what the envelope has from the user agent. The materialized views are made from these
constants (`provisioning/clickhouse/constants.py`).
"""

from typing import Final

EVENT_DIMENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "country": ("attrs.country", "envelope.country"),
    "device": ("attrs.device", "device.type", "envelope.device"),
    "browser": ("attrs.browser", "device.browser", "envelope.browser"),
    "os": ("attrs.os", "device.os", "envelope.os"),
    "release": ("attrs.release", "attrs.app_version", "attrs.service.version"),
    "page": ("attrs.page", "attrs.url.path"),
    "feature": ("attrs.feature_id", "attrs.button_id"),
    "experiment": ("attrs.experiment_id",),
    "platform": ("attrs.platform",),
    "error": ("attrs.exception.type",),
}
SPAN_DIMENSIONS: Final[tuple[str, ...]] = ("service", "operation", "kind", "status")
SESSION_DIMENSIONS: Final[tuple[str, ...]] = (
    *("country", "device", "browser", "os"),
    *("release", "page", "platform"),
)
"""Event dimensions that `visits_15m` has of a session's first event."""

METRIC_DIMENSIONS_MOST: Final = 64
"""Dimensions of one series of a metric: the attributes of its points first, then its resource's."""
METRIC_RESOURCE_VALUE_CHARS: Final = 256
"""A longer value of a resource attribute is no dimension."""
DESCRIPTIVE_RESOURCE_ATTRIBUTES: Final[tuple[str, ...]] = (
    *("process.command", "process.executable.path", "process.owner", "process.runtime."),
    *("os.build_id", "os.description", "telemetry.", "webengine."),
)
"""Beginnings of resource attributes that describe, and do not tell one source from another. All
others are dimensions of metrics (`service.name` is the dimension `service`)."""
