"""The collector: what receivers ask of the context. Who is sending, and what was sent into the log.

What was rejected of a request goes with it (`collector.admission.dead_letters`); a request that is
refused as a whole is counted (`collector.ingest.request_rejections`). Nothing is acknowledged
unless the log is known to write to disk before it says so, and has said so.
"""

import asyncio
import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, Protocol

import msgspec

from collector import metrics
from collector.admission.addresses import Network, client_address, source_of
from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.keys import (
    Directory,
    app_for,
    authenticate,
    authenticate_admin,
    owner,
    secret_of,
)
from collector.admission.native.event import Event
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.admission.unknown_keys import UnknownKeys
from collector.ingest.appender import Appender, AppendRequest, Sealed
from collector.ingest.recent_batches import RecentBatches
from collector.log import DurabilityCheck, FrameLog
from collector.receivers.exchange import Admitted, BodyOwner, BodyPart, Head
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.receipts import content_digest, new_receipt, receipt_for_batch
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
_ADDRESSES: Final = 4096
_KEY_LABELS: Final = 100
"""So many unknown keys and sources have labels of their own in the metrics, for the life of the
process."""
FRAME_BYTES: Final = 4 * 1024 * 1024 - 64 * 1024
"""What a message of 4 MiB holds, `max_payload` of a Seamark stack."""
_REPLAY_KEY: Final = "replay"
"""The key id of what an admin token sent; it counts beside the app's keys in the ledger."""


class SheddingCheck(Protocol):
    """What is refused while the log is nearly full (`collector.shedding.load_shedder`)."""

    level: int
    """0 while nothing is."""

    def check(self) -> None:
        """Raises Unavailable (SHED) when nothing at all is taken."""

    def check_request(self, signal: Signal, body: bytes, names: Iterable[str] = ()) -> None:
        """Raises Unavailable (SHED) when such a request is not taken."""


def check_parts(shedder: SheddingCheck, signal: Signal, parts: Sequence[BodyPart]) -> None:
    """Take a request by the best of its parts. Raises Unavailable (SHED) when none is taken."""
    refusal: Unavailable | None = None
    for part in parts:
        try:
            shedder.check_request(signal, part.body)
        except Unavailable as failure:
            refusal = failure
        else:
            return
    if refusal is not None:
        raise refusal


class Records(Directory, Protocol):
    """Keys, apps and orgs in memory (`seamark.service.registry.Registry`)."""

    orgs: dict[str, OrgRecord]


class RejectionCounter(Protocol):
    """Where rejected requests are counted (`request_rejections.RequestRejections`)."""

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        """Count one request of so many known items. Does not block."""


