"""What `/livez`, `/readyz` and `/v1/healthz` answer, on whichever server they are asked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from seamark.service.health import Health

LIVE: Final = ("/livez",)
READY: Final = ("/readyz", "/v1/healthz")
CONTENT_TYPE: Final = "application/json"
_RETRY: Final = {"Retry-After": "2"}


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """One answer in JSON."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


ALIVE: Final = HealthAnswer(200, b'{"status":"ok"}')


def readiness(health: Health, *, optional: Health | None = None) -> HealthAnswer:
    """200 when every needed part is up, else 503. `optional` parts are only reported."""
    body = msgspec.json.encode(health.report(optional=optional))
    return HealthAnswer(200, body) if health.ready else HealthAnswer(503, body, _RETRY)
