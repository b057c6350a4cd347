"""The door: what receivers ask of the house. Who is sending, and one envelope into the log.

Nothing is acknowledged unless the log is known to write to disk before it says so, and has said so.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, Protocol

import zstandard

from collector import metrics
from collector.admission.addresses import Network, client_address
from collector.admission.keys import Directory, authenticate, secret_of
from collector.admission.senders import Senders
from collector.publish.spread import Spread
from collector.receivers.exchange import Admitted, Head
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord
from seamark.wire.envelope import Outcome, encode_envelope
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.frames import weight_of
from seamark.wire.receipts import new_receipt, receipt_for_batch
from seamark.wire.signals import Signal, choose_partition

_ADDRESSES: Final = 4096


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


class Promise(Protocol):
    """Whether the log keeps what it acknowledges (`collector.durability.Durability`)."""

    def problem(self) -> str:
        """Why the log may not be trusted now, "" when it may."""

    async def confirm(self) -> str:
        """The same of an acknowledgement just received."""


class Records(Directory, Protocol):
    """Keys, apps and orgs in memory (`seamark.service.registry.Registry`)."""

    orgs: dict[str, OrgRecord]


class FrontDoor:
    """The `Door` of the receivers.

    `trusted_proxies` are networks whose X-Forwarded-For is believed; `country_header` is one that
    they set.
    """

    def __init__(
        self,
        *,
        records: Records,
        log: Log,
        partitions: int,
        promise: Promise,
        senders: Senders,
        trusted_proxies: Sequence[Network] = (),
        country_header: str = "",
    ) -> None:
        self._records = records
        self._log = log
        self._partitions = partitions
        self._spread = Spread(partitions)
        self._promise = promise
        self._senders = senders
        self._trusted = tuple(trusted_proxies)
        self._country_header = country_header.lower()
        self._address: Callable[[str, str], str] = lru_cache(maxsize=_ADDRESSES)(
            lambda peer, forwarded: client_address(peer, forwarded, self._trusted)
        )
        self._compress = zstandard.ZstdCompressor(level=1, write_content_size=True).compress

    def check(self, head: Head) -> None:
        """What can be said before the body is read. Does not block.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN), Unavailable.
        """
        self._key_of(head)
        self._trust_log()

    def admit(self, head: Head, *, protocol: str, sdk: tuple[str, str] = ("", "")) -> Admitted:
        """Check the key and origin of a request. Does not block.

        Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN).
        """
        key, app = self._key_of(head)
        headers = head.headers
        org = self._records.orgs.get(key.org)
        country = headers.get(self._country_header, "") if self._country_header else ""
        sender = self._senders.encode(
            org=key.org,
            app=key.app,
            key_id=key.key_id,
            salt=org.salt if org is not None else "",
            address=self._client(head),
            user_agent=headers.get("user-agent", ""),
            country=country,
            sdk=sdk,
            protocol=protocol,
        )
        return Admitted(key=key, app=app, sender=sender)

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
        sender: str = "",
    ) -> str:
        """Put one envelope into the log and return its receipt once the log has acknowledged it.

        Raises Unavailable when the log cannot take it or cannot be trusted, Rejected when the
        envelope is larger than one message of the log.
        """
        org, app = admitted.key.org, admitted.key.app
        if batch_id:
            receipt = receipt_for_batch(org, app, batch_id)
        else:
            receipt = new_receipt(head.received_ns // 1_000_000, secrets.token_bytes(10))
        if admitted.app.time_source == "received":
            sent_ms = None
        try:
            self._trust_log()
            envelope = encode_envelope(
                admitted.sender,
                receipt=receipt,
                received_ns=head.received_ns,
                sent_ms=sent_ms,
                outcome=outcome,
                signal=signal,
                body=body,
            )
            frame = self._compress(envelope)
            who = batch_id or sender or self._client(head)
            partition = choose_partition(org, app, who, self._partitions)
            if not batch_id:  # a batch with an id stays, so that its retry meets it
                partition = self._spread.partition(
                    partition, f"{org}/{app}/{who}", len(frame), now_ns=head.received_ns
                )
            await self._log.append(
                signal,
                partition,
                frame,
                receipt=receipt if batch_id else "",
                weight=weight_of(len(envelope), outcome.accepted),
            )
            if self._promise.problem() and (problem := await self._promise.confirm()):
                raise Unavailable(problem, retry_after=2.0)
        except (Unavailable, Rejected):
            metrics.refused(signal, outcome)
            raise
        metrics.taken(signal, outcome)
        return receipt

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
        if problem := self._promise.problem():
            raise Unavailable(problem, retry_after=2.0)
