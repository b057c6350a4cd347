"""What the collector needs of the log: appends, and whether they are durable."""

from typing import NamedTuple, Protocol

from seamark.wire.signals import Signal


class DurabilityCheck(Protocol):
    """Whether what the log acknowledges is durable (`collector.ingest.durability`)."""

    def problem(self) -> str:
        """Why nothing may be acknowledged to a sender now; "" when it may."""

    async def confirm(self) -> str:
        """`problem` of an acknowledgement just received, after waiting for a check under way."""


class LogFrame(NamedTuple):
    """One frame for the log: `data` is a zstd frame of one envelope.

    `org` is the one that sent it, "" for what only counts. `weight` is its
    `seamark.wire.frames.weight_of`. `receipt` and `digest` (of the batch's content, hex) are those
    of a batch that carries a `batchId`, or of a part (`receipts.part_key`), else ""; `event_ids`:
    some of its events have ids.
    """

    signal: Signal
    partition: int
    data: bytes
    weight: int
    receipt: str = ""
    digest: str = ""
    event_ids: bool = False
    org: str = ""


class FrameLog(Protocol):
    """Where envelopes go (`collector.publish.publisher.Publisher`)."""

    async def append(self, frame: LogFrame) -> None:
        """Append a frame; returns once it is durable. Raises Unavailable, Rejected."""
