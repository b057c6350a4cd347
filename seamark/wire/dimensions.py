"""Rollup dimensions: the bounded labels that dashboards may filter and group by.

A dimension is the first non-empty of its sources. The materialized views are made from these
constants (`provisioning/clickhouse/constants.py`).
"""

from typing import Final

EVENT_DIMENSIONS: Final[dict[str, tuple[str, ...]]] = {
    "country": ("attrs.country", "envelope.country"),
    "device": ("attrs.device", "envelope.device"),
    "browser": ("attrs.browser", "envelope.browser"),
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
