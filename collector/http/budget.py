"""Memory for bodies in flight: one budget for the process, with shares in it.

A key, an org and an address may each hold a share of the whole. Where one of these, or the whole,
is used up, the slowest of its bodies that are still arriving make room: for the whole, those of the
org that holds most. Only then is a request refused. The bound is `limit_bytes` for each process.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from collector import metrics
from collector.http.arrival import Arrival
from collector.receivers.exchange import BodyOwner
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason

_GRACE_SECONDS: Final = 1.0
"""A body that began to arrive later than this is not ended to make room for another."""
_OWNERS: Final = 4096
"""Owners remembered before those that hold nothing are forgotten."""
_NOBODY: Final = BodyOwner("", "", "")


@dataclass(frozen=True, slots=True)
class ShareLimits:
    """Of the whole, 0 to 1: what one key, one org and one address may hold."""

    key: float = 1.0
    org: float = 1.0
    address: float = 1.0


class _Holder:
    """A key, an org or an address. `waiting` are the turns that were asked for, of an org."""

    __slots__ = ("arriving", "held", "kind", "limit", "waiting")

    def __init__(self, kind: str, limit: int) -> None:
        self.kind = kind
        self.limit = limit
        self.held = 0
        self.arriving: set[Share] = set()
        self.waiting: deque[asyncio.Future[None]] = deque()

    @property
    def idle(self) -> bool:
        """Nothing would be lost if it were forgotten."""
        return not (self.held or self.arriving or self.waiting)


class Share:
    """What one request holds of the budget. It takes something, or arrives, as soon as it is made:
    who holds nothing is forgotten."""

    __slots__ = ("_budget", "_held", "arrival", "holders")

    def __init__(self, budget: "Budget", holders: tuple[_Holder, _Holder, _Holder]) -> None:
        self._budget = budget
        self._held = 0
        self.holders = holders
        self.arrival: Arrival | None = None

    def take(self, size: int) -> None:
        """Hold `size` bytes more.

        Raises Unavailable when the budget is used up, or (OVER_SHARE) the share of the key, org or
        address.
        """
        budget = self._budget
        key, org, address = self.holders
        if (
            budget.held + size > budget.limit_bytes
            or key.held + size > key.limit
            or org.held + size > org.limit
            or address.held + size > address.limit
        ):
            budget.make_room(self, size)
        budget.held += size
        key.held += size
        org.held += size
        address.held += size
        self._held += size
        metrics.IN_FLIGHT.set(budget.held)

    async def take_soon(self, size: int, *, seconds: float) -> None:
        """As `take`, but waits its org's turn for so long before it raises Unavailable."""
        failure: Unavailable | None = None
        try:
            async with asyncio.timeout(seconds):
                while True:
                    try:
                        self.take(size)
                    except Unavailable as error:
                        failure = error.with_traceback(None)
                    else:
                        self._budget.wake(self.holders[1])
                        return
                    await self._budget.freed(self.holders[1], first=failure is not None)
        except TimeoutError:
            raise failure or Unavailable("memory is used up; send again") from None

    def give_back(self) -> None:
        """Hold nothing any more."""
        size, self._held = self._held, 0
        budget = self._budget
        key, org, address = self.holders
        budget.held -= size
        key.held -= size
        org.held -= size
        address.held -= size
        if self.arrival is not None:
            self.arrived()
        metrics.IN_FLIGHT.set(budget.held)
        if budget.waiting:
            budget.wake_all()

    def arriving(self, arrival: Arrival) -> None:
        """Its body is on its way from now on: it may be evicted."""
        self.arrival = arrival
        for holder in self.holders:
            holder.arriving.add(self)

    def arrived(self) -> None:
        """Its body is here, or given up."""
        self.arrival = None
        for holder in self.holders:
            holder.arriving.discard(self)


