"""Lone surrogates: what is left when a sender cuts text in the middle of an emoji.

JavaScript's JSON writes half a pair as `\\ud83d`, which is no character and no valid JSON text for
anyone else. It becomes U+FFFD, as in WHATWG's conversion to USVString, so that one cut string does
not cost its whole batch. Source: https://webidl.spec.whatwg.org/#js-to-USVString
"""

import re
from typing import Final

_SOUND: Final = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"
)
_LONE: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_MOST: Final = 10_000


def mended(body: bytes) -> bytes | None:
    """`body` (JSON) with every lone surrogate replaced; None when it has none, or too many.

    Takes time in proportion to the body: each byte is looked at once.
    """
    if b"\\ud" not in body and b"\\uD" not in body:
        return None
    parts: list[bytes] = []
    start = 0
    while len(parts) < _MOST:
        sound = _SOUND.match(body, start)
        end = sound.end() if sound else start
        lone = _LONE.match(body, end)
        if lone is None:
            return b"\\ufffd".join([*parts, body[start:]]) if parts else None
        parts.append(body[start:end])
        start = lone.end()
    return None
