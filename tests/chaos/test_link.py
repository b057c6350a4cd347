"""A link does to what passes what its mode says, and afterwards is as good as new."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.chaos.link import Link, Mode

pytestmark = pytest.mark.chaos
SOON = 0.1
"""Longer than anything takes over loopback, short enough to wait for nothing."""


class Echo:
    """A server that sends back what it gets, and remembers it."""

    def __init__(self) -> None:
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(100):
                self.heard += data
                writer.write(data)
        except ConnectionResetError:
            pass
        finally:
            writer.transport.abort()


@pytest.fixture
async def echo() -> AsyncIterator[tuple[Echo, Link]]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    link = await Link(server.sockets[0].getsockname()[1]).start()
    yield echo, link
    await link.stop()
    server.close()
    await server.wait_closed()
    await asyncio.sleep(SOON)  # what was aborted is closed in the next turns of the loop


class Client:
    """One connection through a link."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, link: Link) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", link.port))

    async def asks(self, data: bytes, *, within_seconds: float = 5.0) -> bytes:
        if data:
            self.writer.write(data)
        async with asyncio.timeout(within_seconds):
            return await self._reader.read(100)

    def close(self) -> None:
        self.writer.transport.abort()


async def test_open_and_slow_links_carry_everything(echo: tuple[Echo, Link]) -> None:
    _, link = echo
    client = await Client.to(link)
    assert await client.asks(b"one") == b"one"
    await link.spoil(Mode.SLOW, delay_seconds=0.05)
    began = asyncio.get_running_loop().time()

    assert await client.asks(b"two") == b"two"

    assert asyncio.get_running_loop().time() - began >= 0.1
    client.close()


async def test_what_hung_is_delivered_once_the_link_is_open(echo: tuple[Echo, Link]) -> None:
    server, link = echo
    client = await Client.to(link)
    assert await client.asks(b"one") == b"one"
    await link.spoil(Mode.HANG)
    with pytest.raises(TimeoutError):
        await client.asks(b"two", within_seconds=SOON)
    assert server.heard == b"one"

    await link.heal()

    assert await client.asks(b"") == b"two"
    client.close()


async def test_a_deaf_link_carries_questions_and_no_answers(echo: tuple[Echo, Link]) -> None:
    server, link = echo
    client = await Client.to(link)
    await link.spoil(Mode.DEAF)
    with pytest.raises(TimeoutError):
        await client.asks(b"one", within_seconds=SOON)
    assert server.heard == b"one"

    await link.heal(reset=True)

    with pytest.raises(ConnectionResetError):
        await client.asks(b"")
    again = await Client.to(link)
    assert await again.asks(b"two") == b"two"
    again.close()
    client.close()


async def test_a_cut_link_resets_and_refuses_until_it_is_healed(echo: tuple[Echo, Link]) -> None:
    _, link = echo
    client = await Client.to(link)
    assert await client.asks(b"one") == b"one"

    await link.spoil(Mode.CUT)

    with pytest.raises(ConnectionResetError):
        await client.asks(b"")
    with pytest.raises(ConnectionRefusedError):
        await Client.to(link)
    await link.heal()
    again = await Client.to(link)
    assert await again.asks(b"two") == b"two"
    again.close()
    client.close()
