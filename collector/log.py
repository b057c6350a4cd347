"""What the collector needs of the log: appends, and whether they are durable."""

from typing import Protocol

from seamark.wire.signals import Signal


class DurabilityCheck(Protocol):
    """Whether what the log acknowledges is durable (`collector.ingest.durability`)."""

    def problem(self) -> str:
        """Why nothing may be acknowledged to a sender now; "" when it may."""

    async def confirm(self) -> str:
        """`problem` of an acknowledgement just received, after waiting for a check under way."""


class Log(Protocol):
    """Where envelopes go (`collector.publish.publisher.Publisher`)."""

    async def append(
        self,
        signal: Signal,
        partition: int,
        frame: bytes,
        *,
        receipt: str = "",
        event_ids: bool = False,
        weight: int,
    ) -> None:
        """Append a zstd frame; returns once it is durable. Raises Unavailable, Rejected."""
