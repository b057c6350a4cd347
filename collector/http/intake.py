"""Reads the body of one request: as sent, within its size, its time and the process's memory."""

import asyncio
from typing import Final

from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from collector.http.arrival import Arrival, ArrivalLimits, end_timer
from collector.http.budget import Share
from collector.http.exchange import Exchange
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason

_BROKEN: Final = (RequestPayloadError, HttpProcessingError)


_ARRIVING_BYTES: Final = 64 * 1024
"""Held of the budget by a body that comes in pieces: what may wait to be read of it."""


async def read_body(
    exchange: Exchange, share: Share, *, limit: int, limits: ArrivalLimits
) -> bytes:
    """The body, its content coding untouched, at most `limit` bytes; what has arrived is counted
    in `share`.

    Raises Rejected (TOO_LARGE before reading where the length is declared, TIMEOUT after its
    deadline, TOO_SLOW below its rate, INCOMPLETE when its chunks are broken or the client is gone),
    Unavailable from the budget, or (TOO_SLOW) when it was ended to make room for others.
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
        return await _read_rest(exchange, share, limit, limits)
    except _BROKEN:
        raise Rejected(Reason.INCOMPLETE, "the chunks of the body are broken") from None
    except (ConnectionError, RuntimeError):
        if exchange.protocol.transport is not None:
            raise
        raise Rejected(Reason.INCOMPLETE, "the client went away before its body ended") from None


async def _read_rest(exchange: Exchange, share: Share, limit: int, limits: ArrivalLimits) -> bytes:
    """A body that comes in pieces, as `read_body` says."""
    started = asyncio.get_running_loop().time()
    deadline = started + limits.deadline_seconds
    share.take(_ARRIVING_BYTES)
    try:
        async with asyncio.timeout_at(min(deadline, started + limits.rate_seconds)) as timer:
            arrival = Arrival(started, end=lambda: end_timer(timer))
            share.arriving(arrival)
            body = await _Pieces(exchange, share, arrival, limit).collect(timer, limits, deadline)
            if not arrival.evicted:
                return body
    except TimeoutError:
        if not arrival.evicted:
            # by what the timer was set to: it may go off a moment early
            raise _too_late(limits, in_all=(timer.when() or 0.0) >= deadline) from None
    finally:
        share.arrived()
    raise Unavailable(
        "memory ran out, and this body was among the slowest; send it again, faster",
        reason=Reason.TOO_SLOW,
    )


class _Pieces:
    """A body that comes in pieces."""

    def __init__(self, exchange: Exchange, share: Share, arrival: Arrival, limit: int) -> None:
        self._content = exchange.content
        self._share = share
        self._arrival = arrival
        self._limit = limit

    async def collect(
        self, timer: asyncio.Timeout, limits: ArrivalLimits, deadline: float
    ) -> bytes:
        """All of it. `timer` is set anew each time that it has been fast enough."""
        now = asyncio.get_running_loop().time
        needed = limits.bytes_per_second * limits.rate_seconds
        parts: list[bytes] = []
        size, held = 0, _ARRIVING_BYTES
        since, before = now(), 0
        while part := await self._content.readany():
            size += len(part)
            if size > self._limit:
                raise _too_large("the body is larger", self._limit)
            if size > held:
                self._share.take(size - held)
                held = size
            parts.append(part)
            at = now()
            self._arrival.count(len(part), at)
            if size - before >= needed and at - since > limits.rate_seconds / 8:
                since, before = at, size
                timer.reschedule(min(deadline, at + limits.rate_seconds))
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _too_late(limits: ArrivalLimits, *, in_all: bool) -> Rejected:
    if in_all:
        return Rejected(
            Reason.TIMEOUT,
            f"the body did not arrive within {limits.deadline_seconds:g} s; send it faster",
        )
    return Rejected(
        Reason.TOO_SLOW,
        f"the body came slower than {limits.bytes_per_second:,} bytes/s for "
        f"{limits.rate_seconds:g} s; send it faster",
    )


def _too_large(what: str, limit: int) -> Rejected:
    return Rejected(
        Reason.TOO_LARGE,
        f"{what}, the limit is {limit:,} as sent; compress it, or send smaller batches",
    )
