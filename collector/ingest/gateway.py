"""The collector: what receivers ask of the context. Who is sending, and what was sent into the log.

What was rejected of a request goes with it (`collector.admission.dead_letters`); a request that is
refused as a whole is counted (`collector.ingest.request_rejections`). Nothing is acknowledged
unless the log is known to write to disk before it says so, and has said so.
"""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Protocol

import msgspec

from collector import metrics
from collector.admission.addresses import Network
from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.keys import secret_of
from collector.admission.limits.limiter import Limiter
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.ingest.appender import Appender, AppendRequest, Sealed
from collector.ingest.log_check import LogCheck, ShareCheck, SheddingCheck
from collector.ingest.recent_batches import RecentBatches
from collector.ingest.sender_check import Records, SenderCheck
from collector.ingest.unknown_key_counter import UnknownKeyCounter
from collector.log import DurabilityCheck, FrameLog
from collector.receivers.exchange import Admitted, BodyOwner, BodyPart, Head, IngestRequest
from seamark.service.registry import KeyRecord
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.receipts import content_digest, new_receipt, receipt_for_batch
from seamark.wire.signals import Signal

FRAME_BYTES: Final = 4 * 1024 * 1024 - 64 * 1024
"""What a message of 4 MiB holds, `max_payload` of a Seamark stack."""
_LARGEST_BODY: Final = 64 * 1024 * 1024


class RejectionCounter(Protocol):
    """Where rejected requests are counted (`request_rejections.RequestRejections`)."""

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        """Count one request of so many known items. Does not block."""


