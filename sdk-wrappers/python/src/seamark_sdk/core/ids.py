"""Ids of events, batches and sessions: UUID version 7 (RFC 9562 §5.7)."""

from typing import Final

RANDOM_BYTES: Final = 10
_MOST_MS: Final = 2**48 - 1


def uuid7(ms: int, random: bytes) -> str:
    """The id of a moment. `ms` since the epoch, clamped to 48 bits; `random` has 10 bytes."""
    if len(random) != RANDOM_BYTES:
        raise ValueError(f"{len(random)} random bytes, {RANDOM_BYTES} are needed")
    octets = bytearray(max(0, min(ms, _MOST_MS)).to_bytes(6, "big") + random)
    octets[6] = 0x70 | octets[6] & 0x0F
    octets[8] = 0x80 | octets[8] & 0x3F
    text = octets.hex()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
