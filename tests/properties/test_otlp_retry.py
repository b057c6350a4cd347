"""A retry of a large OTLP request stores every item once, whatever of it was in the log before."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.ingest.gateway import IngestGateway
from collector.log import LogFrame
from collector.receivers.exchange import Head
from collector.receivers.otlp_export import export
from collector.receivers.otlp_kinds import LOGS
from processors.blocks.nats_frames import NatsMessage
from seamark.service.registry import AppRecord, KeyRecord, Registry, digest
from seamark.wire.failures import Unavailable
from seamark.wire.frames import HEADER, Frame, frames_header
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from tests.support.deduplicated import deduplicated
from tests.support.limiting import limiter_of

KEY, NOW_NS, PARTITIONS = "smk_key", 1_795_316_640_000_000_000, 3


@dataclass
class FailingLog:
    """Takes appends until it has taken so many; the others it takes and does not say so, or not."""

    messages: dict[int, list[NatsMessage]] = field(default_factory=dict)
    takes: int = 0
    answers: bool = True

    async def append(self, frame: LogFrame) -> None:
        await asyncio.sleep(0)
        self.takes -= 1
        if self.takes < 0 and self.answers:
            raise Unavailable("the log is away")
        listed = frames_header(
            [Frame(len(frame.data), frame.receipt, frame.event_ids, frame.digest)]
        )
        headers = f"NATS/1.0\r\n{HEADER}: {listed}\r\n\r\n".encode() if listed else b""
        stored = self.messages.setdefault(frame.partition, [])
        stored.append(NatsMessage(len(stored) + 1, len(stored) + 1, 0, 0.0, frame.data, headers))
        if self.takes < 0:
            raise Unavailable("the acknowledgement was lost")

    def problem(self) -> str:
        return ""

    async def confirm(self) -> str:
        return ""

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        """Nothing here asks for it."""


def collector(log: FailingLog) -> IngestGateway:
    registry = Registry()
    registry.apps["acme", "shop"] = AppRecord(org="acme", app="shop")
    registry.keys[digest(KEY)] = KeyRecord(key_id="k", org="acme", app="shop", digest=digest(KEY))
    return IngestGateway(
        records=registry,
        limiter=limiter_of(registry.orgs),
        log=log,
        partitions=PARTITIONS,
        durability=log,
        senders=Senders(datacenter="", server_version="1"),
        dead_letter_limiter=DeadLetterLimiter(1_000_000),
        request_rejections=log,
        frame_bytes=lambda: 1,  # so that parts are of a KiB
    )


def request_of(texts: list[str]) -> bytes:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    for text in texts:
        scope.log_records.add().body.string_value = text
    return request.SerializeToString()


async def send(log: FailingLog, body: bytes, *, at: int) -> bool:
    gateway = collector(log)  # another process each time: nothing is remembered there
    head = Head("POST", LOGS.path, {}, {"x-api-key": KEY}, "192.0.2.1", NOW_NS + at)
    try:
        await export(gateway, gateway.admit(head, protocol="otlp/http"), head, LOGS, body)
    except Unavailable:
        return False
    return True


def texts_in(envelopes: list[Any]) -> Counter[str]:
    found: Counter[str] = Counter()
    for envelope in envelopes:
        request = ExportLogsServiceRequest.FromString(envelope.body)
        for resource in request.resource_logs:
            for scope in resource.scope_logs:
                found.update(record.body.string_value for record in scope.log_records)
    return found


# several parts each: a record is a third of one; equal records within a request are kept apart
requests = st.lists(st.sampled_from(["a", "b", "c"]), min_size=6, max_size=20)


@settings(max_examples=80, deadline=None)
@given(
    records=requests,
    other=requests,
    tries=st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=3),
    block=st.integers(1, 4),
)
def test_every_item_is_stored_once_whatever_failed_before(
    records: list[str], other: list[str], tries: list[tuple[int, bool]], block: int
) -> None:
    log = FailingLog()
    texts, others = ([text * 300 for text in each] for each in (records, other))

    async def send_all() -> None:
        for at, (log.takes, log.answers) in enumerate(tries):
            await send(log, request_of(texts), at=at)
        log.takes = 1_000
        assert await send(log, request_of(others), at=10)
        assert await send(log, request_of(texts), at=11)

    asyncio.run(send_all())
    envelopes = deduplicated(log.messages.values(), signal=Signal.LOGS, block=block)
    expected = Counter(texts) if texts == others else Counter(texts) + Counter(others)
    assert texts_in(envelopes) == expected
    outcomes: Counter[str] = Counter()
    for envelope in envelopes:
        outcomes.update(envelope.outcome)
    assert outcomes["accepted"] - outcomes["duplicate"] == expected.total()
