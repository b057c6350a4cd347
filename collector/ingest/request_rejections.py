"""Requests turned away before anyone knew what they held, counted and put into the ledger.

Nothing of such a request reaches the log, so they are counted in memory, by whose they were and
why, and every few seconds written as envelopes that only count (`Outcome.request_rejections`). With
the log away the counts wait here; memory is bounded, since the kinds are few.

A count whose acknowledgement was lost is sent again under its receipt, and left out behind the log
like any retry.

Counted are the requests to a receiver (HTTP or gRPC). What never became one has no signal and is
left to the own metrics: bytes that are no HTTP, other paths and methods, connections beyond the
most, messages that gRPC itself refuses for their size.
"""

import asyncio
import logging
import secrets
from typing import Final, NamedTuple

from collector import metrics
from collector.admission.rejection_tally import RejectionTally, RequestOwner
from collector.log import Log
from seamark.service.connections import sleep_or_stop
from seamark.wire.counting import counting_frame
from seamark.wire.envelope import Outcome, Sender
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.frames import weight_of
from seamark.wire.reasons import Reason
from seamark.wire.receipts import new_receipt
from seamark.wire.signals import Signal, choose_partition

logger = logging.getLogger(__name__)
FLUSH_SECONDS: Final = 10.0
_LAST_FLUSH_SECONDS: Final = 1.0


class _Note(NamedTuple):
    """One envelope on its way. Its receipt stays, so that a second try can be told from a first."""

    signal: Signal
    partition: int
    frame: bytes
    receipt: str
    weight: int


class RequestRejections:
    """Counts refused requests and takes the counts to the log every `every_seconds`."""

    def __init__(
        self,
        *,
        log: Log,
        partitions: int,
        server_version: str,
        datacenter: str = "",
        every_seconds: float = FLUSH_SECONDS,
        last_seconds: float = _LAST_FLUSH_SECONDS,
    ) -> None:
        self._log = log
        self._partitions = partitions
        self._server_version = server_version
        self._datacenter = datacenter
        self._every_seconds = every_seconds
        self._last_seconds = last_seconds
        self._tally = RejectionTally()
        self._notes: dict[str, _Note] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def count(self, whose: RequestOwner, reason: Reason, *, now_ns: int) -> None:
        """Count one request that was refused at `now_ns`. Does not block."""
        if not self._tally.add(whose, reason, now_ns=now_ns):
            metrics.REFUSALS_DROPPED.inc()

    async def start(self) -> None:
        """Flush from now on."""
        self._task = asyncio.create_task(self._run(), name="refusals")

    async def stop(self) -> None:
        """Flush what is there, within `last_seconds`: it must not hold up the end."""
        self._stopping.set()
        try:
            async with asyncio.timeout(self._last_seconds):
                if self._task is not None:
                    await self._task
                await self.flush()
        except TimeoutError:
            logger.warning("refused requests left uncounted", extra={"envelopes": len(self._notes)})

    async def flush(self) -> None:
        """Take what was counted to the log; what it does not take waits for the next time.

        New counts become envelopes only when those before them are gone, so few ever wait.
        """
        if not self._notes:
            notes = [self._note(*counted) for counted in self._tally.take()]
            self._notes = {note.receipt: note for note in notes}
        await asyncio.gather(*[self._send(note) for note in list(self._notes.values())])

    async def _run(self) -> None:
        while not await sleep_or_stop(self._stopping, self._every_seconds):
            await self.flush()

    async def _send(self, note: _Note) -> None:
        try:
            await self._log.append(
                note.signal, note.partition, note.frame, receipt=note.receipt, weight=note.weight
            )
        except Unavailable:
            return
        except Rejected as failure:
            logger.error("the log rejected a count of refusals", extra={"why": failure.message})
        except Exception:
            logger.exception("a count of refusals did not reach the log")
            return
        self._notes.pop(note.receipt, None)

    def _note(self, minute_ns: int, whose: RequestOwner, refused: dict[str, int]) -> _Note:
        receipt = new_receipt(minute_ns // 1_000_000, secrets.token_bytes(10))
        sender = Sender(
            org=whose.org,
            app=whose.app,
            key_id=whose.key_id,
            datacenter=self._datacenter,
            server_version=self._server_version,
        )
        frame = counting_frame(
            sender,
            receipt=receipt,
            received_ns=minute_ns,
            outcome=Outcome(0, 0, request_rejections=refused),
            signal=whose.signal,
        )
        return _Note(
            signal=whose.signal,
            partition=choose_partition(whose.org, whose.app, whose.key_id, self._partitions),
            frame=frame,
            receipt=receipt,
            weight=weight_of(len(frame), 1),
        )