class Budget:
    """Bytes of bodies held now, as sent and inflated; never more than `limit_bytes`."""

    def __init__(
        self,
        limit_bytes: int,
        *,
        shares: ShareLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit_bytes = limit_bytes
        self.held = 0
        self.waiting: set[_Holder] = set()
        self._shares = shares or ShareLimits()
        self._clock = clock
        self._owners: dict[BodyOwner, tuple[_Holder, _Holder, _Holder]] = {}
        self._keys: dict[str, _Holder] = {}
        self._orgs: dict[str, _Holder] = {}
        self._addresses: dict[str, _Holder] = {}
        self._most = _OWNERS

    def share(self, owner: BodyOwner = _NOBODY) -> Share:
        """The part of one request, empty at first."""
        return Share(self, self._owners.get(owner) or self._add(owner))

    def make_room(self, share: Share, size: int) -> None:
        """End bodies so that `share` can hold `size` more. Raises Unavailable."""
        for holder in share.holders:
            while holder.held + size > holder.limit:
                if not self._evict_slowest(holder, share):
                    raise Unavailable(
                        f"requests of this {holder.kind} hold its share of memory, "
                        f"{holder.limit:,} bytes; send again, fewer at a time",
                        reason=Reason.OVER_SHARE,
                    )
        while self.held + size > self.limit_bytes:
            if not self._evict_of_larger(share):
                raise Unavailable(
                    f"requests of {self.limit_bytes:,} bytes are being handled; send again"
                )

    async def freed(self, org: _Holder, *, first: bool) -> None:
        """Wait until something was given back, in turn; `first`: it had its turn, in vain."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        (org.waiting.appendleft if first else org.waiting.append)(turn)
        self.waiting.add(org)
        await turn

    def wake(self, org: _Holder) -> None:
        """It is the turn of the next one of an org."""
        while org.waiting:
            turn = org.waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                break
        if not org.waiting:
            self.waiting.discard(org)

    def wake_all(self) -> None:
        """It is the turn of one of each org that waits."""
        for org in list(self.waiting):
            self.wake(org)

    def _evict_of_larger(self, share: Share) -> bool:
        """End a body of the org that holds most, or of the next one; never of a smaller org."""
        own = share.holders[1].held
        larger = [org for org in self._orgs.values() if org.arriving and org.held >= own]
        larger.sort(key=lambda org: org.held, reverse=True)
        return any(self._evict_slowest(org, share) for org in larger)

    def _evict_slowest(self, holder: _Holder, asking: Share) -> bool:
        """End the slowest body that has had its time; whether there was one."""
        now = self._clock()
        found: tuple[float, Share, Arrival] | None = None
        for share in holder.arriving:
            arrival = share.arrival
            if share is asking or arrival is None or now - arrival.started < _GRACE_SECONDS:
                continue
            rate = arrival.rate(now)
            if found is None or rate < found[0]:
                found = rate, share, arrival
        if found is None:
            return False
        _, share, arrival = found
        arrival.evicted = True
        arrival.end()
        share.give_back()
        metrics.EVICTED.inc()
        return True

    def _add(self, owner: BodyOwner) -> tuple[_Holder, _Holder, _Holder]:
        if len(self._owners) >= self._most:
            self._forget()
        shares, whole = self._shares, self.limit_bytes
        holders = (
            _one(self._keys, owner.key_id, "key", int(whole * shares.key)),
            _one(self._orgs, owner.org, "org", int(whole * shares.org)),
            _one(self._addresses, owner.address, "address", int(whole * shares.address)),
        )
        self._owners[owner] = holders
        return holders

    def _forget(self) -> None:
        self._owners.clear()
        for table in (self._keys, self._orgs, self._addresses):
            for name in [name for name, holder in table.items() if holder.idle]:
                del table[name]
        live = max(len(self._keys), len(self._orgs), len(self._addresses))
        self._most = max(_OWNERS, 2 * live)


def _one(table: dict[str, _Holder], name: str, kind: str, limit: int) -> _Holder:
    holder = table.get(name)
    if holder is None:
        holder = table[name] = _Holder(kind, limit)
    return holder
