"""Requests that are no good as HTTP, told in one form by every server: nothing sent is in the text.

The values are those of the `reason` in an answer.
"""

import enum
from collections.abc import Mapping
from typing import Final

from aiohttp.http_exceptions import BadHttpMessage, LineTooLong


class HttpFault(enum.StrEnum):
    """What is wrong with a request before anybody looks at what it asks for."""

    MALFORMED = "malformed"
    HEADERS_TOO_LARGE = "headers_too_large"
    TRANSFER_ENCODING = "unsupported_transfer_encoding"


MESSAGES: Final[Mapping[HttpFault, str]] = {
    HttpFault.MALFORMED: "this is not an HTTP/1.1 request; correct it",
    HttpFault.HEADERS_TOO_LARGE: "the target, a header or the number of headers is larger than the "
    "limit (8,190 bytes, 128 headers); shorten it",
    HttpFault.TRANSFER_ENCODING: "Transfer-Encoding may only be chunked; name a compression in "
    "Content-Encoding",
}
_TOO_MANY: Final = "Too many headers received"
"""aiohttp has no exception of its own for that."""


def fault_in(error: BaseException | None) -> HttpFault:
    """Why the parser gave up."""
    many = isinstance(error, BadHttpMessage) and error.message == _TOO_MANY
    if many or isinstance(error, LineTooLong):
        return HttpFault.HEADERS_TOO_LARGE
    return HttpFault.MALFORMED


def codes_transfer(headers: Mapping[str, str]) -> bool:
    """Whether the body comes in a transfer coding other than chunked, which is not undone here."""
    coding = headers.get("Transfer-Encoding")
    return coding is not None and coding.strip().lower() != "chunked"
