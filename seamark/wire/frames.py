"""Which frames of a log message can be told apart, and taking them one by one.

The header `Seamark-Frames` lists `<length>[:<receipt>:<digest>[:e]]` for every frame of a message
that holds at least one frame with an identity: a receipt when its batch carried a `batchId`, beside
it the digest of the batch's content (`receipts.content_digest`; of a part of a large OTLP request a
key, `receipts.part_key`, in place of the receipt), and an `e` when it holds events
with an `id` of their own. Messages without the header are never opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

HEADER: Final = "Seamark-Frames"
WEIGHT_HEADER: Final = "Seamark-Weight"
"""The sum of `weight_of` over a message's frames."""
ITEM_WEIGHT: Final = 256
NESTED_WEIGHT: Final = 128
"""What one member of a list in an item weighs (an attribute, a span event, an exemplar). Measured
with an embedded ClickHouse: a block takes four to nine times its weight, whatever it is made of."""
DUPLICATE_WINDOW_NS: Final = 24 * 3600 * 1_000_000_000
"""How far back, by the log's clock, a receipt or an event's id is recognised. Every sink must use
the same, or rows and archive would disagree about what is a duplicate; so this is a constant, not a
setting."""


def weight_of(envelope_bytes: int, items: int) -> int:
    """What an envelope weighs in the store's memory, up to a constant: its bytes once inflated, and
    `ITEM_WEIGHT` for every row it becomes: a row has some forty columns however little it says.

    Blocks are cut by this: a few compressed MB of one sender's repetitions, or of tiny points,
    would be gigabytes there, and an insert that fails for want of memory cannot be made smaller.
    """
    return envelope_bytes + ITEM_WEIGHT * items


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame's length in bytes, its receipt or the key of a part ("" without), whether it holds
    events that have ids, and the digest of its batch's content (hex; "" when it has no receipt).
    """

    length: int
    receipt: str = ""
    event_ids: bool = False
    digest: str = ""

    @property
    def anonymous(self) -> bool:
        """Whether nothing can tell a retry of this frame from its first try."""
        return not self.receipt and not self.event_ids

    def entry(self) -> str:
        """As it stands in the header."""
        if self.anonymous:
            return str(self.length)
        return f"{self.length}:{self.receipt}:{self.digest}{':e' if self.event_ids else ''}"


def frames_header(frames: Sequence[Frame]) -> str | None:
    """Value of the header for the frames of one message, in order; None: it needs none."""
    if all(frame.anonymous for frame in frames):
        return None
    return ",".join([frame.entry() for frame in frames])


def parse_frames(header: str) -> list[Frame]:
    """The frames named in a header. Raises ValueError on anything else."""
    frames = []
    for entry in header.split(","):
        length, receipt, digest, mark = (entry.split(":") + [""] * 3)[:4]
        if mark not in ("", "e") or entry.count(":") > 3:
            raise ValueError(f"{entry!r} is no frame")
        frames.append(Frame(int(length), receipt, mark == "e", digest))
    return frames


def cut(payload: bytes, frames: Sequence[Frame]) -> list[bytes]:
    """The bytes of each of `frames`, which are all of `payload`.

    Raises ValueError when the lengths do not add up to the payload.
    """
    size = sum(frame.length for frame in frames)
    if size != len(payload):
        raise ValueError(f"frames of {size} bytes in a message of {len(payload)} bytes")
    pieces = []
    start = 0
    for frame in frames:
        pieces.append(payload[start : start + frame.length])
        start += frame.length
    return pieces