class IngestGateway:
    """The `Ingest` of the receivers.

    `dead_letter_limiter` takes dead letters within their limits; `trusted_proxies` are networks
    whose X-Forwarded-For is believed; `country_header` is one that they set; `frame_bytes` is the
    largest frame the log takes.
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
        shedder: SheddingCheck | None = None,
        trusted_proxies: Sequence[Network] = (),
        country_header: str = "",
        frame_bytes: Callable[[], int] = lambda: FRAME_BYTES,
    ) -> None:
        self._records = records
        self._frame_bytes = frame_bytes
        self._appender = Appender(log, partitions=partitions)
        self._durability = durability
        self._senders = senders
        self._dead_letter_limiter = dead_letter_limiter
        self._request_rejections = request_rejections
        self._shedder = shedder
        self._trusted = tuple(trusted_proxies)
        self._country_header = country_header.lower()
        self._recent_batches = RecentBatches()
        self._unknown_keys = UnknownKeys()
        self._counted_keys: set[tuple[str, str]] = set()
        self._address: Callable[[str, str], str] = lru_cache(maxsize=_ADDRESSES)(
            lambda peer, forwarded: client_address(peer, forwarded, self._trusted)
        )

    def check(self, head: Head) -> BodyOwner:
        """What can be said before the body is read: whose it is. Does not block.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN), Unavailable.
        """
        key, _ = self._key_of(head)
        self._trust_log()
        return BodyOwner(key.org, key.key_id, source_of(self._client(head)))

    def check_admin(self, head: Head) -> BodyOwner:
        """The same of a request that needs an admin token.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, WRONG_KIND, DISABLED), Unavailable.
        """
        token = authenticate_admin(self._records, secret=secret_of(head.headers, {}))
        self._trust_log()
        return BodyOwner(token.org, token.token_id, source_of(self._client(head)))

    def refused(self, head: Head, signal: Signal, failure: Rejected | Unavailable) -> None:
        """Count a request that was rejected or refused as a whole, whoever sent it.

        In requests and, where `failure.items` says so, in items. Does not block.
        """
        secret = secret_of(head.headers, head.query)
        org, app, key_id = owner(self._records, secret)
        metrics.not_taken(signal, failure)
        self._request_rejections.count(
            RequestOwner(org, app, key_id, signal),
            failure.reason,
            now_ns=head.received_ns,
            items=failure.items or 0,
        )
        if failure.reason is Reason.UNKNOWN_KEY:
            self._count_unknown_key(secret, self._client(head))

    def _count_unknown_key(self, secret: str, source: str) -> None:
        key = self._unknown_keys.count(secret, source)
        labels = (key.key_hash, key.source)
        if labels in self._counted_keys or len(self._counted_keys) < _KEY_LABELS:
            self._counted_keys.add(labels)
        else:
            labels = ("other", "other")
        metrics.UNKNOWN_KEY_REQUESTS.labels(*labels).inc()
        if key.requests & (key.requests - 1) == 0:  # 1, 2, 4, 8 and so on
            logger.warning("requests with an unknown API key", extra=key._asdict())

    def admit(self, head: Head, *, protocol: str, sdk: tuple[str, str] = ("", "")) -> Admitted:
        """Check the key and origin of a request. Does not block.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN).
        """
        key, app = self._key_of(head)
        headers = head.headers
        org = self._records.orgs.get(key.org)
        salt = org.salt if org is not None else ""
        country = headers.get(self._country_header, "") if self._country_header else ""
        sender = self._senders.encode(
            org=key.org,
            app=key.app,
            key_id=key.key_id,
            salt=salt,
            address=self._client(head),
            user_agent=headers.get("user-agent", ""),
            country=country,
            sdk=sdk,
            protocol=protocol,
        )
        return Admitted(key=key, app=app, sender=sender, salt=salt)

    def admit_admin(
        self, head: Head, *, app: str, protocol: str, sdk: tuple[str, str] = ("", "")
    ) -> Admitted:
        """The app that an admin token may send for; nothing of the request says who sent first.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, WRONG_KIND, DISABLED, WRONG_APP).
        """
        token = authenticate_admin(self._records, secret=secret_of(head.headers, {}))
        record = app_for(self._records, token, app=app)
        key = KeyRecord(key_id=_REPLAY_KEY, org=record.org, app=record.app, digest="")
        sender = self._senders.encode(
            org=key.org,
            app=key.app,
            key_id=key.key_id,
            salt="",
            address="",
            user_agent="",
            country="",
            sdk=sdk,
            protocol=protocol,
        )
        return Admitted(key=key, app=record, sender=sender)

    async def append(
        self,
        admitted: Admitted,
        head: Head,
        *,
        signal: Signal,
        body: bytes,
        outcome: Outcome,
        sent_ms: int | None = None,
        batch_id: str = "",
        digest: str = "",
        sender: str = "",
        events: Sequence[Event] = (),
        dead_letters: Iterable[DeadLetter] = (),
    ) -> str:
        """Put a request into the log; its receipt, once the log has acknowledged all of it.

        `digest` is that of the content of a batch with a `batch_id`; that of `body` when it is "".
        Raises Unavailable when the log cannot take it or is not durable, Rejected when the batchId
        was used for other content (ID_REUSED) or an envelope is larger than one message of the log.
        Part of a batch with `events` may then be in the log, where dedup finds its retry.
        """
        org, app = admitted.key.org, admitted.key.app
        if batch_id:
            receipt = receipt_for_batch(org, app, batch_id)
            digest = digest or content_digest(body or msgspec.json.encode(events)).hex()
        else:
            digest = ""
            receipt = new_receipt(head.received_ns // 1_000_000, secrets.token_bytes(10))
        request = AppendRequest(
            org=org,
            app=app,
            sender=admitted.sender,
            receipt=receipt,
            received_ns=head.received_ns,
            sent_ms=None if admitted.app.time_source == "received" else sent_ms,
            signal=signal,
            partition_by=batch_id or sender or self._client(head),
            digest=digest,
        )
        try:
            if digest:
                self._recent_batches.check(
                    receipt, digest, batch_id=batch_id, now_ns=head.received_ns
                )
            self._trust_log()
            if self._shedder is not None and self._shedder.level:
                self._shedder.check_request(signal, body, (event.name for event in events))
            kept = self._limited(request, outcome, dead_letters)
            del dead_letters  # they refer to the whole request, which is not needed any more
            if events:
                await self._appender.pieces(
                    request, events=events, outcome=outcome, dead_letters=kept
                )
            else:
                await self._appender.whole(request, body=body, outcome=outcome, dead_letters=kept)
            if self._durability.problem() and (problem := await self._durability.confirm()):
                raise Unavailable(problem, retry_after=2.0)
        except (Unavailable, Rejected) as failure:
            failure.items = outcome.offered
            raise
        if digest:
            self._recent_batches.add(receipt, digest, now_ns=head.received_ns)
        metrics.taken(signal, outcome)
        return receipt

    async def append_parts(
        self, admitted: Admitted, head: Head, *, signal: Signal, parts: Sequence[BodyPart]
    ) -> str:
        """Put a request into the log in parts; its receipt, once the log has all of them.

        Raises Unavailable when the log cannot take it or cannot be trusted; some of the parts may
        then be in the log, where dedup finds a retry of the same content.
        """
        receipt = new_receipt(head.received_ns // 1_000_000, secrets.token_bytes(10))
        request = AppendRequest(
            org=admitted.key.org,
            app=admitted.key.app,
            sender=admitted.sender,
            receipt=receipt,
            received_ns=head.received_ns,
            sent_ms=None,
            signal=signal,
            partition_by=self._client(head),
        )
        try:
            self._trust_log()
            if self._shedder is not None and self._shedder.level:
                check_parts(self._shedder, signal, parts)
            sealed: list[Sealed] = []
            content = hashlib.sha256()
            for part in parts:
                kept = self._limited(request, part.outcome, part.dead_letters)
                sealed.append(self._appender.seal_part(request, part, kept))
                if len(parts) > 1:
                    content.update(b"%d:%d:" % (part.outcome.offered, len(part.body)))
                    content.update(part.body)
                    await asyncio.sleep(0)  # others are served between two large ones
            await self._appender.parts(request, sealed, content=content.digest())
            if self._durability.problem() and (problem := await self._durability.confirm()):
                raise Unavailable(problem, retry_after=2.0)
        except (Unavailable, Rejected) as failure:
            failure.items = sum(part.outcome.offered for part in parts)
            raise
        for part in parts:
            metrics.taken(signal, part.outcome)
        return receipt

    @property
    def frame_bytes(self) -> int:
        """The largest frame that one message of the log holds."""
        return self._frame_bytes()

    def _limited(
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

    def _key_of(self, head: Head) -> tuple[KeyRecord, AppRecord]:
        headers = head.headers
        return authenticate(
            self._records,
            secret=secret_of(headers, head.query),
            origin=headers.get("origin", ""),
            now_ms=time.time_ns() // 1_000_000,
        )

    def _client(self, head: Head) -> str:
        forwarded = head.headers.get("x-forwarded-for", "") if self._trusted else ""
        return self._address(head.remote, forwarded)

    def _trust_log(self) -> None:
        if self._shedder is not None and self._shedder.level:
            self._shedder.check()
        if problem := self._durability.problem():
            raise Unavailable(problem, retry_after=2.0)
