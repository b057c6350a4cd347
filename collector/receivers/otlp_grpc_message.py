"""Reads the message of one gRPC call within its time and its share of memory.

gRPC does not tell how long a message is, nor how much of it has come. So a call holds a few
megabytes when its message begins to arrive, and twice as much from time to time until it is there:
what is in memory for the messages of one owner is its share, and what the network brings before
the first doubling.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, Protocol

from collector.http.arrival import Arrival, end_timer
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason

_FIRST_HOLD_BYTES: Final = 4 * 1024 * 1024
"""Held of the memory budget when a message begins to arrive, whose length gRPC does not tell."""
_HOLD_SECONDS: Final = 0.5
"""While a message arrives, its hold is doubled after so long, again and again, up to the limit of a
message: what has come of it is not known, and the longer it takes, the more that may be."""
_TURN_SECONDS: Final = 2.0
"""How long a call waits until there is memory for its message, which is not read until then."""


class NoMessage(Rejected[Reason]):
    """gRPC handed over no message: none was sent, or gRPC has refused it."""


class CallShare(Protocol):
    """What one call holds of the memory budget (`collector.http.budget.Share`)."""

    def take(self, size: int) -> None:
        """Hold `size` bytes more. Raises Unavailable when the budget or a share is used up."""

    async def take_soon(self, size: int, *, seconds: float) -> None:
        """As `take`, but waits for its turn."""

    def give_back(self) -> None:
        """Hold nothing any more."""

    def arriving(self, arrival: Arrival) -> None:
        """Its message is on its way from now on: it may be evicted."""

    def arrived(self) -> None:
        """Its message is here, or given up."""


async def read_message(
    messages: AsyncIterator[bytes], share: CallShare, *, most: int, seconds: float
) -> bytes:
    """The message of a call: at most `most` bytes, within `seconds` and its memory.

    Raises Rejected (TIMEOUT, or NoMessage), Unavailable (OVER_SHARE, TOO_SLOW).
    """
    hold = min(_FIRST_HOLD_BYTES, most)
    await share.take_soon(hold, seconds=_TURN_SECONDS)
    now = asyncio.get_running_loop().time
    try:
        async with asyncio.timeout(seconds) as timer:
            arrival = Arrival(now(), end=lambda: end_timer(timer))
            share.arriving(arrival)
            growth = _Growth(share, arrival, hold=hold, most=most)
            try:
                async for message in messages:
                    return message
            finally:
                growth.cancel()
    except TimeoutError:
        if arrival.evicted:
            raise Unavailable(
                "memory ran out, and this message was among the slowest; send it again, faster",
                reason=Reason.TOO_SLOW,
            ) from None
        raise Rejected(
            Reason.TIMEOUT,
            f"the message did not arrive within {seconds:g} s; send it faster",
        ) from None
    raise NoMessage(Reason.MALFORMED, "the call holds no message; send one")


class _Growth:
    """Doubles what a call holds while its message arrives; ends it where that cannot be had."""

    def __init__(self, share: CallShare, arrival: Arrival, *, hold: int, most: int) -> None:
        self._share = share
        self._arrival = arrival
        self._hold = hold
        self._most = most
        self._next = asyncio.get_running_loop().call_later(_HOLD_SECONDS, self._double)

    def cancel(self) -> None:
        """The message is here, or given up."""
        self._next.cancel()

    def _double(self) -> None:
        more = min(self._hold, self._most - self._hold)
        if not more or self._arrival.evicted:
            return
        try:
            self._share.take(more)
        except Unavailable:
            self._arrival.evicted = True
            self._arrival.end()
            return
        self._hold += more
        self._next = asyncio.get_running_loop().call_later(_HOLD_SECONDS, self._double)
