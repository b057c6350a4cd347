"""Ids used again for other content, from the request to what a sink is given: no event vanishes.

Two collectors take the batches, so that what one of them does not remember is found behind the log.
Every event that was answered 202 is stored, counted as a duplicate of an event with equal content,
or reported as a dead letter `id_reused`; what was answered 409 is nowhere.
"""

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.admission.dead_letters import DeadLetterLimiter
from collector.admission.rejection_tally import RequestOwner
from collector.admission.senders import Senders
from collector.ingest.gateway import IngestGateway
from collector.log import LogFrame
from collector.receivers.exchange import Head
from collector.receivers.native import NativeBatch
from processors.blocks.nats_frames import NatsMessage
from seamark.service.registry import AppRecord, KeyRecord, Registry, digest
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.frames import HEADER, Frame, frames_header
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from tests.support.deduplicated import deduplicated
from tests.support.limiting import limiter_of

KEY = "smk_key"
NOW_MS = 1_795_316_640_000
PARTITIONS = 2
contents = st.sampled_from(["x", "y", "z"])
events = st.tuples(st.sampled_from(["", "e1", "e2", "e3"]), contents)


@dataclass(frozen=True)
class Sent:
    """One try: `sent_ms` differs between tries, the key order of attributes too; both are none of
    a batch's content. `log_away`: the frame is in the log, but the answer is lost."""

    batch_id: str
    events: tuple[tuple[str, str], ...]
    collector: int
    sent_ms: int
    swapped: bool
    invalid: bool
    log_away: bool

    def body(self) -> bytes:
        members: list[Any] = [event(ident, content, self.swapped) for ident, content in self.events]
        if self.invalid:
            members.append({"name": "no name", "ts": NOW_MS})
        batch = {"batchId": self.batch_id} if self.batch_id else {}
        return json.dumps({**batch, "sentAt": self.sent_ms, "events": members}).encode()


sends = st.builds(
    Sent,
    batch_id=st.sampled_from(["", "b1", "b2"]),
    events=st.lists(events, min_size=1, max_size=3).map(tuple),
    collector=st.integers(0, 1),
    sent_ms=st.integers(NOW_MS, NOW_MS + 1000),
    swapped=st.booleans(),
    invalid=st.booleans(),
    log_away=st.booleans(),
)


def event(ident: str, content: str, swapped: bool) -> dict[str, Any]:
    attrs = {"content": content, "of": ident}
    if swapped:
        attrs = dict(reversed(attrs.items()))
    named = {"id": ident} if ident else {}
    return {**named, "ts": NOW_MS, "name": "n", "attrs": attrs}


@dataclass
class SharedLog:
    """The log of two collectors: one message for each frame, by partition."""

    messages: dict[int, list[NatsMessage]] = field(default_factory=dict)
    away: bool = False
    refused: list[tuple[Reason, int]] = field(default_factory=list)

    async def append(self, frame: LogFrame) -> None:
        listed = frames_header(
            [Frame(len(frame.data), frame.receipt, frame.event_ids, frame.digest)]
        )
        headers = f"NATS/1.0\r\n{HEADER}: {listed}\r\n\r\n".encode() if listed else b""
        stored = self.messages.setdefault(frame.partition, [])
        number = len(stored) + 1
        stored.append(NatsMessage(number, number, 0, 0.0, frame.data, headers))
        if self.away:
            raise Unavailable("the acknowledgement was lost")

    def problem(self) -> str:
        return ""

    async def confirm(self) -> str:
        return ""

    def count(self, owner: RequestOwner, reason: Reason, *, now_ns: int, items: int = 0) -> None:
        self.refused.append((reason, items))


def collector(log: SharedLog) -> tuple[IngestGateway, NativeBatch]:
    registry = Registry()
    registry.apps["acme", "shop"] = AppRecord(org="acme", app="shop")
    registry.keys[digest(KEY)] = KeyRecord(key_id="k", org="acme", app="shop", digest=digest(KEY))
    gateway = IngestGateway(
        records=registry,
        limiter=limiter_of(registry.orgs),
        log=log,
        partitions=PARTITIONS,
        durability=log,
        senders=Senders(datacenter="", server_version="1"),
        dead_letter_limiter=DeadLetterLimiter(1_000_000),
        request_rejections=log,
    )
    return gateway, NativeBatch(gateway)


