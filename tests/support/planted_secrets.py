"""Secrets of every kind in many spellings, planted in telemetry and looked for afterwards.

A plain-Python oracle: it knows what was planted, and reads every text the ways a reader could.
"""

import json
import random
import re
import unicodedata
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple


class Planted(NamedTuple):
    """One secret: its kind, its spelling, the text that holds it, and what must not be found.

    `needle` holds only letters and digits, in lower case.
    """

    kind: str
    spelling: str
    text: str
    needle: str


def luhn_completed(digits: str) -> str:
    """Digits with the check digit that makes them a card number."""
    for check in "0123456789":
        total = 0
        for place, digit in enumerate(reversed(digits + check)):
            value = int(digit) * (2 if place % 2 else 1)
            total += value // 10 + value % 10
        if total % 10 == 0:
            return digits + check
    raise AssertionError


def iban(country: str, account: str) -> str:
    """An IBAN with the right check digits."""
    number = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    return f"{country}{98 - int(number) % 97:02d}{account}"


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _letters(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("abcdefghijkmnpqrstuvwxyz23456789") for _ in range(count))


def _grouped(text: str, *sizes: int, by: str) -> str:
    groups, at = [], 0
    for size in sizes:
        groups.append(text[at : at + size])
        at += size
    return by.join([*groups, text[at:]] if at < len(text) else groups)


