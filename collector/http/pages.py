"""The collector's own pages: liveness, readiness, metrics."""

import msgspec

from collector import metrics
from collector.http.failures import JSON
from collector.http.server import Page
from collector.receivers.exchange import Reply
from seamark.service.health import Health


def build(health: Health) -> dict[str, Page]:
    """Pages by path. `/livez` answers as long as the process does; `/readyz` when it can ingest."""

    def livez() -> Reply:
        return Reply(200, b'{"status":"ok"}', JSON)

    def readyz() -> Reply:
        return Reply(200 if health.ready else 503, msgspec.json.encode(health.report()), JSON)

    def own_metrics() -> Reply:
        return Reply(200, metrics.page(), metrics.CONTENT_TYPE)

    return {
        "/livez": livez,
        "/readyz": readyz,
        "/v1/healthz": readyz,
        "/metrics": own_metrics,
    }
