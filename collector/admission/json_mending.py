"""What senders write that is no JSON, made JSON, so that one text or number does not cost its body.

Lone surrogates: JavaScript's JSON writes half of an emoji that was cut as `\\ud83d`, which is no
character. It becomes U+FFFD, as in WHATWG's conversion to USVString.
Source: https://webidl.spec.whatwg.org/#js-to-USVString

Bare `NaN`, `Infinity` and `-Infinity`, as Python's JSON writes them: they become text, which is how
proto3 JSON says them; where no number can be text, the item is rejected for it. Pure.
"""

import re
from typing import Final

_SOUND: Final = re.compile(
    rb"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})*+"
)
_LONE: Final = re.compile(
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][c-fC-F][0-9a-fA-F]{2})++"
)
_ESCAPE_BYTES: Final = 6
_NO_BARE: Final = re.compile(
    rb'(?:[^"NI-]++|"(?:[^"\\]++|\\.)*+"|-(?!Infinity)|N(?!aN)|I(?!nfinity))*+', re.DOTALL
)
_BARE: Final = re.compile(rb"-?Infinity|NaN")


def mended(body: bytes) -> bytes | None:
    """`body` (JSON) with every lone surrogate replaced and bare numbers as text; None when it has
    none of either.

    Takes time in proportion to the body: each byte is looked at once for each of the two.
    """
    text = with_numbers_as_text(body) or body
    return without_lone_surrogates(text) or (None if text is body else text)


def without_lone_surrogates(body: bytes) -> bytes | None:
    """`body` with every lone surrogate replaced; None when it has none."""
    if b"\\ud" not in body and b"\\uD" not in body:
        return None
    made = bytearray()
    start = 0
    while True:
        sound = _SOUND.match(body, start)
        end = sound.end() if sound else start
        lone = _LONE.match(body, end)
        if lone is None:
            return bytes(made + body[start:]) if made else None
        made += body[start:end]
        made += b"\\ufffd" * ((lone.end() - end) // _ESCAPE_BYTES)
        start = lone.end()


def with_numbers_as_text(body: bytes) -> bytes | None:
    """`body` with quotes around bare `NaN` and infinities; None when it has none."""
    if b"NaN" not in body and b"Infinity" not in body:
        return None
    made = bytearray()
    start = 0
    while True:
        plain = _NO_BARE.match(body, start)
        end = plain.end() if plain else start
        bare = _BARE.match(body, end)
        if bare is None:
            return bytes(made + body[start:]) if made else None
        made += body[start:end] + b'"' + bare[0] + b'"'
        start = bare.end()
