"""What is counted of the messages that arrived in a sink: what they were, and what was missing."""

import logging

from processors import metrics
from processors.blocks.dedup.rewrite import DedupedBlock

logger = logging.getLogger(__name__)


class Arrivals:
    """Of one stream, read from behind `after`."""

    def __init__(self, sink: str, stream: str, *, after: int) -> None:
        self._labels = (sink, stream)
        self._last = after

    def count(self, deduped: DedupedBlock) -> None:
        """Call once for every block, in order, once it is in the sink."""
        self._count_gap(deduped)
        messages = deduped.messages
        metrics.INSERTS.labels(*self._labels).inc()
        metrics.BLOCK_MESSAGES.labels(self._labels[0]).observe(len(messages))
        metrics.BLOCK_BYTES.labels(self._labels[0]).observe(sum(len(m.payload) for m in messages))
        metrics.DUPLICATES.labels(*self._labels).inc(deduped.frames)
        metrics.DUPLICATE_EVENTS.labels(*self._labels).inc(deduped.events)
        metrics.ID_REUSED.labels(*self._labels).inc(deduped.reused)

    def _count_gap(self, deduped: DedupedBlock) -> None:
        """Sequences the log never delivered. JetStream skips corrupt messages silently."""
        first, last = self._last + 1, deduped.messages[-1].sequence
        missing = last - first + 1 - len(deduped.messages)
        self._last = last
        if missing > 0:
            metrics.GAPS.labels(*self._labels).inc(missing)
            sink, stream = self._labels
            logger.error(
                "messages are missing from the log",
                extra={"sink": sink, "stream": stream}
                | {"missing": missing, "from": first, "to": last},
            )
