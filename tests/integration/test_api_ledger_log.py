"""What waits in the log, looked through on a real nats-server."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import zstandard
from nats.aio.client import Client as NatsClient

from api.log_tail import MOST_MESSAGES, LogAway, LogTail
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.envelope import Outcome
from seamark.wire.frames import HEADER, Frame, frames_header
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.ledger import events, receipt_id, sent
from tests.support.log_streams import add_positions, add_stream
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
THEN = 1_795_341_240_123


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[NatsClient]:
    with NatsServer(tmp_path / "nats") as server:
        connected = await connect_log(LogSettings(url=server.url), name="test")
        await add_positions(connected)
        for signal in Signal:
            await add_stream(connected, stream_name(signal, 0), subject(signal, 0))
        yield connected
        await connected.close()


def frame(receipt: int, *, org: str = "acme", app: str = "shop") -> bytes:
    return zstandard.compress(
        sent(
            Outcome(3, 2, {"a": 1}),
            receipt=receipt,
            received_ms=THEN,
            events=events(2, THEN),
            org=org,
            app=app,
        ),
        1,
    )


async def publish(client: NatsClient, *frames: bytes, named: list[Frame] | None = None) -> int:
    header = frames_header(named) if named else None
    headers = {"Nats-Msg-Id": secrets.token_hex(8)} | ({HEADER: header} if header else {})
    done = await client.jetstream().publish(
        subject(Signal.EVENTS, 0), b"".join(frames), headers=headers
    )
    return done.seq


async def record(client: NatsClient, done: int, sink: str = "rows") -> None:
    bucket = await client.jetstream().key_value("SEAMARK_POSITIONS")
    position = {"done": done, "end": done}
    await bucket.put(f"{sink}.{stream_name(Signal.EVENTS, 0)}", msgspec.json.encode(position))


async def test_a_receipt_is_found_while_it_waits(client: NatsClient) -> None:
    tail = LogTail(1)
    with pytest.raises(LogAway):
        await tail.find(org="acme", app="", receipt=receipt_id(1))
    tail.connect(client)
    await publish(client, frame(1), frame(2))
    batch = frame(3)
    await publish(client, batch, named=[Frame(len(batch), receipt_id(3))])
    await publish(client, b"no frame at all")

    for number in (1, 2, 3):
        looked = await tail.find(org="acme", app="shop", receipt=receipt_id(number))
        [(signal, carried)] = looked.found
        assert (signal, carried.org, carried.app) == (Signal.EVENTS, "acme", "shop")
        assert (carried.received_ms, carried.outcome.accepted) == (THEN, 2)
        assert looked.whole
    for org, app in (("other", ""), ("acme", "blog")):
        assert not (await tail.find(org=org, app=app, receipt=receipt_id(1))).found
    assert not (await tail.find(org="acme", app="", receipt=receipt_id(9))).found

    await record(client, 2)  # what is stored is not looked at
    assert not (await tail.find(org="acme", app="", receipt=receipt_id(1))).found


async def test_a_long_way_behind_is_looked_through_in_part(client: NatsClient) -> None:
    tail = LogTail(1)
    tail.connect(client)
    for number in range(MOST_MESSAGES + 5):
        await publish(client, frame(number))
    newest = await tail.find(org="acme", app="", receipt=receipt_id(MOST_MESSAGES + 4))
    assert newest.found
    oldest = await tail.find(org="acme", app="", receipt=receipt_id(0))
    assert (list(oldest.found), oldest.whole) == ([], False)


async def test_settled_is_up_to_the_first_that_waits(client: NatsClient) -> None:
    tail = LogTail(1)
    tail.connect(client)
    now_ms = 4_000_000_000_000
    assert await tail.settled_ms("rows", now_ms=now_ms) == now_ms
    first = await publish(client, frame(1))
    await publish(client, frame(2))
    message = await client.jetstream().get_msg(stream_name(Signal.EVENTS, 0), first, direct=True)
    assert message.time is not None
    stored_ms = int(message.time.timestamp() * 1000)
    assert await tail.settled_ms("rows", now_ms=now_ms) == stored_ms
    await record(client, 1)
    assert stored_ms <= await tail.settled_ms("rows", now_ms=now_ms) < now_ms
    await record(client, 2)
    assert await tail.settled_ms("rows", now_ms=now_ms) == now_ms
    assert await tail.settled_ms("archive", now_ms=now_ms) == stored_ms


async def test_a_log_that_is_gone_is_reported(client: NatsClient) -> None:
    tail = LogTail(1)
    tail.connect(client)
    await client.close()
    with pytest.raises(LogAway):
        await tail.behind("rows")
