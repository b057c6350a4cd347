"""What a record allows, with the installation's defaults where it says nothing. Pure."""

import enum
import math
from dataclasses import dataclass
from typing import Final

from seamark.service.registry.limits import Limits

_UNLIMITED: Final = 1e15
"""A limit that large is none; sums of smaller ones stay exact enough."""
_LEAST_BURST_SECONDS: Final = 1.0
_MOST_BURST_SECONDS: Final = 3600.0


class Scope(enum.StrEnum):
    """Whose limit it is."""

    KEY = "key"
    ORG = "org"


class Measure(enum.StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    BYTES = "bytes"
    ITEMS = "items"
    MONTH = "items_per_month"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Rates per second and items per month; 0: no limit."""

    requests: float = 0.0
    bytes: float = 0.0
    items: float = 0.0
    burst_seconds: float = 10.0
    items_per_month: int = 0

    @property
    def everything(self) -> bool:
        """Nothing is limited."""
        return not (self.requests or self.bytes or self.items or self.items_per_month)


def allowed(limits: Limits | None, default: Allowed) -> Allowed:
    """The limits of a record. A value that can be no limit (negative, not finite) counts as absent;
    one of 1e15 or more is no limit; a burst lasts 1 s to 1 h."""
    if limits is None:
        return default
    burst = _value(limits.burst_seconds, default.burst_seconds) or default.burst_seconds
    return Allowed(
        requests=_value(limits.requests_per_second, default.requests),
        bytes=_value(limits.bytes_per_second, default.bytes),
        items=_value(limits.items_per_second, default.items),
        burst_seconds=min(max(burst, _LEAST_BURST_SECONDS), _MOST_BURST_SECONDS),
        items_per_month=int(_value(limits.items_per_month, default.items_per_month)),
    )


def _value(value: float | None, default: float) -> float:
    if value is None or value < 0 or not math.isfinite(value):
        return default
    return value if value < _UNLIMITED else 0.0
