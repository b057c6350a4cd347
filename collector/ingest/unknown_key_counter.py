"""Requests with an API key that no app has: counted in the metrics, and logged at 1, 2, 4, 8."""

import logging
from typing import Final

from collector import metrics
from collector.admission.addresses import network_prefix
from collector.admission.unknown_keys import UnknownKeys

logger = logging.getLogger(__name__)
_KEY_LABELS: Final = 100
"""So many unknown keys and networks have labels of their own in the metrics, for the life of the
process."""


class UnknownKeyCounter:
    """Counts by the hash of the key and where it came from.

    Own metrics are stored as telemetry, so their label is a network; the process log, which is not,
    has the address.
    """

    def __init__(self) -> None:
        self._unknown_keys = UnknownKeys()
        self._labels: set[tuple[str, str]] = set()

    def count(self, secret: str, source: str) -> None:
        """Count one request. Does not block."""
        key = self._unknown_keys.count(secret, source)
        labels = (key.key_hash, network_prefix(source))
        if labels in self._labels or len(self._labels) < _KEY_LABELS:
            self._labels.add(labels)
        else:
            labels = ("other", "other")
        metrics.UNKNOWN_KEY_REQUESTS.labels(*labels).inc()
        if key.requests & (key.requests - 1) == 0:  # 1, 2, 4, 8 and so on
            logger.warning("requests with an unknown API key", extra=key._asdict())