async def post(log: SharedLog, at: tuple[IngestGateway, NativeBatch], sent: Sent) -> int:
    gateway, receiver = at
    log.away = sent.log_away
    head = Head("POST", receiver.path, {}, {"x-api-key": KEY}, "192.0.2.1", NOW_MS * 1_000_000)
    try:
        return (await receiver.accept(head, sent.body())).status
    except (Rejected, Unavailable) as failure:
        gateway.refused(head, Signal.EVENTS, failure)
        return receiver.failure(head, failure).status


def content_of(stored: dict[str, Any]) -> tuple[str, str]:
    return stored.get("id", ""), stored["attrs"]["content"]


@settings(max_examples=200, deadline=None)
@given(st.lists(sends, min_size=1, max_size=8), st.integers(1, 4))
def test_every_event_is_stored_or_a_duplicate_or_reported(sent: list[Sent], block: int) -> None:
    log = SharedLog()
    collectors = [collector(log), collector(log)]

    async def send_all() -> list[int]:
        return [await post(log, collectors[one.collector], one) for one in sent]

    statuses = asyncio.run(send_all())
    envelopes = deduplicated(log.messages.values(), signal=Signal.EVENTS, block=block)

    in_log = [one for one, status in zip(sent, statuses, strict=True) if status != 409]
    refused = [one for one, status in zip(sent, statuses, strict=True) if status == 409]
    offered = Counter(content for one in in_log for content in one.events)
    stored = Counter(content_of(one) for e in envelopes if e.body for one in e.events)
    found = [one for e in envelopes for one in e.dead_letters if one.reason == "id_reused"]
    reported = Counter(content_of(json.loads(one.original)) for one in found)
    outcomes: Counter[str] = Counter()
    for envelope in envelopes:
        outcomes.update(envelope.outcome)

    assert outcomes["accepted"] == offered.total()
    assert outcomes["dead_lettered"] == reported.total()
    assert outcomes["duplicate"] == offered.total() - stored.total() - reported.total()
    # each content that was answered 202 (or may be in the log) is stored or reported at least once
    assert set(offered) == set(stored) | set(reported)
    for ident in {ident for ident, _ in offered if ident}:
        assert sum(n for (of, _), n in stored.items() if of == ident) <= 1
    # a 409 stored nothing, and is counted in items
    assert [(reason, items) for reason, items in log.refused if reason is Reason.ID_REUSED] == [
        (Reason.ID_REUSED, len(one.events) + one.invalid) for one in refused
    ]


@settings(max_examples=100, deadline=None)
@given(first=sends, again=st.integers(1, 3), block=st.integers(1, 4), swap=st.booleans())
def test_a_retry_is_never_reported_as_reused(
    first: Sent, again: int, block: int, swap: bool
) -> None:
    """Whatever collector takes it, whenever it is sent, in whatever order its attributes are."""
    log = SharedLog()
    collectors = [collector(log), collector(log)]

    async def send_all() -> set[int]:
        statuses = {await post(log, collectors[first.collector], first)}
        for n in range(again):
            swapped = first.swapped if first.invalid else swap
            retry = Sent(
                first.batch_id, first.events, n % 2, NOW_MS + n, swapped, first.invalid, n % 2 == 0
            )
            statuses.add(await post(log, collectors[n % 2], retry))
        return statuses

    assert asyncio.run(send_all()) <= {202, 503}
    found = [
        one
        for e in deduplicated(log.messages.values(), signal=Signal.EVENTS, block=block)
        for one in e.dead_letters
    ]
    within = Counter(first.events)
    several = {i for i, _ in within if i and len({c for j, c in within if j == i}) > 1}
    if not several:
        assert [one for one in found if one.reason == "id_reused"] == []


def test_one_collector_answers_409_with_the_way_out() -> None:
    log = SharedLog()
    at = collector(log)
    first = Sent("b1", (("", "x"),), 0, NOW_MS, False, False, False)
    other = Sent("b1", (("", "y"), ("", "z")), 0, NOW_MS, False, False, False)

    async def exchange() -> list[Any]:
        assert await post(log, at, first) == 202
        assert await post(log, at, first) == 202
        head = Head("POST", "", {}, {"x-api-key": KEY}, "192.0.2.1", NOW_MS * 1_000_000)
        try:
            await at[1].accept(head, other.body())
        except Rejected as failure:
            return [failure, at[1].failure(head, failure)]
        raise AssertionError("it was taken")

    failure, reply = asyncio.run(exchange())
    assert reply.status == 409
    assert json.loads(reply.body)["error"] == {
        "reason": "id_reused",
        "field": "batchId",
        "message": "batchId 'b1' was used less than 24 hours ago for a batch with other events; "
        "nothing of this one was stored: send it again with a new batchId, and the same batchId "
        "only with the same events",
    }
    assert failure.items == 2