class IngestGateway:
    """The `Ingest` of the receivers.

    `dead_letter_limiter` takes dead letters within their limits; `trusted_proxies` are networks
    whose X-Forwarded-For is believed; `country_header` is one that they set; `frame_bytes` is the
    largest frame the log takes; `limiter` holds keys and orgs to their limits.
    """

    def __init__(
        self,
        *,
        records: Records,
        log: FrameLog,
        partitions: int,
        durability: DurabilityCheck,
        senders: Senders,
        dead_letter_limiter: DeadLetterLimiter,
        request_rejections: RejectionCounter,
        limiter: Limiter,
        shedder: SheddingCheck | None = None,
        log_shares: ShareCheck | None = None,
        trusted_proxies: Sequence[Network] = (),
        country_header: str = "",
        frame_bytes: Callable[[], int] = lambda: FRAME_BYTES,
    ) -> None:
        self._sender_check = SenderCheck(
            records, senders, trusted_proxies=trusted_proxies, country_header=country_header
        )
        self._log_check = LogCheck(durability, shedder, log_shares)
        self._limiter = limiter
        self._appender = Appender(log, partitions=partitions)
        self._dead_letter_limiter = dead_letter_limiter
        self._request_rejections = request_rejections
        self._recent_batches = RecentBatches()
        self._unknown_keys = UnknownKeyCounter()
        self._frame_bytes = frame_bytes

    def check(self, head: Head) -> BodyOwner:
        """What can be said before the body is read: whose it is, and that it is within its limits.

        Does not block. Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN), Unavailable.
        """
        return self._within_limits(head, *self._sender_check.check(head))

    def check_admin(self, head: Head) -> BodyOwner:
        """The same of a request that needs an admin token.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, WRONG_KIND, DISABLED), Unavailable.
        """
        return self._within_limits(head, *self._sender_check.check_admin(head))

    def _within_limits(self, head: Head, owner: BodyOwner, key: KeyRecord) -> BodyOwner:
        self._log_check.check()
        self._limiter.check(key, _declared(head))
        return owner

    def arrived(self, owner: BodyOwner, size: int) -> None:
        """Count the bytes of a body that did not say how long it was. Does not block."""
        self._limiter.arrived(owner.org, owner.key_id, size)

    def refused(self, head: Head, signal: Signal, failure: Rejected | Unavailable) -> None:
        """Count a request that was rejected or refused as a whole, whoever sent it.

        In requests and, where `failure.items` says so, in items. Does not block.
        """
        metrics.not_taken(signal, failure)
        self._request_rejections.count(
            self._sender_check.owner_of(head, signal),
            failure.reason,
            now_ns=head.received_ns,
            items=failure.items or 0,
        )
        if failure.reason is Reason.UNKNOWN_KEY:
            secret = secret_of(head.headers, head.query)
            self._unknown_keys.count(secret, self._sender_check.address(head))

    def admit(self, head: Head, *, protocol: str, sdk: tuple[str, str] = ("", "")) -> Admitted:
        """Check the key and origin of a request. Does not block.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN).
        """
        return self._sender_check.admit(head, protocol=protocol, sdk=sdk)

    def admit_admin(
        self, head: Head, *, app: str, protocol: str, sdk: tuple[str, str] = ("", "")
    ) -> Admitted:
        """The app that an admin token may send for; nothing of the request says who sent first.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, WRONG_KIND, DISABLED, WRONG_APP).
        """
        return self._sender_check.admit_admin(head, app=app, protocol=protocol, sdk=sdk)

    async def append(self, admitted: Admitted, head: Head, request: IngestRequest) -> str:
        """Put a request into the log; its receipt, once the log has acknowledged all of it.

        Raises Unavailable when the log cannot take it or is not durable, Rejected when the batchId
        was used for other content (ID_REUSED) or an envelope is larger than one message of the log.
        Part of a batch with `events` may then be in the log, where dedup finds its retry.
        """
        common = self._with_receipt(admitted, head, request)
        digest, outcome = common.digest, request.outcome
        try:
            if digest:
                self._recent_batches.check(
                    common.receipt, digest, batch_id=request.batch_id, now_ns=head.received_ns
                )
            self._log_check.check_request(
                common.org,
                request.signal,
                request.body,
                lambda: (event.name for event in request.events),
            )
            with self._limiter.items(admitted.key, outcome.accepted):
                kept = self._kept(common, outcome, request.dead_letters)
                if request.events:
                    await self._appender.pieces(
                        common, events=request.events, outcome=outcome, dead_letters=kept
                    )
                else:
                    await self._appender.whole(
                        common, body=request.body, outcome=outcome, dead_letters=kept
                    )
                await self._log_check.confirm()
        except (Unavailable, Rejected) as failure:
            failure.items = outcome.offered
            raise
        if digest:
            self._recent_batches.add(common.receipt, digest, now_ns=head.received_ns)
        metrics.taken(request.signal, outcome)
        _count_changes(admitted)
        return common.receipt

    def _with_receipt(
        self, admitted: Admitted, head: Head, request: IngestRequest
    ) -> AppendRequest:
        """What the envelopes of a request have in common; a batchId names its receipt."""
        org, app, batch_id = admitted.key.org, admitted.key.app, request.batch_id
        digest = ""
        if batch_id:
            receipt = receipt_for_batch(org, app, batch_id)
            content = request.body or msgspec.json.encode(request.events)
            digest = request.digest or content_digest(content).hex()
        else:
            receipt = _random_receipt(head)
        return AppendRequest(
            org=org,
            app=app,
            sender=admitted.sender,
            receipt=receipt,
            received_ns=head.received_ns,
            sent_ms=None if admitted.app.time_source == "received" else request.sent_ms,
            signal=request.signal,
            partition_by=batch_id or request.partition_by or self._sender_check.address(head),
            digest=digest,
        )

    async def append_parts(
        self, admitted: Admitted, head: Head, *, signal: Signal, parts: Sequence[BodyPart]
    ) -> str:
        """Put a request into the log in parts; its receipt, once the log has all of them.

        Raises Unavailable when the log cannot take it or cannot be trusted; some of the parts may
        then be in the log, where dedup finds a retry of the same content.
        """
        request = AppendRequest(
            org=admitted.key.org,
            app=admitted.key.app,
            sender=admitted.sender,
            receipt=_random_receipt(head),
            received_ns=head.received_ns,
            sent_ms=None,
            signal=signal,
            partition_by=self._sender_check.address(head),
        )
        accepted = sum(part.outcome.accepted for part in parts)
        try:
            self._log_check.check_parts(request.org, signal, parts)
            with self._limiter.items(admitted.key, accepted):
                await self._append_sealed(request, parts)
                await self._log_check.confirm()
        except (Unavailable, Rejected) as failure:
            failure.items = sum(part.outcome.offered for part in parts)
            raise
        for part in parts:
            metrics.taken(signal, part.outcome)
        _count_changes(admitted)
        return request.receipt

    async def _append_sealed(self, request: AppendRequest, parts: Sequence[BodyPart]) -> None:
        sealed: list[Sealed] = []
        content = hashlib.sha256()
        for part in parts:
            kept = self._kept(request, part.outcome, part.dead_letters)
            sealed.append(self._appender.seal_part(request, part, kept))
            if len(parts) > 1:
                content.update(b"%d:%d:" % (part.outcome.offered, len(part.body)))
                content.update(part.body)
                await asyncio.sleep(0)  # others are served between two large ones
        await self._appender.parts(request, sealed, content=content.digest())

    @property
    def frame_bytes(self) -> int:
        """The largest frame that one message of the log holds."""
        return self._frame_bytes()

    def _kept(
        self, request: AppendRequest, outcome: Outcome, dead_letters: Iterable[DeadLetter]
    ) -> Sequence[DeadLetter]:
        if not dead_letters:
            return ()
        taken = self._dead_letter_limiter.take(
            request.org,
            request.app,
            dead_letters,
            rejected=sum(outcome.rejected.values()),
            now_ns=request.received_ns,
        )
        metrics.dead_letters(request.signal, len(taken.dead_letters), taken.dropped)
        return taken.dead_letters


def _count_changes(admitted: Admitted) -> None:
    """Count what the app's rules changed, and the events that its schemas only warn of."""
    if admitted.redactor.counts:
        counts = admitted.redactor.taken_counts()
        metrics.redacted(admitted.app.org, admitted.app.app, counts)
    if admitted.schemas is not None and admitted.schemas.warned:
        warned = admitted.schemas.taken_warnings()
        metrics.schema_warnings(admitted.app.org, admitted.app.app, warned)


def _declared(head: Head) -> int:
    """How long a body says it is; 0 when it does not, or is refused for it anyway."""
    declared = int(head.headers.get("content-length", 0))
    return declared if declared <= _LARGEST_BODY else 0


def _random_receipt(head: Head) -> str:
    return new_receipt(head.received_ns // 1_000_000, secrets.token_bytes(10))
