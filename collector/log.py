"""The log as the collector sees it."""

from typing import Protocol

from seamark.wire.signals import Signal


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
