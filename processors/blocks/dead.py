"""The dead-letter stream: where a message goes that a sink will never take.

Stream SEAMARK_DEAD, subject `seamark.dead.<sink>`. The payload is what the sink was given; headers
say where it came from and why it is here. The message id makes burying twice harmless (within the
stream's duplicate window).
"""

from typing import Final, Protocol

import nats.errors
from nats.aio.client import Client as NatsClient

from processors.blocks.nats_frames import Message
from processors.blocks.retries import listed_frames
from seamark.wire.frames import HEADER as FRAMES_HEADER

DEAD_STREAM: Final = "SEAMARK_DEAD"


class GraveUnavailable(Exception):
    """The dead-letter stream did not confirm; burying may be tried again."""


class Grave(Protocol):
    """Where dead letters go."""

    async def bury(self, sink: str, stream: str, message: Message, *, reason: str) -> None:
        """Keep `message`; durable on return. Raises GraveUnavailable."""


class JetStreamGrave:
    """The real one."""

    def __init__(self, client: NatsClient) -> None:
        self._jetstream = client.jetstream(timeout=5)

    async def bury(self, sink: str, stream: str, message: Message, *, reason: str) -> None:
        """See `Grave.bury`."""
        headers = {
            "Nats-Msg-Id": f"{sink}:{stream}:{message.sequence}",
            "Seamark-Stream": stream,
            "Seamark-Sequence": str(message.sequence),
            "Seamark-Reason": " ".join(reason.split()),  # a header is one line
        }
        frames = listed_frames(message.headers)
        if frames and sum(frame.length for frame in frames) == len(message.payload):
            headers[FRAMES_HEADER] = ",".join([frame.entry() for frame in frames])
        try:
            await self._jetstream.publish(
                f"seamark.dead.{sink}", message.payload, stream=DEAD_STREAM, headers=headers
            )
        except (nats.errors.Error, OSError) as error:
            raise GraveUnavailable(f"{DEAD_STREAM}: {error!r}") from error
