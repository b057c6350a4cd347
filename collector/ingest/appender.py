"""One request into the log: sealed as envelopes, each in its frame, each to its partition.

A request is one envelope, but for a batch whose events have ids of their own, which is one for each
partition the ids choose, and for a large OTLP request, which is one for each of its parts. They all
have the same receipt, and the request is in the log when all of them are.
"""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple

import zstandard

from collector.admission.native.event import Event
from collector.admission.pieces import split
from collector.log import FrameLog, LogFrame
from collector.publish.spread import Spread
from collector.receivers.exchange import BodyPart
from seamark.wire.envelope import DeadLetter, Outcome, encode_envelope
from seamark.wire.frames import weight_of
from seamark.wire.receipts import DIGEST_BYTES, part_key
from seamark.wire.signals import Signal, choose_partition


class AppendRequest(NamedTuple):
    """What the envelopes of one request have in common. `sender` is `Sender.encode()`.

    `partition_by` chooses the partition. `digest` is that of the content of a batch with a batchId,
    which then chooses it, so that a retry is in the same stream; "" without one.
    """

    org: str
    app: str
    sender: bytes
    receipt: str
    received_ns: int
    sent_ms: int | None
    signal: Signal
    partition_by: str
    digest: str = ""


class Sealed(NamedTuple):
    """A frame, and what it weighs in the store."""

    frame: bytes
    weight: int


class Appender:
    """Appends requests to a log of so many partitions for each signal."""

    def __init__(self, log: FrameLog, *, partitions: int) -> None:
        self._log = log
        self._partitions = partitions
        self._spread = Spread(partitions)
        self._compress = zstandard.ZstdCompressor(level=1, write_content_size=True).compress

    async def whole(
        self,
        request: AppendRequest,
        *,
        body: bytes,
        outcome: Outcome,
        dead_letters: Sequence[DeadLetter],
    ) -> None:
        """Append a request as one envelope; returns once it is durable.

        Raises Unavailable, and Rejected when it is larger than one message of the log.
        """
        frame, weight = self._seal(request, body, outcome, dead_letters)
        await self._log.append(
            LogFrame(
                request.signal,
                self._partition(request, len(frame)),
                frame,
                weight,
                receipt=request.receipt if request.digest else "",
                digest=request.digest,
                org=request.org,
            )
        )

    def seal_part(
        self, request: AppendRequest, part: BodyPart, dead_letters: Sequence[DeadLetter]
    ) -> Sealed:
        """The frame of one part; its weight is that of its body and of what is around it."""
        envelope = self._envelope(request, part.body, part.outcome, dead_letters)
        rest = weight_of(len(envelope) - len(part.body), len(dead_letters))
        return Sealed(self._compress(envelope), part.weight + rest)

    async def parts(
        self, request: AppendRequest, sealed: Sequence[Sealed], *, content: bytes
    ) -> None:
        """Append the parts of one request; returns once all of them are durable.

        `content`: the SHA-256 of what they hold. Raises like `whole`; some of the parts may then be
        in the log, where dedup finds a retry of the same content. A single part is all or nothing,
        and has no key.
        """
        several = len(sealed) > 1
        appends = []
        for index, (frame, weight) in enumerate(sealed):
            key = self._part_key(request, content, index) if several else ""
            partition = (
                choose_partition(request.org, request.app, key, self._partitions)
                if several
                else self._partition(request, len(frame))
            )
            appends.append(
                self._log.append(
                    LogFrame(
                        request.signal,
                        partition,
                        frame,
                        weight,
                        receipt=key,
                        digest=content[:DIGEST_BYTES].hex() if several else "",
                        org=request.org,
                    )
                )
            )
        await _all_of(appends)

    @staticmethod
    def _part_key(request: AppendRequest, content: bytes, index: int) -> str:
        return part_key(
            request.org, request.app, signal=request.signal.value, content=content, index=index
        )

    async def pieces(
        self,
        request: AppendRequest,
        *,
        events: Sequence[Event],
        outcome: Outcome,
        dead_letters: Sequence[DeadLetter],
    ) -> None:
        """Append a batch by the ids of its events; returns once all of it is durable.

        The dead letters go with the first piece. Raises like `whole`; some of the pieces may then
        be in the log, where a retry meets them.
        """
        home = self._partition(request, 0)
        appends = []
        for piece in split(
            events,
            outcome=outcome,
            home=home,
            partition_of=lambda ident: choose_partition(
                request.org, request.app, ident, self._partitions
            ),
        ):
            frame, weight = self._seal(request, piece.body, piece.outcome, dead_letters)
            dead_letters = ()
            if piece.partition == home:
                self._partition(request, len(frame))  # counts what its sender sends there
            appends.append(
                self._log.append(
                    LogFrame(
                        request.signal,
                        piece.partition,
                        frame,
                        weight,
                        receipt=request.receipt if request.digest else "",
                        digest=request.digest,
                        event_ids=piece.event_ids,
                        org=request.org,
                    )
                )
            )
        await _all_of(appends)

    def _seal(
        self,
        request: AppendRequest,
        body: bytes,
        outcome: Outcome,
        dead_letters: Sequence[DeadLetter],
    ) -> tuple[bytes, int]:
        """The frame, and what it weighs: a dead letter becomes a row like an item."""
        envelope = self._envelope(request, body, outcome, dead_letters)
        return self._compress(envelope), weight_of(
            len(envelope), outcome.accepted + len(dead_letters)
        )

    def _envelope(
        self,
        request: AppendRequest,
        body: bytes,
        outcome: Outcome,
        dead_letters: Sequence[DeadLetter],
    ) -> bytes:
        return encode_envelope(
            request.sender,
            receipt=request.receipt,
            received_ns=request.received_ns,
            sent_ms=request.sent_ms,
            outcome=outcome,
            signal=request.signal,
            body=body,
            dead_letters=dead_letters,
        )

    def _partition(self, request: AppendRequest, size: int) -> int:
        """Where a request goes as a whole; `size` bytes more are sent there."""
        org, app, by = request.org, request.app, request.partition_by
        home = choose_partition(org, app, by, self._partitions)
        if request.digest:
            return home
        return self._spread.partition(home, f"{org}/{app}/{by}", size, now_ns=request.received_ns)


async def _all_of(appends: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Wait for all, and raise the first failure once all are settled."""
    if len(appends) == 1:
        await appends[0]
        return
    for failure in await asyncio.gather(*appends, return_exceptions=True):
        if failure is not None:
            raise failure
