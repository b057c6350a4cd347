"""API keys that no app has, counted so that an operator finds who sends with a mistyped one. Pure.

A key itself is never stored: only the first 8 hex digits of its SHA-256, by which the owner of a
key can recognise it.
"""

import hashlib
from collections import OrderedDict
from typing import Final, NamedTuple

_CAPACITY: Final = 1_000
_HASH_CHARS: Final = 8


class UnknownKey(NamedTuple):
    """A key by its hash and the address that sent it, and how many requests it sent."""

    key_hash: str
    source: str
    requests: int


class UnknownKeys:
    """The `capacity` newest unknown keys by source; the one used longest ago is forgotten first."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._requests: OrderedDict[tuple[str, str], int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._requests)

    def count(self, secret: str, source: str) -> UnknownKey:
        """Count one request; returns what is now known of its key and source."""
        key_hash = hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()
        at = (key_hash[:_HASH_CHARS], source)
        requests = self._requests.get(at, 0) + 1
        self._requests[at] = requests
        self._requests.move_to_end(at)
        if len(self._requests) > self._capacity:
            self._requests.popitem(last=False)
        return UnknownKey(*at, requests)
