"""The dead-letter stream: where a frame goes that a sink will never take.

Stream SEAMARK_DEAD, subject `seamark.dead.<sink>.<org>.<slot>`, so that each org has a share of it
(`seamark.wire.buckets.dead_subject`). The payload is the one frame that the sink was
given; headers say where it came from and why it is here. The message id makes dead-lettering twice
harmless (within the stream's duplicate window).
"""

from typing import Protocol

import nats.errors
from nats.aio.client import Client as NatsClient

from processors.blocks.nats_frames import NatsMessage
from seamark.wire.buckets import DEAD_STREAM, dead_subject
from seamark.wire.frames import HEADER as FRAMES_HEADER
from seamark.wire.frames import frames_header
from seamark.wire.reading import org_of


class DeadLettersUnavailable(Exception):
    """The dead-letter stream did not confirm; dead-lettering may be tried again."""


class DeadLetterQueue(Protocol):
    """Where dead letters go."""

    async def dead_letter(
        self, sink: str, stream: str, piece: NatsMessage, *, frame: int, reason: str
    ) -> None:
        """Keep `piece`, the frame of that index in its message; durable on return.

        Raises DeadLettersUnavailable.
        """


class JetStreamDeadLetterQueue:
    """The real one."""

    def __init__(self, client: NatsClient) -> None:
        self._jetstream = client.jetstream(timeout=5)

    async def dead_letter(
        self, sink: str, stream: str, piece: NatsMessage, *, frame: int, reason: str
    ) -> None:
        """See `DeadLetterQueue.dead_letter`."""
        headers = {
            "Nats-Msg-Id": f"{sink}:{stream}:{piece.sequence}:{frame}",
            "Seamark-Stream": stream,
            "Seamark-Sequence": str(piece.sequence),
            "Seamark-Frame": str(frame),
            "Seamark-Reason": " ".join(reason.split()),  # a header is one line
        }
        if frames := frames_header(piece.frames):
            headers[FRAMES_HEADER] = frames
        subject = dead_subject(
            sink, org_of(piece.payload), size=len(piece.payload), sequence=piece.sequence
        )
        try:
            await self._jetstream.publish(
                subject, piece.payload, stream=DEAD_STREAM, headers=headers
            )
        except (nats.errors.Error, OSError) as error:
            raise DeadLettersUnavailable(f"{DEAD_STREAM}: {error!r}") from error
