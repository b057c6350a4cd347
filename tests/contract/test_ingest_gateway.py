"""What every receiver may expect of the gateway, with an in-memory log and with a real one."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collector.admission.dead_letters import DeadLetterLimiter, dead_letter
from collector.admission.native.event import Event
from collector.admission.senders import Senders
from collector.ingest.gateway import IngestGateway
from collector.ingest.request_rejections import RequestRejections
from collector.log import FrameLog, LogFrame
from collector.publish.publisher import Publisher
from collector.receivers.exchange import Head, Ingest, IngestRequest
from seamark.service.connections import LogSettings, connect_log
from seamark.service.health import Health
from seamark.service.registry import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    Registry,
    TokenRecord,
    digest,
)
from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.receipts import receipt_for_batch
from seamark.wire.signals import Signal, choose_partition, stream_name, subject
from tests.support.envelopes import ReadEnvelope, read_payload
from tests.support.limiting import limiter_of
from tests.support.servers import NatsServer

PARTITIONS = 4
DEAD_LETTERS_PER_MINUTE = 30
KEY = "smk_key"
TOKEN = "sma_token"
SENT_MS = 1_795_316_640_000


@dataclass
class MemoryLog:
    """Keeps frames, retries too: duplicates are left out behind the log."""

    frames: dict[tuple[Signal, int], list[bytes]] = field(default_factory=dict)
    identities: list[tuple[int, str, bool]] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    away: set[int] = field(default_factory=set)

    async def append(self, frame: LogFrame) -> None:
        await asyncio.sleep(0)
        if frame.partition in self.away:
            raise Unavailable("it is away")
        self.identities.append((frame.partition, frame.receipt, frame.event_ids))
        self.weights.append(frame.weight)
        self.frames.setdefault((frame.signal, frame.partition), []).append(frame.data)


@dataclass
class Promise:
    """The log keeps its word until told otherwise."""

    broken: str = ""

    def problem(self) -> str:
        return self.broken

    async def confirm(self) -> str:
        return self.broken


@dataclass
class PublisherContext:
    """A ingest and what is behind it."""

    ingest: IngestGateway
    refusals: RequestRejections
    promise: Promise
    registry: Registry
    read: Callable[[Signal], Awaitable[dict[int, list[ReadEnvelope]]]]


def build(
    log: FrameLog, read: Callable[[Signal], Awaitable[dict[int, list[ReadEnvelope]]]]
) -> PublisherContext:
    registry, promise = Registry(), Promise()
    registry.orgs["acme"] = OrgRecord(org="acme", name="Acme", salt="5a")
    registry.apps["acme", "shop"] = AppRecord(org="acme", app="shop")
    registry.keys[digest(KEY)] = KeyRecord(key_id="k1", org="acme", app="shop", digest=digest(KEY))
    refusals = RequestRejections(log=log, partitions=PARTITIONS, server_version="1")
    ingest = IngestGateway(
        records=registry,
        limiter=limiter_of(registry.orgs),
        log=log,
        partitions=PARTITIONS,
        durability=promise,
        senders=Senders(datacenter="", server_version="1"),
        dead_letter_limiter=DeadLetterLimiter(DEAD_LETTERS_PER_MINUTE),
        request_rejections=refusals,
    )
    return PublisherContext(ingest, refusals, promise, registry, read)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.integration)])
async def context(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[PublisherContext]:
    if request.param == "memory":
        memory = MemoryLog()

        async def kept(signal: Signal) -> dict[int, list[ReadEnvelope]]:
            return {
                partition: [envelope for data in frames for envelope in read_payload(data)]
                for (of, partition), frames in memory.frames.items()
                if of is signal
            }

        yield build(memory, kept)
        return
    with NatsServer(tmp_path / "nats") as server:
        client = await connect_log(LogSettings(url=server.url), name="test")
        js = client.jetstream(timeout=5)
        for signal in Signal:
            for partition in range(PARTITIONS):
                await js.add_stream(
                    name=stream_name(signal, partition),
                    subjects=[subject(signal, partition)],
                    allow_direct=True,
                )
        publisher = Publisher(client, partitions=PARTITIONS, health=Health())
        await publisher.start()

        async def stored(signal: Signal) -> dict[int, list[ReadEnvelope]]:
            found: dict[int, list[ReadEnvelope]] = {}
            for partition in range(PARTITIONS):
                name = stream_name(signal, partition)
                last = (await js.stream_info(name)).state.last_seq
                for seq in range(1, last + 1):
                    message = await js.get_msg(name, seq, direct=True)
                    found.setdefault(partition, []).extend(read_payload(message.data or b""))
            return found

        yield build(publisher, stored)
        await publisher.stop()
        await client.close()


def head(**headers: str) -> Head:
    return Head(
        method="POST",
        path="/x",
        query={},
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        remote="203.0.113.9",
        received_ns=time.time_ns(),
    )


async def append(
    context: PublisherContext,
    *,
    signal: Signal = Signal.EVENTS,
    body: bytes = b"[]",
    sent_ms: int | None = None,
    batch_id: str = "",
    sender: str = "",
) -> str:
    ingest: Ingest = context.ingest
    at = head(x_api_key=KEY, user_agent="curl/8")
    return await ingest.append(
        ingest.admit(at, protocol="native", sdk=("web", "1")),
        at,
        IngestRequest(
            signal, body, Outcome(1, 1), sent_ms=sent_ms, batch_id=batch_id, partition_by=sender
        ),
    )


async def test_what_is_receipted_is_in_the_log(context: PublisherContext) -> None:
    receipts = {
        signal: await append(context, signal=signal, body=b"[1]", sent_ms=SENT_MS)
        for signal in Signal
    }

    for signal, receipt in receipts.items():
        [envelopes] = (await context.read(signal)).values()
        [envelope] = envelopes
        assert envelope.receipt == receipt
        assert envelope.body == b"[1]"
        assert envelope.sent_ms == SENT_MS
        assert envelope.outcome == {"offered": 1, "accepted": 1}
        assert (envelope.texts[1], envelope.texts[2]) == ("acme", "shop")
        assert envelope.texts[19] == "native"


async def test_a_batch_sent_again_is_told_apart(context: PublisherContext) -> None:
    """One receipt, in one partition, for every sender: what the window behind the log uses."""
    receipts = [await append(context, batch_id="b-1", sender=f"s-{n}") for n in range(3)]

    assert set(receipts) == {receipt_for_batch("acme", "shop", "b-1")}
    found = await context.read(Signal.EVENTS)
    assert {e.receipt for envelopes in found.values() for e in envelopes} == set(receipts)
    assert list(found) == [choose_partition("acme", "shop", "b-1", PARTITIONS)]


async def test_a_sender_keeps_its_partition(context: PublisherContext) -> None:
    for sender in ("s-1", "s-2", "s-1", "s-3", "s-1"):
        await append(context, sender=sender)
    await append(context)

    found = await context.read(Signal.EVENTS)
    expected: dict[int, int] = {}
    for sender in ("s-1", "s-2", "s-1", "s-3", "s-1", "203.0.113.9"):
        partition = choose_partition("acme", "shop", sender, PARTITIONS)
        expected[partition] = expected.get(partition, 0) + 1
    assert {partition: len(envelopes) for partition, envelopes in found.items()} == expected


async def test_many_at_once_are_all_kept(context: PublisherContext) -> None:
    receipts = await asyncio.gather(*(append(context, sender=str(n)) for n in range(200)))

    found = await context.read(Signal.EVENTS)
    kept = [envelope.receipt for envelopes in found.values() for envelope in envelopes]
    assert sorted(kept) == sorted(receipts)


async def test_an_app_by_received_time_keeps_no_other(context: PublisherContext) -> None:
    context.registry.apps["acme", "shop"] = AppRecord(
        org="acme", app="shop", time_source="received"
    )
    await append(context, sent_ms=SENT_MS)

    [[envelope]] = (await context.read(Signal.EVENTS)).values()
    assert envelope.sent_ms is None


async def test_a_log_that_does_not_sync_is_not_used(context: PublisherContext) -> None:
    context.promise.broken = "it does not sync"
    with pytest.raises(Unavailable, match="it does not sync"):
        await append(context)
    with pytest.raises(Unavailable, match="it does not sync"):
        context.ingest.check(head(x_api_key=KEY))

    assert await context.read(Signal.EVENTS) == {}


async def test_a_changed_key_counts_at_once(context: PublisherContext) -> None:
    context.ingest.admit(head(x_api_key=KEY), protocol="native")
    context.registry.keys.clear()
    with pytest.raises(Rejected) as found:
        context.ingest.admit(head(x_api_key=KEY), protocol="native")

    assert found.value.reason is Reason.UNKNOWN_KEY


def identified(*idents: str | None) -> list[Event]:
    return [Event(ts=SENT_MS, name=f"n{n}", id=ident) for n, ident in enumerate(idents)]


async def append_events(
    context: PublisherContext, events: list[Event], *, rejected: int = 0, batch_id: str = ""
) -> str:
    at = head(x_api_key=KEY)
    fault = Rejected(Reason.INVALID_NAME, "it is none", field="name")
    counts = {"invalid_name": rejected} if rejected else {}
    return await context.ingest.append(
        context.ingest.admit(at, protocol="native"),
        at,
        IngestRequest(
            Signal.EVENTS,
            body=b"",
            outcome=Outcome(len(events) + rejected, len(events), counts),
            batch_id=batch_id,
            partition_by="s-1",
            events=events,
            dead_letters=(dead_letter(n, fault, original=b"{}") for n in range(rejected)),
        ),
    )


async def test_an_event_with_an_id_goes_where_its_id_goes(context: PublisherContext) -> None:
    """For every sender and batch, so that two of the same id are in one stream."""
    idents = [f"e-{n}" for n in range(40)]
    first = await append_events(context, identified(*idents, None, None), batch_id="b", rejected=2)
    again = await append_events(context, identified(*reversed(idents)))

    assert first == receipt_for_batch("acme", "shop", "b") != again
    found = await context.read(Signal.EVENTS)
    home = choose_partition("acme", "shop", "b", PARTITIONS)
    for partition, envelopes in found.items():
        assert [envelope.receipt for envelope in envelopes] == [first, again]
        for envelope in envelopes:
            for event in envelope.events:
                told = event.get("id")
                expected = choose_partition("acme", "shop", str(told), PARTITIONS)
                assert partition == (expected if told else home)
            assert envelope.outcome["accepted"] == len(envelope.events)
    pieces = [envelopes[0] for envelopes in found.values()]
    assert sum(piece.outcome["accepted"] for piece in pieces) == 42
    assert sum(piece.outcome["offered"] for piece in pieces) == 44
    assert [piece.rejected for piece in pieces if piece.rejected] == [{"invalid_name": 2}]
    [named] = [piece for piece in pieces if piece.dead_letters]
    assert (
        named.rejected
        == {"invalid_name": 2}
        == {named.dead_letters[0].reason: len(named.dead_letters)}
    )


async def test_dead_letters_are_kept_within_the_rate_of_their_app(
    context: PublisherContext,
) -> None:
    for _ in range(3):
        await append_events(context, [], rejected=DEAD_LETTERS_PER_MINUTE // 2)

    found = await context.read(Signal.EVENTS)
    envelopes = [envelope for envelopes in found.values() for envelope in envelopes]
    assert sum(len(envelope.dead_letters) for envelope in envelopes) == DEAD_LETTERS_PER_MINUTE
    assert sum(envelope.outcome["offered"] for envelope in envelopes) == 45
    assert sum(envelope.rejected["invalid_name"] for envelope in envelopes) == 45


async def test_refused_requests_are_counted_where_they_belong(context: PublisherContext) -> None:
    no_key, known, limit = head(), head(x_api_key=KEY), Rejected(Reason.TOO_LARGE, "it is large")
    for _ in range(3):
        context.ingest.refused(known, Signal.EVENTS, limit)
    context.ingest.refused(known, Signal.EVENTS, Unavailable("later"))
    context.ingest.refused(no_key, Signal.EVENTS, Rejected(Reason.NO_KEY, "no key"))
    context.ingest.refused(known, Signal.LOGS, Rejected(Reason.ORIGIN, "no"))
    await context.refusals.flush()
    await context.refusals.flush()

    found = {
        (signal, *(envelope.texts.get(n, "") for n in (1, 2, 17))): envelope
        for signal in Signal
        for envelopes in (await context.read(signal)).values()
        for envelope in envelopes
    }
    assert {whose: envelope.request_rejections for whose, envelope in found.items()} == {
        (Signal.EVENTS, "acme", "shop", "k1"): {"body_too_large": 3, "unavailable": 1},
        (Signal.EVENTS, "", "", ""): {"missing_key": 1},
        (Signal.LOGS, "acme", "shop", "k1"): {"origin_not_allowed": 1},
    }
    minute = 60 * 1_000_000_000
    for envelope in found.values():
        assert envelope.numbers[4] == known.received_ns // minute * minute
        assert (envelope.outcome, envelope.rejected, envelope.body) == ({}, {}, b"")


async def test_an_admin_token_acts_for_the_apps_of_its_org(context: PublisherContext) -> None:
    tokens = context.registry.tokens
    tokens[digest(TOKEN)] = TokenRecord(
        token_id="t", kind="admin", org="acme", digest=digest(TOKEN)
    )
    at = head(authorization=f"Bearer {TOKEN}", user_agent="curl/8")
    context.ingest.check_admin(at)
    admitted = context.ingest.admit_admin(at, app="shop", protocol="native", sdk=("web", "1"))
    await context.ingest.append(
        admitted, at, IngestRequest(Signal.EVENTS, b"[]", Outcome(1, 1), batch_id="b")
    )

    [[envelope]] = (await context.read(Signal.EVENTS)).values()
    assert [envelope.texts.get(n, "") for n in (1, 2, 6, 8, 13, 17)] == [
        *("acme", "shop", "", "", "web", "replay")
    ]
    with pytest.raises(Rejected) as found:
        context.ingest.check_admin(head(x_api_key=KEY))
    assert found.value.reason is Reason.WRONG_KIND
    tokens[digest(TOKEN)] = TokenRecord(
        token_id="t", kind="admin", org="acme", digest=digest(TOKEN), app="other"
    )
    with pytest.raises(Rejected) as found:
        context.ingest.admit_admin(at, app="shop", protocol="native")
    assert found.value.reason is Reason.WRONG_APP
