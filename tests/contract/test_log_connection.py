"""The reading connection against what a real nats-server does: passwords, vanished consumers."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from nats.aio.client import Client as NatsClient

from processors.blocks.decide import Wait
from processors.blocks.feed import FeedLost, connect_feed
from processors.blocks.jetstream import JetStreamLog
from processors.blocks.log import LogLost
from processors.blocks.pull import LogReader
from seamark.service.connections import LogSettings, connect_log
from tests.support.log_streams import add_stream
from tests.support.servers import NatsServer, free_port

pytestmark = pytest.mark.integration
S = "SEAMARK_events_0"


class GuardedServer(NatsServer):
    """One that wants a user and a password."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        config = folder / "nats.conf"
        config.write_text(config.read_text() + "authorization { user: reader, password: s3cret }\n")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    with GuardedServer(tmp_path / "nats") as running:
        yield running


@pytest.fixture
async def settings(server: NatsServer) -> LogSettings:
    return LogSettings(url=server.url, user="reader", password="s3cret")


@pytest.fixture
async def client(settings: LogSettings) -> AsyncIterator[NatsClient]:
    connected = await connect_log(settings, name="test")
    yield connected
    await connected.close()


async def open_reader(client: NatsClient, settings: LogSettings) -> LogReader:
    log = JetStreamLog(client, settings, name="test")
    return await log.open(S, after=0, buffer_bytes=4 * 1024 * 1024)


async def test_the_right_password_is_let_in(settings: LogSettings) -> None:
    feed = await connect_feed(settings, lambda _: None, name="test")
    assert feed.info.result().max_payload == 8 * 1024 * 1024
    feed.close()


async def test_a_wrong_password_is_named(server: NatsServer) -> None:
    wrong = LogSettings(url=server.url, user="reader", password="guess")
    with pytest.raises(FeedLost, match="Authorization Violation"):
        await connect_feed(wrong, lambda _: None, name="test")


async def test_the_next_server_of_the_list_is_tried(server: NatsServer) -> None:
    urls = f"nats://127.0.0.1:{free_port()},{server.url}"
    both = LogSettings(url=urls, user="reader", password="s3cret")
    for _ in range(4):  # the order is random
        (await connect_feed(both, lambda _: None, name="test")).close()


async def test_a_missing_server_is_reported_with_the_reason() -> None:
    nobody = LogSettings(url=f"nats://127.0.0.1:{free_port()}")
    with pytest.raises(FeedLost, match=r"127\.0\.0\.1"):
        await connect_feed(nobody, lambda _: None, name="test")


async def test_a_deleted_consumer_ends_the_reader(
    settings: LogSettings, client: NatsClient
) -> None:
    await add_stream(client, S, "seamark.events.0")
    reader = await JetStreamLog(client, settings, name="t").open(S, after=0, buffer_bytes=1 << 22)
    jetstream = client.jetstream(timeout=5)
    (consumer,) = await jetstream.consumers_info(S)
    await jetstream.delete_consumer(S, consumer.name)
    with pytest.raises(LogLost, match="Consumer Deleted"):
        await asyncio.wait_for(reader.more(Wait()), 10)
    reader.close()


async def test_a_deleted_stream_ends_the_reader(settings: LogSettings, client: NatsClient) -> None:
    await add_stream(client, S, "seamark.events.0")
    reader = await JetStreamLog(client, settings, name="t").open(S, after=0, buffer_bytes=1 << 22)
    await client.jetstream(timeout=5).delete_stream(S)
    with pytest.raises(LogLost):
        await asyncio.wait_for(reader.more(Wait()), 10)
    reader.close()


async def test_an_idle_reader_gets_a_message_within_milliseconds(
    settings: LogSettings, client: NatsClient
) -> None:
    await add_stream(client, S, "seamark.events.0")
    reader = await JetStreamLog(client, settings, name="t").open(S, after=0, buffer_bytes=1 << 22)
    jetstream, loop = client.jetstream(timeout=5), asyncio.get_running_loop()
    delays = []
    for _ in range(20):
        await asyncio.sleep(0.005)
        await jetstream.publish("seamark.events.0", b"x")
        acknowledged = loop.time()
        while not reader.buffer:
            await reader.more(Wait())
        delays.append(loop.time() - acknowledged)
        reader.drop(1)
    assert sorted(delays)[10] < 0.05  # a push, not a poll; figures come from load/
    reader.close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for 127.0.0.1, with its key beside it."""
    made = tmp_path / "cert.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(made)),
        ],
        check=True,
        capture_output=True,
    )
    return made


async def test_over_tls_with_a_ca_of_our_own(tmp_path: Path, certificate: Path) -> None:
    key = tmp_path / "key.pem"
    server = NatsServer(tmp_path / "nats")
    config = tmp_path / "nats" / "nats.conf"
    config.write_text(
        f'{config.read_text()}tls {{ cert_file: "{certificate}", key_file: "{key}", timeout: 3 }}\n'
    )
    with server:
        settings = LogSettings(url=server.url, tls_ca=str(certificate))
        client = await connect_log(settings, name="test")
        await add_stream(client, S, "seamark.events.0")
        await client.jetstream(timeout=5).publish("seamark.events.0", b"x" * 300_000)
        reader = await open_reader(client, settings)
        await asyncio.wait_for(reader.more(Wait()), 10)
        assert reader.buffer[0].payload == b"x" * 300_000
        reader.close()
        with pytest.raises(FeedLost, match="certificate"):
            await connect_feed(
                LogSettings(url=server.url), lambda _: None, name="a stranger to our CA"
            )
        await client.close()
