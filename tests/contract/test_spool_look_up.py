"""What a real stream says it holds: the ids behind a sequence, whatever became of the stream."""

import pytest
from nats.aio.client import Client as NatsClient
from nats.js.client import JetStreamContext

from collector.publish.look_up import NotAnswered, ids_behind
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
OURS = ("life.", "earlier.")


@pytest.fixture
async def js(client: NatsClient) -> JetStreamContext:
    context = client.jetstream(timeout=5)
    await context.add_stream(name="S", subjects=["s"], duplicate_window=60.0)
    return context


async def fill(js: JetStreamContext, *idents: str) -> None:
    for ident in idents:
        await js.publish("s", bytes(1000), headers={"Nats-Msg-Id": ident} if ident else None)


async def test_only_ours_and_only_behind(js: JetStreamContext) -> None:
    await fill(js, "life.1", "life.2", "other.1", "", "earlier.7", "lifeless.1")
    assert await ids_behind(js, "S", after=1, prefixes=OURS) == {"life.2": 2, "earlier.7": 5}
    assert await ids_behind(js, "S", after=6, prefixes=OURS) == {}


async def test_more_than_one_answer_holds(js: JetStreamContext) -> None:
    await fill(js, *(f"life.{n}" for n in range(1, 2_501)))
    found = await ids_behind(js, "S", after=100, prefixes=OURS)
    assert found == {f"life.{n}": n for n in range(101, 2_501)}


async def test_an_empty_stream_holds_nothing(js: JetStreamContext) -> None:
    assert await ids_behind(js, "S", after=0, prefixes=OURS) == {}
    await fill(js, "life.1", "life.2")
    await js.purge_stream("S")
    assert await ids_behind(js, "S", after=0, prefixes=OURS) == {}


async def test_a_stream_made_anew_is_read_from_its_beginning(js: JetStreamContext) -> None:
    await fill(js, "life.1")
    assert await ids_behind(js, "S", after=1_000, prefixes=OURS) == {"life.1": 1}


async def test_the_last_message_deleted_by_hand_is_no_end_in_sight(js: JetStreamContext) -> None:
    await fill(js, "life.1", "life.2", "life.3")
    await js.delete_msg("S", 3)
    assert await ids_behind(js, "S", after=0, prefixes=OURS) == {"life.1": 1, "life.2": 2}
    assert await ids_behind(js, "S", after=2, prefixes=OURS) == {}


async def test_no_stream_is_no_answer(client: NatsClient) -> None:
    with pytest.raises(NotAnswered):
        await ids_behind(client.jetstream(timeout=2), "NONE", after=0, prefixes=OURS)


async def test_no_server_is_no_answer(js: JetStreamContext, server: NatsServer) -> None:
    server.kill()
    with pytest.raises(NotAnswered):
        await ids_behind(js, "S", after=0, prefixes=OURS)
