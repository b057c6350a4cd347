"""Sampling by a hash of the session, so that whole sessions are kept or left out everywhere."""

from typing import Final

_OFFSET: Final = 0x811C9DC5
_PRIME: Final = 0x01000193
_MASK: Final = 0xFFFFFFFF


def hash32(key: str) -> int:
    """FNV-1a of the UTF-8 bytes, 32 bits, then MurmurHash3's `fmix32`.

    FNV-1a alone leaves the upper bits of keys that end alike almost equal. Sources:
    http://www.isthe.com/chongo/tech/comp/fnv/, github.com/aappleby/smhasher MurmurHash3.cpp
    """
    value = _OFFSET
    for octet in key.encode("utf-8", "surrogatepass"):
        value = ((value ^ octet) * _PRIME) & _MASK
    value ^= value >> 16
    value = (value * 0x85EBCA6B) & _MASK
    value ^= value >> 13
    value = (value * 0xC2B2AE35) & _MASK
    return value ^ (value >> 16)


def kept(key: str, rate: float) -> bool:
    """Whether events of `key` (a session id) are sent at this rate, 0 to 1."""
    return hash32(key) < rate * 2**32
