"""What a piece of text is: an e-mail address, a payment card, a phone number and so on. Pure.

Works on the bytes of UTF-8 text. Each detector has a `core`, which is found in whatever surrounds
it and says cheaply that a body holds nothing (`Redactor.may_touch`); a `pattern`, whose first group
is a candidate; and `length`, which says how much of a candidate it is, 0 for nothing.
"""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import re2

from seamark.wire.privacy import Detector

_FALSE_CANDIDATES: Final = 64
_BYTES_A_FALSE_CANDIDATE: Final = 64


class Found(NamedTuple):
    """Where something was found, in bytes, and by which detector."""

    start: int
    end: int
    detector: Detector


@dataclass(frozen=True, slots=True)
class Pattern:
    """One detector. `core` is a pattern for RE2, `compiled` the precise one."""

    name: Detector
    core: bytes
    compiled: Any
    length: Callable[[bytes], int]

    def find(self, padded: bytes) -> Iterator[Found]:
        """What it finds in a text that has a line break before and behind it, in order.

        Raises Crowded where there are more false candidates than the text's length allows.
        """
        left = _FALSE_CANDIDATES + len(padded) // _BYTES_A_FALSE_CANDIDATE
        at = 0
        while (match := self.compiled.search(padded, at)) is not None:
            start, end = match.span(1)
            length = self.length(padded[start:end])
            if length and not (self.name == "card" and is_part_of_digest(padded, start, end)):
                yield Found(start, start + length, self.name)
                at = start + length - 1
                continue
            at = start
            left -= 1
            if left < 0:
                raise Crowded


class Crowded(Exception):  # not an error of anyone: a text is taken as a whole
    """A text with so many false candidates that looking at each would take too long."""


