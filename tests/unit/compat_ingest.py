"""Every receiver behind a real ingest gateway, before a log that keeps what it is given."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.ingest.gateway import IngestGateway
from collector.log import LogFrame
from collector.receivers.exchange import Head, Reply
from collector.receivers.registry import every_receiver
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, Registry, digest
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from tests.support.envelopes import ReadEnvelope, read_payload
from tests.support.limiting import limiter_of

KEY = "smk_key"
SALT = "5a" * 16
NAMED, LOOSE, METRICS = "/v1/events", "/events", "/metrics"


@dataclass
class PublisherContext:
    """What was put into the log, and ways to send."""

    envelopes: list[ReadEnvelope] = field(default_factory=list)
    event_ids: list[bool] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    partitions: int = 1

    def __post_init__(self) -> None:
        registry = Registry()
        registry.orgs["acme"] = OrgRecord(org="acme", name="Acme", salt=SALT)
        registry.apps["acme", "shop"] = AppRecord(org="acme", app="shop")
        registry.keys[digest(KEY)] = KeyRecord(
            key_id="k1", org="acme", app="shop", digest=digest(KEY)
        )
        ingest = IngestGateway(
            records=registry,
            limiter=limiter_of(registry.orgs),
            log=self,
            partitions=self.partitions,
            durability=self,
            senders=Senders(datacenter="", server_version="1"),
            dead_letter_limiter=DeadLetterLimiter(100_000),
            request_rejections=self,
        )
        self.receivers = {receiver.path: receiver for receiver in every_receiver(ingest)}

    async def append(self, frame: LogFrame) -> None:
        assert frame.signal is Signal.EVENTS
        if self.failures:
            raise self.failures.pop(0)
        self.envelopes += read_payload(frame.data)
        self.event_ids.append(frame.event_ids)

    def problem(self) -> str:
        return ""

    async def confirm(self) -> str:
        return ""

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        raise AssertionError("servers count, receivers do not")

    async def send(
        self, path: str, body: bytes, *, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """What the server does with one request, its content coding undone."""
        receiver = self.receivers[path]
        head = Head(
            method="POST",
            path=path,
            query={},
            headers={"x-api-key": KEY, "content-type": "application/json", **(headers or {})},
            remote="203.0.113.9",
            received_ns=time.time_ns(),
        )
        try:
            receiver.check(head)
            return await receiver.accept(head, body)
        except (Rejected, Unavailable) as failed:
            return receiver.failure(head, failed)

    async def ask(self, path: str, document: object, **headers: str) -> tuple[int, Any]:
        """Status and answer of one document."""
        reply = await self.send(path, json.dumps(document).encode(), headers=headers)
        assert reply.content_type == "application/json"
        return reply.status, json.loads(reply.body)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every event in the log."""
        return [event for envelope in self.envelopes for event in envelope.events]

    @property
    def counts(self) -> tuple[int, int, int]:
        """Offered, accepted, rejected, over all envelopes."""
        return (
            sum(envelope.outcome.get("offered", 0) for envelope in self.envelopes),
            sum(envelope.outcome.get("accepted", 0) for envelope in self.envelopes),
            sum(sum(envelope.rejected.values()) for envelope in self.envelopes),
        )
