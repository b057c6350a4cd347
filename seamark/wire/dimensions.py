"""Rollup dimensions: the bounded labels that dashboards may filter and group by.

A dimension is the first non-empty of its sources. The materialized views compute the same
(`provisioning/clickhouse`), which a test holds them to.
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
