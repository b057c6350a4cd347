"""Requests rejected as a whole, counted and put into the ledger.

Nothing of such a request reaches the log, so they are counted in memory, by owner and reason, and
every few seconds written as envelopes that only count: requests (`Outcome.request_rejections`) and,
where the body was read, its items (offered, and rejected under the same reason; limited when a
tenant was over its limit). While the log is away the counts wait here; memory is bounded, since
there are few kinds.

A count whose acknowledgement was lost is sent again under its receipt, and removed behind the log
like any retry.

Counted are the requests to a receiver (HTTP or gRPC). What never became one has no signal and is in
the collector's own metrics only: bytes that are no HTTP, other paths and methods, connections
beyond the limit.
"""

import asyncio
import logging
import secrets
from typing import Final, NamedTuple

from collector import metrics
from collector.admission.rejection_tally import RejectionCounts, RejectionTally, RequestOwner
from collector.log import FrameLog, LogFrame
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


class _CountingFrame(NamedTuple):
    """One envelope under way. Each try has the same receipt, so that dedup finds the second."""

    signal: Signal
    partition: int
    data: bytes
    receipt: str
    weight: int


class RequestRejections:
    """Counts rejected requests and appends the counts to the log every `every_seconds`."""

    def __init__(
        self,
        *,
        log: FrameLog,
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
        self._frames: dict[str, _CountingFrame] = {}
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        """Count one request that was rejected at `now_ns`, of so many known items.

        Does not block.
        """
        if not self._tally.add(owner, reason, now_ns=now_ns, items=items):
            metrics.REQUEST_REJECTIONS_DROPPED.inc()

    async def start(self) -> None:
        """Flush from now on."""
        self._task = asyncio.create_task(self._run(), name="request-rejections")

    async def stop(self) -> None:
        """Flush what is there within `last_seconds`, so that the stop is not delayed."""
        self._stopping.set()
        try:
            async with asyncio.timeout(self._last_seconds):
                if self._task is not None:
                    await self._task
                await self.flush()
        except TimeoutError:
            logger.warning("rejected requests not counted", extra={"envelopes": len(self._frames)})

    async def flush(self) -> None:
        """Append what was counted to the log; what it does not take waits for the next flush.

        New counts become envelopes only when those before them are in the log, so few ever wait.
        """
        if not self._frames:
            frames = [self._frame(*counted) for counted in self._tally.take()]
            self._frames = {frame.receipt: frame for frame in frames}
        await asyncio.gather(*[self._send(frame) for frame in list(self._frames.values())])

    async def _run(self) -> None:
        while not await sleep_or_stop(self._stopping, self._every_seconds):
            await self.flush()

    async def _send(self, frame: _CountingFrame) -> None:
        try:
            await self._log.append(
                LogFrame(
                    frame.signal, frame.partition, frame.data, frame.weight, receipt=frame.receipt
                )
            )
        except Unavailable:
            return
        except Rejected as failure:
            logger.error(
                "the log rejected a count of request rejections", extra={"error": failure.message}
            )
        except Exception:
            logger.exception("a count did not reach the log")
            return
        self._frames.pop(frame.receipt, None)

    def _frame(
        self, minute_ns: int, owner: RequestOwner, counts: RejectionCounts
    ) -> _CountingFrame:
        receipt = new_receipt(minute_ns // 1_000_000, secrets.token_bytes(10))
        sender = Sender(
            org=owner.org,
            app=owner.app,
            key_id=owner.key_id,
            datacenter=self._datacenter,
            server_version=self._server_version,
        )
        limited = counts.items.get(Reason.LIMITED.value, 0)
        rejected = {k: n for k, n in counts.items.items() if k != Reason.LIMITED.value}
        data = counting_frame(
            sender,
            receipt=receipt,
            received_ns=minute_ns,
            outcome=Outcome(
                offered=sum(counts.items.values()),
                accepted=0,
                rejected=rejected,
                limited=limited,
                request_rejections=counts.requests,
            ),
            signal=owner.signal,
        )
        return _CountingFrame(
            signal=owner.signal,
            partition=choose_partition(owner.org, owner.app, owner.key_id, self._partitions),
            data=data,
            receipt=receipt,
            weight=weight_of(len(data), 1),
        )
