"""The stream of dead letters has shares: what is refused of one org evicts nobody else's."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client as NatsClient

from processors.blocks.dead_letter_queue import JetStreamDeadLetterQueue
from processors.blocks.nats_frames import NatsMessage
from provisioning.jetstream.apply import apply
from seamark.service.connections import LogSettings, connect_log
from seamark.wire.buckets import DEAD_STREAM
from tests.support.envelope_frames import frame_of
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
MEBIBYTE = 1024 * 1024
MAX_BYTES = 32 * MEBIBYTE


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[NatsClient]:
    with NatsServer(tmp_path / "nats") as server:
        settings = LogSettings(url=server.url, max_bytes=MAX_BYTES, partitions=1)
        client = await connect_log(settings, name="test")
        await apply(client, settings)
        yield client
        await client.close()


@pytest.mark.parametrize(("size", "count"), [(4_000, 3_000), (100_000, 400), (1_000_000, 50)])
async def test_a_flood_of_one_org_s_dead_letters_evicts_nobody_else_s(
    client: NatsClient, size: int, count: int
) -> None:
    queue = JetStreamDeadLetterQueue(client)

    async def letter(number: int, org: str, size: int) -> None:
        piece = NatsMessage(number, 0, 0, 0.0, frame_of(org, body=os.urandom(size)))
        await queue.dead_letter("rows", "SEAMARK_events_0", piece, frame=0, reason="refused")

    for number in range(1, 4):
        await letter(number, "small", 2_000)
    for number in range(4, count):
        await letter(number, "flooding", size)
    stream = await client.jetstream().stream_info(DEAD_STREAM, subjects_filter=">")
    kept = stream.state.subjects or {}
    assert sum(n for subject, n in kept.items() if ".small." in subject) == 3
    assert sum(n for subject, n in kept.items() if ".flooding." in subject) >= 2
    assert stream.state.bytes < MAX_BYTES / 3


async def test_a_frame_that_is_nobody_s_is_kept_as_well(client: NatsClient) -> None:
    queue = JetStreamDeadLetterQueue(client)
    for number, payload in enumerate((b"no frame", frame_of("a.b *", body=b"x")), start=1):
        piece = NatsMessage(number, 0, 0, 0.0, payload)
        await queue.dead_letter("rows", "SEAMARK_events_0", piece, frame=0, reason="refused")
    stream = await client.jetstream().stream_info(DEAD_STREAM, subjects_filter=">")
    assert stream.state.messages == 2
    assert all(len(subject.split(".")) == 5 for subject in stream.state.subjects or {})
