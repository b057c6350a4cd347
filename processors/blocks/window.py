"""Which identified frames of a stream are a client's retry of an earlier one. Pure.

A frame is a duplicate when its receipt stands in an earlier frame of the same stream no more than
the window before it, both times being the log's own. That is a function of the log alone: whoever
reads the stream, and however often it is killed, comes to the same answer, so rows and archive
agree and a resent block is the same block. A reader that starts in the middle first feeds
the window with the headers of the messages before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from seamark.wire.frames import DUPLICATE_WINDOW_NS, Frame


@dataclass(slots=True)
class ReceiptWindow:
    """Receipts of one stream and the log time at which each was last seen, oldest first.

    Memory: about 200 bytes for each identified frame of the last ten minutes.
    """

    window_ns: int = DUPLICATE_WINDOW_NS
    _seen_ns: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._seen_ns)

    def duplicates(self, time_ns: int, frames: Sequence[Frame]) -> set[int]:
        """Indices of the frames that are retries; remembers all of them.

        `time_ns` is the log's time of the message. Call once for each message, in log order.
        """
        found = set()
        for index, frame in enumerate(frames):
            if not frame.receipt:
                continue
            before_ns = self._seen_ns.pop(frame.receipt, None)
            if before_ns is not None and time_ns - before_ns <= self.window_ns:
                found.add(index)
            self._seen_ns[frame.receipt] = time_ns
        self._forget(time_ns)
        return found

    def _forget(self, time_ns: int) -> None:
        oldest_ns = time_ns - self.window_ns
        while self._seen_ns:
            receipt = next(iter(self._seen_ns))
            if self._seen_ns[receipt] >= oldest_ns:
                return
            del self._seen_ns[receipt]