def compiled(pattern: bytes) -> Any:
    """A pattern on bytes, whatever they are."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    return re2.compile(pattern, options)


# -- payment cards ---------------------------------------------------------------------------------
# First digits and lengths: ISO/IEC 7812; https://en.wikipedia.org/wiki/Payment_card_number
_CARD: Final = rb"(?:[3-6][0-9]{3}|2[2-7][0-9]{2})(?:(?:[ ._+\-]|\xc2\xa0)?[0-9]){9,15}"
_CARD_DIGITS: Final = range(13, 20)
_DIGEST_CHARS: Final = 24
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_DIGITS: Final = frozenset(b"0123456789")


def _is_card(digits: str) -> bool:
    two = int(digits[:2])
    if not (digits[0] == "4" or 22 <= two <= 27 or 30 <= two <= 39 or 50 <= two <= 69):
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and len(set(digits)) > 1


def _card_length(candidate: bytes) -> int:
    """The longest beginning of a candidate that is a card and ends where a number ends."""
    digits, found = "", 0
    for place, byte in enumerate(candidate):
        if byte not in _DIGITS:
            continue
        digits += chr(byte)
        ends = place + 1 == len(candidate) or candidate[place + 1] not in _DIGITS
        if ends and len(digits) in _CARD_DIGITS and _is_card(digits):
            found = place + 1
    return found


# -- bank accounts ---------------------------------------------------------------------------------
# Lengths by country: SWIFT, IBAN Registry, https://www.swift.com/standards/data-standards/iban
_IBAN_LENGTHS: Final[dict[str, int]] = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD FK",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for country in countries.split()
}


def _iban_length(candidate: bytes) -> int:
    """How long the IBAN is that a candidate begins with (ISO 13616: the remainder is 1)."""
    wanted = _IBAN_LENGTHS.get(candidate[:2].decode("latin-1").upper(), 0)
    taken = ""
    for place, byte in enumerate(candidate):
        char = chr(byte)
        if char not in " -":
            taken += char.upper()
        if len(taken) == wanted:
            after = candidate[place + 1 : place + 2]
            number = int("".join(str(int(each, 36)) for each in taken[4:] + taken[:4]))
            return place + 1 if not after.isalnum() and number % 97 == 1 else 0
    return 0


# -- addresses -------------------------------------------------------------------------------------
def _ipv4_length(candidate: bytes) -> int:
    return len(candidate) if all(int(part) <= 255 for part in candidate.split(b".")) else 0


def _ipv6_length(candidate: bytes) -> int:
    text = candidate.decode("latin-1")
    if not any(char.isdecimal() for char in text):
        return 0  # `dead::beef` is a name of C++ as well
    while text:
        try:
            ipaddress.IPv6Address(text)
        except ValueError:
            if text[-1] not in ":.":
                return 0
            text = text[:-1]
        else:
            return len(text)
    return 0


def _phone_length(candidate: bytes) -> int:
    digits = sum(byte in _DIGITS for byte in candidate)
    return len(candidate) if 8 <= digits <= 15 else 0


_ANY: Final = rb"(?s:.)"


def _pattern(
    name: Detector,
    core: bytes,
    length: Callable[[bytes], int] = len,
    *,
    before: bytes = _ANY,
    after: bytes = _ANY,
) -> Pattern:
    whole = rb"(?:" + before + rb")(" + core + rb")(?:" + after + rb")"
    return Pattern(name, core, compiled(whole), length)


_NO_DIGIT: Final = rb"[^0-9]"
_NO_WORD: Final = rb"[^0-9A-Za-z_]"
_LOCAL: Final = rb"[0-9A-Za-z._%+'~\x80-\xff-]"
_LABEL: Final = rb"[0-9A-Za-z\x80-\xff-]"
_B64: Final = rb"[0-9A-Za-z_-]"
_PHONE: Final = (
    rb"(?:\+[1-9](?:[ ().\-/]{0,2}[0-9]){7,14}"
    rb"|00[1-9](?:[ .\-/]?[0-9]){8,13}"
    rb"|(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])[0-9]{3}[ .\-][0-9]{4})"
)

PATTERNS: Final[dict[Detector, Pattern]] = {
    found.name: found
    for found in (
        _pattern("jwt", rb"eyJ" + _B64 + rb"{5,}(?:\." + _B64 + rb"*){2,4}"),
        _pattern(
            "bearer",
            rb"(?i:bearer)(?: |\+|%20|[:=\t])+[0-9A-Za-z._~+/=-]{16,}",
        ),
        _pattern(
            "email", _LOCAL + rb"+@" + _LABEL + rb"+(?:\." + _LABEL + rb"+)*\." + _LABEL + rb"{2,}"
        ),
        _pattern(
            "iban",
            rb"[A-Za-z]{2}[0-9]{2}(?:[ -]?[0-9A-Za-z]){11,30}",
            _iban_length,
            before=_NO_WORD,
        ),
        _pattern("card", _CARD, _card_length, before=_NO_DIGIT, after=_NO_DIGIT),
        _pattern("phone", _PHONE, _phone_length, before=rb"[^0-9A-Za-z+]", after=_NO_DIGIT),
        _pattern(
            "ipv6",
            rb"[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,8}(?:\.[0-9]{1,3}){0,3}",
            _ipv6_length,
            before=rb"[^0-9A-Za-z_:.]",
            after=rb"[^0-9A-Za-z_:]",
        ),
        _pattern(
            "ipv4",
            rb"(?:[0-9]{1,3}\.){3}[0-9]{1,3}",
            _ipv4_length,
            before=rb"[^0-9.]",
            after=rb"[^0-9.]|\.[^0-9]",
        ),
    )
}


def is_part_of_digest(text: bytes, start: int, end: int) -> bool:
    """Whether digits stand within a long hexadecimal number: a digest, a trace id, our own hash."""
    while start and text[start - 1] in _HEX:
        start -= 1
    while end < len(text) and text[end] in _HEX:
        end += 1
    token = text[start:end]
    return (
        end - start >= _DIGEST_CHARS and not token.isdigit() and all(byte in _HEX for byte in token)
    )
