"""Redis as the place where collectors share their limits. Each call is bounded in time; an answer
that cannot be used counts as none."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import redis.asyncio

from collector.admission.limits.bucket import Ask, Grant

PREFIX: Final = "seamark:limit:"
_LEASE: Final = Path(__file__).with_name("lease.lua").read_text()
_MERGE: Final = Path(__file__).with_name("merge.lua").read_text()
_PROBE: Final = Ask("probe", rate=1.0, capacity=1.0, booked=0.0, wanted=0.0)
_ASKS_PER_CALL: Final = 200
_FIELDS_PER_CALL: Final = 500
_COUNT_CHARS: Final = 16


class Away(Exception):
    """Redis did not answer in time, or not as it should. What was sent may have been done."""


class SharedLimits:
    """Leases and counts in Redis; no call takes longer than `seconds` for each of its parts."""

    def __init__(self, client: "redis.asyncio.Redis", *, seconds: float) -> None:
        self._client = client
        self._seconds = seconds
        self._lease = client.register_script(_LEASE)
        self._merge = client.register_script(_MERGE)

    async def lease(self, asks: Sequence[Ask]) -> list[Grant]:
        """A grant for each. Raises Away."""
        grants: list[Grant] = []
        for start in range(0, len(asks), _ASKS_PER_CALL):
            some = asks[start : start + _ASKS_PER_CALL]
            arguments = [repr(float(n)) for ask in some for n in ask[1:]]
            answer = await self._call(self._lease, [PREFIX + ask.name for ask in some], arguments)
            grants += read_grants(answer, some)
        return grants

    async def merge(
        self, name: str, fields: Mapping[str, int], *, keep_seconds: float
    ) -> dict[str, int]:
        """Send the counts of a set; returns all that Redis then has of it. Raises Away."""
        known: dict[str, int] = {}
        items = list(fields.items())
        for start in range(0, max(len(items), 1), _FIELDS_PER_CALL):
            arguments = [str(int(keep_seconds * 1000))]
            for field, total in items[start : start + _FIELDS_PER_CALL]:
                arguments += (field, str(total))
            known = read_counts(await self._call(self._merge, [PREFIX + name], arguments))
        return known

    async def probe(self) -> None:
        """Lease from a bucket that no tenant has: Redis runs the script and takes writes.

        Raises Away.
        """
        await self.lease([_PROBE])

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _call(self, script: Any, keys: Iterable[str], arguments: Iterable[str]) -> object:
        try:
            async with asyncio.timeout(self._seconds):
                return await script(keys=list(keys), args=list(arguments))
        except Exception as error:  # its parser raises what it likes at bytes that are no Redis
            raise Away(repr(error)) from None


def read_grants(answer: object, asks: Sequence[Ask]) -> list[Grant]:
    """The grants in an answer of `lease.lua`. Raises Away when it is none for these `asks`."""
    if not isinstance(answer, list) or len(answer) != 2 * len(asks):
        raise Away(f"the answer is no grant: {str(answer)[:80]}")
    try:
        numbers = [float(part) for part in answer]
    except (TypeError, ValueError):
        raise Away(f"the answer is no grant: {str(answer)[:80]}") from None
    grants = [
        Grant(granted, level) for granted, level in zip(numbers[::2], numbers[1::2], strict=True)
    ]
    for ask, grant in zip(asks, grants, strict=True):
        if not 0.0 <= grant.granted <= ask.wanted * 1.000001 or not math.isfinite(grant.level):
            raise Away(f"the answer grants {grant.granted:g} where {ask.wanted:g} were asked for")
    return grants


def read_counts(answer: object) -> dict[str, int]:
    """The counts in an answer of `merge.lua`, without what is no count. Raises Away."""
    if not isinstance(answer, list) or len(answer) % 2:
        raise Away(f"the answer is no set of counts: {str(answer)[:80]}")
    counts: dict[str, int] = {}
    for field, total in zip(answer[::2], answer[1::2], strict=True):
        if not (isinstance(field, bytes) and isinstance(total, bytes)):
            continue
        if total.isdigit() and len(total) <= _COUNT_CHARS:
            counts[field.decode(errors="replace")] = int(total)
    return counts
