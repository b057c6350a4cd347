"""What is taken out of text and URLs before anything is kept or sent.

Patterns use ASCII classes alone and nothing in which Python, JavaScript, Java and Swift differ, and
every repetition is bounded, so that no text takes more than linear time.
"""

import re
from collections.abc import Iterable
from typing import Final

REDACTED: Final = "REDACTED"
DENIED_PARAMETERS: Final = frozenset(
    {
        *("access_token", "api_key", "apikey", "auth", "authorization", "awsaccesskeyid", "code"),
        *("client_secret", "credential", "email", "id_token", "jwt", "k", "key", "otp", "passwd"),
        *("password", "phone", "pwd", "refresh_token", "secret", "session", "sessionid", "sid"),
        *("sig", "signature", "token", "x-amz-credential", "x-amz-security-token"),
        *("x-amz-signature", "x-goog-credential", "x-goog-signature"),
    }
)
DENIED_ENDINGS: Final = ("token", "secret", "password", "signature", "apikey", "api_key")

_KEY: Final = re.compile(r"\bsm[kqa]_[A-Za-z0-9_-]{8,128}", re.ASCII)
_JWT: Final = re.compile(
    r"\beyJ[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{8,4096}\.[A-Za-z0-9_-]{0,4096}", re.ASCII
)
_EMAIL: Final = re.compile(
    r"[A-Za-z0-9._+-]{1,64}(?:@|%40)(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}", re.ASCII
)
_CARD: Final = re.compile(r"\b[2-6](?:[ -]?[0-9]){13,18}\b", re.ASCII)
_ESCAPED: Final = re.compile(r"%([0-7][0-9A-Fa-f])")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,31}://")
_INLINE: Final = re.compile(r"(data|blob|javascript):", re.IGNORECASE)


def scrub_text(text: str) -> str:
    """Text with ingest keys and tokens of ours, JWTs, e-mail addresses and card numbers masked."""
    text = _KEY.sub("[key]", text)
    text = _JWT.sub("[jwt]", text)
    text = _EMAIL.sub("[email]", text)
    return _CARD.sub(_card, text)


def scrub_url(url: str, denied: Iterable[str] = ()) -> str:
    """A URL without credentials and fragment, and with the values of denied parameters masked.

    `denied` adds names to `DENIED_PARAMETERS`. The URL is not parsed beyond that: what is left is
    exactly as it was. `data:`, `blob:` and `javascript:` keep their scheme alone.
    """
    inline = _INLINE.match(url)
    if inline:
        return inline[0].lower()
    url = url.partition("#")[0]
    front, mark, query = url.partition("?")
    scheme = _SCHEME.match(front)
    if scheme or front.startswith("//"):
        start = scheme.end() if scheme else 2
        authority, slash, path = front[start:].partition("/")
        front = front[:start] + authority.rpartition("@")[2] + slash + path
    names = DENIED_PARAMETERS.union(name.lower() for name in denied)
    query = "&".join(_parameter(pair, names) for pair in query.split("&"))
    return scrub_text(front + mark + query)


def _parameter(pair: str, denied: frozenset[str]) -> str:
    name, equals, value = pair.partition("=")
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name).lower()
    if value and (plain in denied or plain.endswith(DENIED_ENDINGS)):
        return f"{name}{equals}{REDACTED}"
    return pair


def _card(found: re.Match[str]) -> str:
    """The mask where the digits pass Luhn's check (ISO/IEC 7812-1), else the digits."""
    total = 0
    for place, digit in enumerate(reversed([int(c) for c in found[0] if c.isdigit()])):
        doubled = digit * 2 if place % 2 else digit
        total += doubled - 9 if doubled > 9 else doubled
    return found[0] if total % 10 else "[card]"