def _secrets(rng: random.Random) -> dict[str, Callable[[], tuple[str, str]]]:
    """Kind -> a new secret of it as it is written, and its needle."""

    def email(form: str) -> tuple[str, str]:
        name = f"planted{_letters(rng, 9)}"
        return form.format(name), name

    def card(start: str, length: int, *sizes: int, by: str = "") -> tuple[str, str]:
        number = luhn_completed(start + _digits(rng, length - len(start) - 1))
        return _grouped(number, *sizes, by=by) if by else number, number

    def phone(form: str) -> tuple[str, str]:
        return _numbered(form, rng)

    def account(country: str, length: int, *, by: str = "") -> tuple[str, str]:
        made = iban(country, _digits(rng, length - 4))
        return _grouped(made, *[4] * (length // 4), by=by) if by else made, made.lower()

    def jwt(form: str) -> tuple[str, str]:
        signature = _letters(rng, 24)
        return form.format(f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{signature}"), signature

    def bearer(form: str) -> tuple[str, str]:
        token = _letters(rng, 28)
        return form.format(token), token

    def ipv4(form: str) -> tuple[str, str]:
        parts = [str(rng.randrange(100, 224)) for _ in range(4)]
        return form.format(".".join(parts)), "".join(parts)

    def ipv6(form: str) -> tuple[str, str]:
        parts = [f"{rng.randrange(0x1000, 0x10000):x}" for _ in range(6)]
        return form.format(*parts), "".join(parts)

    return {
        "email": lambda: email("{}@example.com"),
        "email in upper case": lambda: _upper(email("{}@EXAMPLE.COM")),
        "email with a tag": lambda: email("ada+{}@mail.example.co.uk"),
        "email in brackets": lambda: email("Ada <{}@example.org>"),
        "mailto": lambda: email("mailto:{}@example.org"),
        "email of letters beyond ASCII": lambda: email("jörg.{}@bücher.example"),
        "visa": lambda: card("4", 16),
        "visa in groups": lambda: card("4", 16, 4, 4, 4, by=" "),
        "mastercard with dashes": lambda: card("53", 16, 4, 4, 4, by="-"),
        "mastercard of the 2 series": lambda: card("2223", 16),
        "amex in groups": lambda: card("37", 15, 4, 6, by=" "),
        "card with dots": lambda: card("4", 16, 4, 4, 4, by="."),
        "card with no-break spaces": lambda: card("4", 16, 4, 4, 4, by="\u00a0"),
        "diners": lambda: card("36", 14),
        "jcb": lambda: card("3530", 16),
        "maestro of 19": lambda: card("6304", 19),
        "phone": lambda: phone("+49 170 {}{}{} {}{}{}{}"),
        "phone without spaces": lambda: phone("+4917{}{}{}{}{}{}{}"),
        "phone with dots": lambda: phone("+33.6.1{}.{}{}.{}{}.{}{}"),
        "phone of the US": lambda: phone("(555) {}{}{}-{}{}{}{}"),
        "phone with dashes": lambda: phone("555-{}{}{}-{}{}{}{}"),
        "phone with 00": lambda: phone("0044 20 {}{}{}{} {}{}{}1"),
        "ipv4": lambda: ipv4("{}"),
        "ipv4 with a port": lambda: ipv4("{}:443"),
        "ipv4 in a URL": lambda: ipv4("http://{}/login"),
        "ipv6": lambda: ipv6("2001:db8:{}:{}:{}:{}:{}:{}"),
        "ipv6 with a gap": lambda: ipv6("{}:{}:{}::{}:{}:{}"),
        "ipv6 in a URL": lambda: ipv6("http://[2001:db8:{}:{}:{}:{}:{}:{}]:8080/"),
        "jwt": lambda: jwt("{}"),
        "jwt in a cookie": lambda: jwt("session={}; path=/"),
        "bearer": lambda: bearer("Authorization: Bearer {}"),
        "bearer in capitals": lambda: bearer("BEARER {}"),
        "iban": lambda: account("DE", 22),
        "iban in groups": lambda: account("ES", 24, by=" "),
        "iban with dashes": lambda: account("FR", 27, by="-"),
        "iban in small letters": lambda: _lower(account("PL", 28)),
    }


def _numbered(form: str, rng: random.Random) -> tuple[str, str]:
    count = form.count("{}")
    made = form.format(*(rng.choice("23456789") for _ in range(count)))
    return made, letters_and_digits(made)


def _upper(made: tuple[str, str]) -> tuple[str, str]:
    return made[0].upper(), made[1]


def _lower(made: tuple[str, str]) -> tuple[str, str]:
    return made[0].lower(), made[1]


def full_width(text: str) -> str:
    """A text in the letters that stand in East Asian texts."""
    return "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text)


def _escaped(text: str) -> str:
    units = text.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "alone": lambda text: text,
    "in a sentence": lambda text: f"He wrote {text} and left.",
    "in JSON": lambda text: json.dumps({"a": {"b": ["x", text]}}),
    "in JSON in JSON": lambda text: json.dumps({"a": json.dumps({"b": text})}),
    "escaped in JSON": lambda text: f'{{"a":"{_escaped(text)}"}}',
    "in JSON cut off": lambda text: json.dumps({"a": text}, ensure_ascii=False)[:-2] + ' and "b',
    "in a query": lambda text: f"https://shop.example/?q={urllib.parse.quote(text, safe='')}&x=1",
    "encoded twice": lambda text: urllib.parse.quote(urllib.parse.quote(text, safe=""), safe=""),
    "every byte encoded": lambda text: "".join(f"%{byte:02X}" for byte in text.encode()),
    "full width": full_width,
    "with invisible characters": lambda text: f"{text[:3]}\u200b{text[3:]}",
}


def planted_secrets(seed: int) -> Iterator[Planted]:
    """Every kind in every spelling, each time another secret."""
    rng = random.Random(seed)
    for kind, make in _secrets(rng).items():
        for spelling, spell in SPELLINGS.items():
            secret, needle = make()
            yield Planted(kind, spelling, spell(secret), needle)


def letters_and_digits(text: str) -> str:
    """A text as the oracle compares it."""
    plain = unicodedata.normalize("NFKC", text).lower()
    return "".join(char for char in plain if char.isalnum())


def readings(text: str) -> Iterator[str]:
    """A text in every way a reader could take it."""
    seen = {text}
    pending = [text]
    while pending:
        found = pending.pop()
        yield found
        for other in (
            urllib.parse.unquote(found),
            re.sub(
                r"(?:\\u[0-9a-fA-F]{4})+",
                lambda units: bytes.fromhex(units[0].replace("\\u", "")).decode(
                    "utf-16-be", "replace"
                ),
                found.replace("\\\\", "\\"),
            ),
        ):
            if other not in seen:
                seen.add(other)
                pending.append(other)


def holds(text: str, secret: Planted) -> bool:
    """Whether a reader of `text` could read the secret."""
    return any(secret.needle in letters_and_digits(reading) for reading in readings(text))
