"""The sink `rows`: a block becomes one HTTP insert into ClickHouse, under the block's token."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import aiohttp

from processors.blocks.nats_frames import NatsMessage
from processors.blocks.pieces import pieces_of
from processors.blocks.proof import LastBlock
from processors.blocks.reasons import OF_CLASS, SinkReason
from processors.blocks.sink import Block, SinkRejected, SinkUnavailable
from seamark.service.clickhouse.client import Body, HttpClient, RequestFailed
from seamark.service.clickhouse.errors import REFUSED, ErrorClass
from seamark.service.clickhouse.quoting import array, parameter
from seamark.service.connections import StoreSettings
from seamark.wire.damage import described
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.reading import EnvelopeReader, UnreadableEnvelope
from seamark.wire.signals import Signal, input_table

_CHUNK_BYTES: Final = 256 * 1024
_LOOKED_AT: Final = 200
"""Frames of a failed block that are looked for: an insert writes a block from its beginning."""
_LAST_BLOCK: Final = Path(__file__).with_name("last_block.sql").read_text()
_RECEIVED: Final = Path(__file__).with_name("received.sql").read_text()
_DAMAGED: Final = Path(__file__).with_name("damaged_parts.sql").read_text()
_RAW_TABLE: Final[Mapping[Signal, str]] = {
    Signal.EVENTS: "events",
    Signal.TRACES: "spans",
    Signal.METRICS: "metric_points",
    Signal.LOGS: "logs",
}


class StoreSink:
    """Inserts blocks into `in_<signal>`. Several may run at once."""

    name: Final = "rows"
    notices: Final = True

    def __init__(
        self, session: aiohttp.ClientSession, settings: StoreSettings, *, timeout_seconds: float
    ) -> None:
        self._client = HttpClient(session, settings, timeout_seconds=timeout_seconds)
        self._database = settings.database

    async def write(self, block: Block) -> None:
        """See `Sink.write`. The longest wait is the timeout this was made with."""
        table = f"{self._database}.{input_table(block.signal)}"
        query = {
            **INSERT_SETTINGS,
            "query": f"INSERT INTO {table} FORMAT Protobuf",
            "insert_deduplication_token": block.token,
        }
        headers = {"Content-Encoding": "zstd", "Content-Length": str(block.size_bytes)}
        await self._post(_chunks(block.messages), query, headers)

    async def untouched(self, block: Block) -> bool:
        """See `Sink.untouched`: whether a raw table or `stored_blocks` has any of the block."""
        last = await self.last_block(block.stream)
        if last is not None and last.token == block.token:
            return False
        found = await asyncio.to_thread(_received, block.messages)
        if not found:
            return True
        times_ms = [received_ns // 1_000_000 for received_ns in found.values()]
        values = {
            "raw": _RAW_TABLE[block.signal],
            "receipts": array(found),
            "first": min(times_ms),
            "last": max(times_ms),
        }
        return await self._ask(_RECEIVED, values) == "0"

    async def last_block(self, stream: str) -> LastBlock | None:
        """See `Sink.last_block`. A view on the input tables writes `stored_blocks`."""
        token, written_ms = (await self._ask(_LAST_BLOCK, {"stream": stream})).split("\t")
        return LastBlock(token, int(written_ms)) if token else None

    async def damage(self) -> str:
        """What rows the store has lost, as a sentence; "" for none. Raises SinkUnavailable."""
        lost = [line.split("\t") for line in (await self._ask(_DAMAGED, {})).splitlines()]
        return described([(one[0], one[1], int(one[2]), int(one[3])) for one in lost])

    async def ping(self) -> str:
        """Whether the store answers: "" or what is wrong. At most two seconds."""
        return await self._client.ping()

    async def _ask(self, sql: str, values: Mapping[str, object]) -> str:
        query = {f"param_{name}": parameter(value) for name, value in values.items()}
        query |= {"database": self._database, "default_format": "TabSeparated"}
        return (await self._post(sql.encode(), query, {})).decode().removesuffix("\n")

    async def _post(
        self, body: Body, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> bytes:
        try:
            return await self._client.post(body, query, headers=headers)
        except RequestFailed as error:
            raise _failure(error) from error


def _failure(error: RequestFailed) -> SinkRejected | SinkUnavailable:
    if error.kind is ErrorClass.REFUSED:
        return SinkRejected(SinkReason.BYTES, f"{REFUSED[error.code].lower()}: {error}")
    if error.timeout:
        return SinkUnavailable("no answer to an insert in time", reason=SinkReason.TIMEOUT)
    if not error.status:
        return SinkUnavailable(str(error), reason=SinkReason.CONNECTION)
    return SinkUnavailable(str(error), reason=OF_CLASS[error.kind])


def _received(messages: Sequence[NatsMessage]) -> dict[str, int]:
    """Receipts of the first frames that have items, and when they were received (ns)."""
    reader = EnvelopeReader()
    found: dict[str, int] = {}
    looked_at = 0
    for message in messages:
        for piece in pieces_of(message):
            looked_at += 1
            if looked_at > _LOOKED_AT:
                return found
            with contextlib.suppress(UnreadableEnvelope):
                envelope = reader.open(piece.payload)
                outcome = envelope.outcome
                if outcome.accepted > outcome.duplicate:
                    found[envelope.receipt] = envelope.received_ns
    return found


async def _chunks(messages: Sequence[NatsMessage]) -> AsyncIterator[bytes]:
    """The payloads, joined into pieces of about 256 KB: one copy, never of the whole block."""
    piece: list[bytes] = []
    size = 0
    for message in messages:
        piece.append(message.payload)
        size += len(message.payload)
        if size >= _CHUNK_BYTES:
            yield b"".join(piece)
            piece, size = [], 0
            await asyncio.sleep(0)  # 8 MB at once would block the event loop
    if piece:
        yield b"".join(piece)
