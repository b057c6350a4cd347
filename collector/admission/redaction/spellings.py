"""Other spellings of one text: percent-encoding, JSON escapes, look-alike and invisible characters.

A detector that finds nothing in a text may find something in what it stands for. Pure.
"""

import re
import unicodedata
import urllib.parse
from typing import Any, Final

from collector.admission.redaction.detectors import compiled

DISGUISED: Final = (
    rb"\xef(?:[\xbc\xbd][\x80-\xbf]|\xbb\xbf|\xb9[\x90-\xab])"  # full width, U+FEFF, small forms
    rb"|\xe2(?:\x80[\x8b-\x8f\xaa-\xae]|\x81[\xa0-\xaf])|[!-~]\xc2\xad[!-~]"  # invisible
    rb"|\xf0\x9d[\x90-\x9f][\x80-\xbf]"  # mathematical letters and digits
    rb"|[ -~](?:\xd9[\xa0-\xa9]|\xdb[\xb0-\xb9])|(?:\xd9[\xa0-\xa9]|\xdb[\xb0-\xb9])[ -~\xd9\xdb]"
    rb"|\xe0(?:[\xa5\xa7][\xa6-\xaf]|\xb9[\x90-\x99])"  # digits: Arabic, Devanagari, Bengali, Thai
)
"""Characters that stand for others or for nothing. Narrow, because random ids hold any bytes."""
ESCAPED: Final = rb"[ -~]%[0-9A-Fa-f]{2}|%[0-9A-Fa-f]{2}[!-~]|\\u[0-9A-Fa-f]|[!-~]\\/[!-~]"
"""Escapes of what detectors look for, and of what disguises it."""
_disguised: Final[Any] = compiled(DISGUISED)
_INVISIBLE: Final = dict.fromkeys(
    [0xAD, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070)]
)
_PERCENT_TOKEN: Final = re.compile(rb"[^\s\"'<>]+")
_UNICODE: Final = re.compile(rb"\\+u([0-9A-Fa-f]{4})")
_PERCENT_ROUNDS: Final = 3
_URL_SAFE: Final = "/:?&=#[]+,;@-._~!$()*'"


def plain(text: str) -> str:
    """The text in NFKC, its digits as 0 to 9, without invisible characters."""
    shown = unicodedata.normalize("NFKC", text).translate(_INVISIBLE)
    return "".join(
        str(unicodedata.decimal(char)) if char > "9" and char.isdecimal() else char
        for char in shown
    )


def plain_bytes(text: bytes) -> bytes | None:
    """The same of UTF-8; None where nothing in it may be disguised."""
    if text.isascii() or _disguised.search(text) is None:
        return None
    return plain(text.decode("utf-8", "replace")).encode()


def unescaped(text: bytes) -> bytes | None:
    """The text with `\\uXXXX` and `\\/` replaced by what they mean; None where it has none."""
    if b"\\u" not in text and b"\\/" not in text:
        return None
    made = _UNICODE.sub(lambda found: _character(found[1]), text)
    return made.replace(b"\\/", b"/")


def _character(hexadecimal: bytes) -> bytes:
    return chr(int(hexadecimal, 16)).encode("utf-8", "replace")


def percent_tokens(text: bytes) -> list[tuple[int, int, list[bytes]]]:
    """Words with percent-encoding: where they are, and what each of them stands for."""
    if b"%" not in text:
        return []
    found = []
    for token in _PERCENT_TOKEN.finditer(text):
        if b"%" not in token[0]:
            continue
        meant = token[0]
        decoded: list[bytes] = []
        for _ in range(_PERCENT_ROUNDS):
            before, meant = meant, urllib.parse.unquote_to_bytes(meant)
            if meant == before:
                break
            decoded.append(meant)
        if decoded:
            found.append((*token.span(), decoded))
    return found


def percent_encoded(text: bytes) -> bytes:
    """A word of a URL, written anew."""
    return urllib.parse.quote_from_bytes(text, safe=_URL_SAFE).encode()
