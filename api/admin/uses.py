"""When tokens were last used, to the minute: noted in memory by a request, written meanwhile."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import nats.errors
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

from seamark.service.registry import Registry, TokenRecord
from seamark.wire.failures import Unavailable

EVERY_SECONDS: Final = 60.0
_AT_ONCE: Final = 64


async def write_uses(bucket: KeyValue, registry: Registry, written: dict[str, int]) -> None:
    """Write what is newer than `written`, which is brought up to date. Raises nats errors."""
    for digest, at_ms in list(registry.used.items()):
        if digest not in registry.tokens:
            registry.used.pop(digest, None)
            written.pop(digest, None)
        elif written.get(digest, 0) < at_ms:
            name = f"used.{digest}"
            if await _read(bucket, name) < at_ms:  # another process may have seen it later
                await bucket.put(name, str(at_ms).encode())
            written[digest] = at_ms


async def keep_writing(memory: Callable[[], Awaitable[KeyValue]], registry: Registry) -> None:
    """Write every minute, for as long as it runs; what cannot be written is written later."""
    written: dict[str, int] = {}
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        with contextlib.suppress(nats.errors.Error, OSError, TimeoutError, Unavailable):
            await write_uses(await memory(), registry, written)


async def last_uses(
    bucket: KeyValue, registry: Registry, tokens: Iterable[TokenRecord]
) -> Mapping[str, int]:
    """Digest -> minute in epoch milliseconds, 0 for never. Raises nats errors."""
    turn = asyncio.Semaphore(_AT_ONCE)

    async def of(token: TokenRecord) -> tuple[str, int]:
        async with turn:
            stored = await _read(bucket, f"used.{token.digest}")
        return token.digest, max(stored, registry.used.get(token.digest, 0))

    return dict(await asyncio.gather(*map(of, tokens)))


async def _read(bucket: KeyValue, name: str) -> int:
    try:
        return int((await bucket.get(name)).value or b"0")
    except KeyNotFoundError:
        return 0
