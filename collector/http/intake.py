"""Reads the body of one request: as sent, within its size, its time and the process's memory."""

import asyncio
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from collector.http.budget import Share
from collector.http.exchange import Exchange
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

_BROKEN: Final = (RequestPayloadError, HttpProcessingError)


async def read_body(exchange: Exchange, share: Share, *, limit: int, seconds: float) -> bytes:
    """The body, its content coding untouched, at most `limit` bytes; what has arrived is counted
    in `share`.

    Raises Rejected (TOO_LARGE before reading where the length is declared, TIMEOUT after `seconds`,
    INCOMPLETE when its chunks are broken or the client is gone), Unavailable from the budget.
    """
    headers, content = exchange.message.headers, exchange.content
    declared = headers.get("content-length")
    if declared is not None and int(declared) > limit:
        raise _too_large(f"the body is {int(declared):,} bytes", limit)
    try:
        if content.is_eof():  # most bodies arrive with their headers
            body = content.read_nowait()
            if len(body) > limit:
                raise _too_large(f"the body is {len(body):,} bytes", limit)
            share.take(len(body))
            return body
        if headers.get("expect", "").lower() == "100-continue":
            exchange.invite_body()
        async with asyncio.timeout(seconds):
            return await _read_rest(exchange, share, limit)
    except TimeoutError:
        raise Rejected(
            Reason.TIMEOUT, f"the body did not arrive within {seconds:g} s; send it faster"
        ) from None
    except _BROKEN:
        raise Rejected(Reason.INCOMPLETE, "the chunks of the body are broken") from None
    except (ConnectionError, RuntimeError):
        if exchange.protocol.transport is not None:
            raise
        raise Rejected(Reason.INCOMPLETE, "the client went away before its body ended") from None


async def _read_rest(exchange: Exchange, share: Share, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while part := await exchange.content.readany():
        size += len(part)
        if size > limit:
            raise _too_large("the body is larger", limit)
        share.take(len(part))
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_large(what: str, limit: int) -> Rejected:
    return Rejected(
        Reason.TOO_LARGE,
        f"{what}, the limit is {limit:,} as sent; compress it, or send smaller batches",
    )
