"""What every receiver may expect of the door, before an in-memory log and before a real one."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collector.admission.senders import Senders
from collector.door import FrontDoor, Log
from collector.publish.publisher import Publisher
from collector.receivers.exchange import Door, Head
from seamark.service.connections import LogSettings, connect_log
from seamark.service.health import Health
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, Registry, digest
from seamark.wire.envelope import Outcome
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.receipts import receipt_for_batch
from seamark.wire.signals import Signal, choose_partition, stream_name, subject
from tests.envelopes import ReadEnvelope, read_payload
from tests.servers import NatsServer

PARTITIONS = 4
KEY = "smk_key"
SENT_MS = 1_795_316_640_000


@dataclass
class MemoryLog:
    """Keeps frames, retries too: duplicates are left out behind the log."""

    frames: dict[tuple[Signal, int], list[bytes]] = field(default_factory=dict)

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
        await asyncio.sleep(0)
        self.frames.setdefault((signal, partition), []).append(frame)


@dataclass
class Promise:
    """The log keeps its word until told otherwise."""

    broken: str = ""

    def problem(self) -> str:
        return self.broken

    async def confirm(self) -> str:
        return self.broken


@dataclass
class House:
    """A door and what is behind it."""

    door: FrontDoor
    promise: Promise
    registry: Registry
    read: Callable[[Signal], Awaitable[dict[int, list[ReadEnvelope]]]]


def build(log: Log, read: Callable[[Signal], Awaitable[dict[int, list[ReadEnvelope]]]]) -> House:
    registry, promise = Registry(), Promise()
    registry.orgs["acme"] = OrgRecord(org="acme", name="Acme", salt="5a")
    registry.apps["acme", "shop"] = AppRecord(org="acme", app="shop")
    registry.keys[digest(KEY)] = KeyRecord(key_id="k1", org="acme", app="shop", digest=digest(KEY))
    door = FrontDoor(
        records=registry,
        log=log,
        partitions=PARTITIONS,
        promise=promise,
        senders=Senders(datacenter="", server_version="1"),
    )
    return House(door, promise, registry, read)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.integration)])
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    if request.param == "memory":
        memory = MemoryLog()

        async def kept(signal: Signal) -> dict[int, list[ReadEnvelope]]:
            return {
                partition: [envelope for frame in frames for envelope in read_payload(frame)]
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
    house: House,
    *,
    signal: Signal = Signal.EVENTS,
    body: bytes = b"[]",
    sent_ms: int | None = None,
    batch_id: str = "",
    sender: str = "",
) -> str:
    door: Door = house.door
    at = head(x_api_key=KEY, user_agent="curl/8")
    return await door.append(
        door.admit(at, protocol="native", sdk=("web", "1")),
        at,
        signal=signal,
        body=body,
        outcome=Outcome(1, 1),
        sent_ms=sent_ms,
        batch_id=batch_id,
        sender=sender,
    )


async def test_what_is_receipted_is_in_the_log(house: House) -> None:
    receipts = {
        signal: await append(house, signal=signal, body=b"[1]", sent_ms=SENT_MS)
        for signal in Signal
    }

    for signal, receipt in receipts.items():
        [envelopes] = (await house.read(signal)).values()
        [envelope] = envelopes
        assert envelope.receipt == receipt
        assert envelope.body == b"[1]"
        assert envelope.sent_ms == SENT_MS
        assert envelope.outcome == {"offered": 1, "accepted": 1}
        assert (envelope.texts[1], envelope.texts[2]) == ("acme", "shop")
        assert envelope.texts[19] == "native"


async def test_a_batch_sent_again_can_be_told(house: House) -> None:
    """One receipt, in one partition, whoever sends it: what the window behind the log goes by."""
    receipts = [await append(house, batch_id="b-1", sender=f"s-{n}") for n in range(3)]

    assert set(receipts) == {receipt_for_batch("acme", "shop", "b-1")}
    found = await house.read(Signal.EVENTS)
    assert {e.receipt for envelopes in found.values() for e in envelopes} == set(receipts)
    assert list(found) == [choose_partition("acme", "shop", "b-1", PARTITIONS)]


async def test_a_sender_keeps_its_partition(house: House) -> None:
    for sender in ("s-1", "s-2", "s-1", "s-3", "s-1"):
        await append(house, sender=sender)
    await append(house)

    found = await house.read(Signal.EVENTS)
    expected: dict[int, int] = {}
    for sender in ("s-1", "s-2", "s-1", "s-3", "s-1", "203.0.113.9"):
        partition = choose_partition("acme", "shop", sender, PARTITIONS)
        expected[partition] = expected.get(partition, 0) + 1
    assert {partition: len(envelopes) for partition, envelopes in found.items()} == expected


async def test_many_at_once_are_all_kept(house: House) -> None:
    receipts = await asyncio.gather(*(append(house, sender=str(n)) for n in range(200)))

    found = await house.read(Signal.EVENTS)
    kept = [envelope.receipt for envelopes in found.values() for envelope in envelopes]
    assert sorted(kept) == sorted(receipts)


async def test_an_app_by_received_time_keeps_no_other(house: House) -> None:
    house.registry.apps["acme", "shop"] = AppRecord(org="acme", app="shop", time_source="received")
    await append(house, sent_ms=SENT_MS)

    [[envelope]] = (await house.read(Signal.EVENTS)).values()
    assert envelope.sent_ms is None


async def test_a_log_that_breaks_its_promise_is_not_used(house: House) -> None:
    house.promise.broken = "it does not sync"
    with pytest.raises(Unavailable, match="it does not sync"):
        await append(house)
    with pytest.raises(Unavailable, match="it does not sync"):
        house.door.check(head(x_api_key=KEY))

    assert await house.read(Signal.EVENTS) == {}


async def test_a_changed_key_counts_at_once(house: House) -> None:
    house.door.admit(head(x_api_key=KEY), protocol="native")
    house.registry.keys.clear()
    with pytest.raises(Rejected) as found:
        house.door.admit(head(x_api_key=KEY), protocol="native")

    assert found.value.reason is Reason.UNKNOWN_KEY
