"""Receipts: the name of one accepted request, and its de-duplication key in the log.

Beside the receipt of a batch that carries a `batchId` stands a digest of its content, so that the
same id with other content is told from a retry.
"""

import hashlib
import uuid
from typing import Final

DIGEST_BYTES: Final = 8
PART: Final = "part-"
"""What the key of a part of an OTLP request begins with; no receipt does."""


def new_receipt(now_ms: int, randomness: bytes) -> str:
    """A UUIDv7 (RFC 9562 §5.7) from milliseconds since the epoch and 10 random bytes."""
    value = (now_ms & 0xFFFF_FFFF_FFFF) << 80 | int.from_bytes(randomness, "big")
    value = value & ~(0xF000 << 64) | 0x7000 << 64
    value = value & ~(0xC000 << 48) | 0x8000 << 48
    return str(uuid.UUID(int=value))


def receipt_for_batch(org: str, app: str, batch_id: str) -> str:
    """The receipt of a batch that carries its own `batchId`: the same for every retry.

    A UUIDv8 (RFC 9562 §5.8) of the SHA-256 of tenant and id, so that it tells nothing of them.
    """
    digest = hashlib.sha256(f"{org}\0{app}\0{batch_id}".encode()).digest()
    value = int.from_bytes(digest[:16], "big")
    value = value & ~(0xF000 << 64) | 0x8000 << 64
    value = value & ~(0xC000 << 48) | 0x8000 << 48
    return str(uuid.UUID(int=value))


def part_key(org: str, app: str, *, signal: str, content: bytes, index: int) -> str:
    """What stands for a receipt at a part of a large OTLP request, so that a retry is recognised.

    `content` is the SHA-256 of all parts of the request: the same bytes sent again have the same
    keys, other requests have others even where a part of them is equal.
    """
    named = f"{org}\0{app}\0{signal}\0{content.hex()}\0{index}"
    return PART + hashlib.sha256(named.encode()).hexdigest()[:32]


def content_digest(content: bytes) -> bytes:
    """The first 8 bytes of the SHA-256 of what a batch or an event holds.

    A digest is compared with that of one other batch or event of the same id, so 64 bits suffice.
    """
    return hashlib.sha256(content).digest()[:DIGEST_BYTES]
