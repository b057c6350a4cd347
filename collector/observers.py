"""What the parts behind ingest tell of themselves, counted among the collector's own metrics."""

from typing import Final

from collector.admission.limits.allowed import Measure, Scope
from collector.metrics import counter, gauge, seconds_histogram
from seamark.wire.signals import Signal

LOG_SENT: Final = counter(
    "seamark_collector_log_messages", "Messages the log has acknowledged.", "signal"
)
LOG_FRAMES: Final = counter(
    "seamark_collector_log_frames", "Envelopes joined into those.", "signal"
)
LOG_SENT_BYTES: Final = counter("seamark_collector_log_bytes", "Payloads of those.", "signal")
LOG_FAILED: Final = counter(
    "seamark_collector_log_attempts_failed",
    "Messages not acknowledged at once, by why.",
    "signal",
    "reason",
)
LOG_SECONDS: Final = seconds_histogram(
    "seamark_collector_log_seconds",
    "Time from sending a message to its acknowledgement, retries included.",
    "signal",
)
SPOOL_FRAMES: Final = gauge(
    "seamark_collector_spool_frames", "Envelopes on disk that the log does not have yet."
)
SPOOL_BYTES: Final = gauge("seamark_collector_spool_bytes", "Size of the spool on disk.")
SPOOL_OLDEST: Final = gauge(
    "seamark_collector_spool_oldest_seconds",
    "Age of the oldest segment of the spool; 0 when it is empty.",
    joined="livemax",
)
SPOOLED_FRAMES: Final = counter(
    "seamark_collector_spooled_frames", "Envelopes put into the spool because the log was away."
)
SPOOLED_BYTES: Final = counter("seamark_collector_spooled_bytes", "Payloads of those.")
SPOOL_DRAINED: Final = counter(
    "seamark_collector_spool_drained_frames", "Envelopes of the spool that the log has now."
)
SPOOL_SECONDS: Final = seconds_histogram(
    "seamark_collector_spool_sync_seconds", "Time to write and sync what came together."
)
SHED: Final = counter(
    "seamark_collector_requests_shed",
    "Requests refused because the log or a disk is nearly full, by what they are.",
    "signal",
    "kind",
)
SHED_LEVEL: Final = gauge(
    "seamark_collector_shed_level",
    "0: nothing is refused; 1: what is worth least; 2: all but errors; 3: everything.",
    "signal",
    joined="livemax",
)


LIMITED_REQUESTS: Final = counter(
    "seamark_collector_requests_limited",
    "Requests over a limit, by whose (key, org) and of what (requests, bytes, items, "
    "items_per_month).",
    "scope",
    "limit",
)
OVER_LOG_SHARE: Final = counter(
    "seamark_collector_requests_over_log_share",
    "Requests refused because their org has nearly filled its share of the log, by what they are.",
    "signal",
    "kind",
)
LIMITS_LOCAL: Final = gauge(
    "seamark_collector_limits_local",
    "1: Redis is away, and each process grants its part of the limits by itself.",
    joined="livemax",
)


class LimitMetrics:
    """What `collector.admission.limits` refuses, and whether limits are shared."""

    def limited(self, scope: Scope, measure: Measure) -> None:
        """A request was refused."""
        LIMITED_REQUESTS.labels(scope.value, measure.value).inc()

    def redis_away(self, away: bool) -> None:
        """Whether limits are local now."""
        LIMITS_LOCAL.set(away)


class LogMetrics:
    """What `collector.publish` tells of the log."""

    def sent(self, signal: Signal, frames: int, size: int, seconds: float) -> None:
        """A message of `frames` frames and `size` bytes was acknowledged."""
        LOG_SENT.labels(signal.value).inc()
        LOG_FRAMES.labels(signal.value).inc(frames)
        LOG_SENT_BYTES.labels(signal.value).inc(size)
        LOG_SECONDS.labels(signal.value).observe(seconds)

    def failed_attempt(self, signal: Signal, reason: str) -> None:
        """A message was not acknowledged."""
        LOG_FAILED.labels(signal.value, reason).inc()


class SpoolMetrics:
    """What `collector.spool` tells of itself."""

    def spooled(self, frames: int, size: int, seconds: float) -> None:
        """Frames were written and synced, which took `seconds`."""
        SPOOLED_FRAMES.inc(frames)
        SPOOLED_BYTES.inc(size)
        SPOOL_SECONDS.observe(seconds)

    def drained(self, frames: int, size: int) -> None:  # noqa: ARG002  # the protocol's
        """Frames were given to the log, or found there."""
        SPOOL_DRAINED.inc(frames)

    def holds(self, frames: int, size: int, oldest_seconds: float) -> None:
        """What is in the spool now."""
        SPOOL_FRAMES.set(frames)
        SPOOL_BYTES.set(size)
        SPOOL_OLDEST.set(oldest_seconds)


class SheddingMetrics:
    """What `collector.shedding` refuses."""

    def shed(self, signal: Signal, kind: str) -> None:
        """A request was refused."""
        SHED.labels(signal.value, kind).inc()

    def over_share(self, signal: Signal, kind: str) -> None:
        """A request was refused for its org's share of the log."""
        OVER_LOG_SHARE.labels(signal.value, kind).inc()

    def level(self, signal: Signal, level: int) -> None:
        """What is refused of a signal now."""
        SHED_LEVEL.labels(signal.value).set(level)
