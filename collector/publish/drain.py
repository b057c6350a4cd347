"""Gives one stream's spooled messages to the log: in order, one at a time, each exactly once.

`ResendPolicy` decides, `Drain` does it. One message is in flight for each stream, as with live
ones: so another writer of the stream waits for at most one of ours, however much is spooled.
"""

import logging
import time

from collector.publish.ack_client import AckClient
from collector.publish.frame_queue import LogMessage
from collector.publish.look_up import NotAnswered, ids_behind
from collector.publish.result import Acked, Problem
from collector.spool.record import Key
from collector.spool.resend_policy import LookUp, ResendPolicy, Settled
from collector.spool.spool import QueueHead, Spool
from seamark.wire.signals import stream_name, subject

logger = logging.getLogger(__name__)


class Drain:
    """The drain of one stream. `resend_policy` is the stream's: live messages move it on too."""

    def __init__(
        self,
        key: Key,
        *,
        ack_client: AckClient,
        spool: Spool,
        resend_policy: ResendPolicy,
        attempt_seconds: float,
    ) -> None:
        self._key = key
        self._ack_client = ack_client
        self._spool = spool
        self._resend_policy = resend_policy
        self._attempt_seconds = attempt_seconds

    async def step(self) -> Problem | None:
        """Settle the next record, or say why that cannot be done now. None also when none is left.

        A disk that cannot be read is a problem like another: it is logged, and tried again.
        """
        try:
            head = await self._spool.head(self._key)
            return None if head is None else await self._settle(head)
        except OSError as error:
            logger.error("the spool cannot be read", extra={"error": str(error)})
            return Problem("spool", f"the spool cannot be read: {error.strerror or error}")

    async def _settle(self, head: QueueHead) -> Problem | None:
        record, left_by = head.record, head.segment.left_by
        left_at = self._spool.noted(self._key, left_by=left_by)
        while True:
            now = time.monotonic()
            match self._resend_policy.decide(record, left_by=left_by, left_at=left_at, now=now):
                case Settled(sequence):
                    break
                case LookUp(after):
                    if (problem := await self._look_up(head, after)) is not None:
                        return problem
                case _:
                    answer = await self._send(head)
                    if isinstance(answer, Problem):
                        return answer
                    sequence = answer.sequence
                    break
        self._resend_policy.settled(record.message_id, sequence)
        await self._spool.settle(head, sequence)
        return None

    async def _look_up(self, head: QueueHead, after: int) -> Problem | None:
        js, asked_at = self._ack_client.jetstream(), time.monotonic()
        if js is None:
            return Problem("disconnected", "it is not connected")
        try:
            found = await ids_behind(
                js,
                stream_name(*self._key),
                after=after,
                prefixes=self._spool.publisher_ids,
            )
        except NotAnswered as error:
            return Problem("look_up", f"it does not say what it holds: {error}")
        self._resend_policy.looked(
            head.record, found, left_by=head.segment.left_by, asked_at=asked_at
        )
        return None

    async def _send(self, head: QueueHead) -> Acked | Problem:
        record = head.record
        message = LogMessage(
            record.message_id, record.payload, record.weight, record.frames, record.frames_header
        )
        answer = await self._ack_client.attempt(
            subject(*self._key), message.payload, message.headers(), seconds=self._attempt_seconds
        )
        if isinstance(answer, Problem):
            left_by = head.segment.left_by
            self._resend_policy.failed(record, left_by=left_by, indeterminate=answer.indeterminate)
        return answer
