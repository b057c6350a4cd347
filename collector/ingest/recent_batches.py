"""Digests of recent batches, so that a batchId used for other content is rejected at once.

Only a first check: what this collector forgot, or another one took, is found behind the log by the
digest that stands beside the receipt (`processors.blocks.dedup`). Pure.
"""

from collections import OrderedDict
from typing import Final

from seamark.wire.failures import Rejected
from seamark.wire.frames import DUPLICATE_WINDOW_NS
from seamark.wire.reasons import Reason

_CAPACITY: Final = 32_768


class RecentBatches:
    """The newest `capacity` batches with a batchId; about 250 bytes each."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._digests: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def check(self, receipt: str, digest: str, *, batch_id: str, now_ns: int) -> None:
        """Raises Rejected (ID_REUSED) when the receipt was that of other content within a day."""
        known, added_ns = self._digests.get(receipt, (digest, 0))
        if known == digest or now_ns - added_ns > DUPLICATE_WINDOW_NS:
            return
        raise Rejected(
            Reason.ID_REUSED,
            f"batchId {batch_id[:64]!r} was used less than 24 hours ago for a batch with other "
            "events; nothing of this one was stored: send it again with a new batchId, and the "
            "same batchId only with the same events",
            field="batchId",
        )

    def add(self, receipt: str, digest: str, *, now_ns: int) -> None:
        """Record a batch that is in the log. A first content within the window stays."""
        known = self._digests.get(receipt)
        if known is not None and now_ns - known[1] <= DUPLICATE_WINDOW_NS:
            return
        self._digests[receipt] = digest, now_ns
        self._digests.move_to_end(receipt)
        if len(self._digests) > self._capacity:
            self._digests.popitem(last=False)
