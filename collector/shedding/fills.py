"""How full the streams of the log are, from its own list of them."""

from collections.abc import Mapping
from typing import Final

import msgspec
from nats.aio.client import Client as NatsClient

from seamark.wire.signals import Signal

_SUBJECT: Final = "$JS.API.STREAM.LIST"
_SECONDS: Final = 2.0


class _Config(msgspec.Struct):
    name: str = ""
    max_bytes: int = -1


class _State(msgspec.Struct):
    bytes: int = 0


class _Stream(msgspec.Struct):
    config: _Config
    state: _State


class _Page(msgspec.Struct):
    total: int = 0
    streams: list[_Stream] | None = None


_decode: Final = msgspec.json.Decoder(_Page).decode
_SIGNAL: Final[Mapping[str, Signal]] = {f"SEAMARK_{signal.value}": signal for signal in Signal}


async def stream_fills(client: NatsClient) -> dict[Signal, float]:
    """The fill of each signal's fullest stream, 0 to 1. Raises nats errors, DecodeError."""
    fills = dict.fromkeys(Signal, 0.0)
    offset = 0
    while True:
        question = msgspec.json.encode({"offset": offset})
        answer = await client.request(_SUBJECT, question, timeout=_SECONDS)
        page = _decode(answer.data)
        for stream in page.streams or ():
            signal = _SIGNAL.get(stream.config.name.rpartition("_")[0])
            if signal is not None and stream.config.max_bytes > 0:
                fill = stream.state.bytes / stream.config.max_bytes
                fills[signal] = max(fills[signal], fill)
        offset += len(page.streams or ())
        if offset >= page.total or not page.streams:
            return fills
