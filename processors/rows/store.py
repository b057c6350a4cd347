"""The sink `rows`: a block becomes one HTTP insert into ClickHouse, under the block's token."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

import aiohttp

from processors.blocks.nats_frames import Message
from processors.blocks.sink import Block, SinkRefused, SinkUnavailable
from processors.clickhouse_errors import PERMANENT, code_of
from seamark.service.connections import StoreSettings
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import input_table

_CHUNK_BYTES: Final = 256 * 1024
_ERROR_BYTES: Final = 4096


class StoreSink:
    """Inserts blocks into `in_<signal>`. Several may run at once."""

    name: Final = "rows"
    notices: Final = True

    def __init__(
        self, session: aiohttp.ClientSession, settings: StoreSettings, *, timeout_seconds: float
    ) -> None:
        self._session = session
        self._url = f"{settings.url.rstrip('/')}/"
        self._database = settings.database
        self._headers = credentials(settings) | {"Content-Encoding": "zstd"}
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=5)

    async def write(self, block: Block) -> None:
        """See `Sink.write`. The longest wait is the timeout this was made with."""
        table = f"{self._database}.{input_table(block.signal)}"
        query = {
            **INSERT_SETTINGS,
            "query": f"INSERT INTO {table} FORMAT Protobuf",
            "insert_deduplication_token": block.token,
        }
        headers = self._headers | {"Content-Length": str(block.size_bytes)}
        try:
            async with self._session.post(
                self._url,
                params=query,
                headers=headers,
                data=_chunks(block.messages),
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                text = (await answer.content.read(_ERROR_BYTES)).decode(errors="replace")
                status = answer.status
                header = answer.headers.get("X-ClickHouse-Exception-Code", "")
        except TimeoutError as error:
            raise SinkUnavailable("timeout", "no answer to an insert in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise SinkUnavailable("connection", f"{type(error).__name__}: {error}") from error
        code = code_of(status, header, text)
        if code in PERMANENT:
            raise SinkRefused(PERMANENT[code].lower(), text[:500])
        if code:
            raise SinkUnavailable(f"code_{code}", text[:500])
        if status != 200:
            raise SinkUnavailable(f"http_{status}", text[:500])

    async def ping(self) -> str:
        """Whether the store answers: "" or what is wrong. At most two seconds."""
        try:
            async with self._session.get(
                f"{self._url}ping", timeout=aiohttp.ClientTimeout(total=2)
            ) as answer:
                return "" if answer.status == 200 else f"/ping: HTTP {answer.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"/ping: {type(error).__name__}: {error}"


def credentials(settings: StoreSettings) -> dict[str, str]:
    """ClickHouse's headers for who we are."""
    if not settings.user:
        return {}
    return {"X-ClickHouse-User": settings.user, "X-ClickHouse-Key": settings.password}


async def _chunks(messages: Sequence[Message]) -> AsyncIterator[bytes]:
    """The payloads, joined into pieces of about 256 KB: one copy, never of the whole block."""
    piece: list[bytes] = []
    size = 0
    for message in messages:
        piece.append(message.payload)
        size += len(message.payload)
        if size >= _CHUNK_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
            await asyncio.sleep(0)  # a block of 8 MB shall not hold up the readers
    if piece:
        yield b"".join(piece)
