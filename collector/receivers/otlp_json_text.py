"""The text of an OTLP/JSON body, before anything is read from it. Pure."""

import re
from typing import Final

import msgspec
from msgspec import Raw

from collector.admission.json_mending import with_numbers_as_text, without_lone_surrogates
from collector.receivers.otlp_items import REPLACED, Sorted
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for bytes that are not the JSON they should be."""
_SNAKE_NAME: Final = re.compile(rb'_[a-z0-9]++"\s*+:')
_BRACKETS: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
_MOST_BRACKETS: Final = 400
"""Beyond what protobuf takes (4 brackets for 3 messages), below what the parsers here take."""
members_of: Final = msgspec.json.Decoder(dict[str, Raw]).decode


def has_snake_names(body: bytes) -> bool:
    """Whether a member may have a name in snake_case, which the fast way would pass over."""
    return _SNAKE_NAME.search(body) is not None


def readable(body: bytes, result: Sorted) -> dict[str, Raw]:
    """The members of the request, once its text is UTF-8 and not nested without end."""
    text = body.decode("utf-8", "replace").encode()
    text = without_lone_surrogates(text) or text
    if text != body:
        result.remark(REPLACED)
    text = with_numbers_as_text(text) or text
    try:
        return members_of(text)
    except RecursionError:
        pass
    except UNREADABLE as error:
        raise Rejected(Reason.MALFORMED, f"body is not a JSON object: {error}") from None
    try:
        return members_of(_without_depths(text))
    except UNREADABLE as error:
        raise Rejected(Reason.MALFORMED, f"body is not a JSON object: {error}") from None


def _without_depths(text: bytes) -> bytes:
    """The text with null for whatever is nested deeper than `_MOST_BRACKETS`."""
    parts: list[bytes] = []
    depth = start = 0
    for token in _BRACKETS.finditer(text):
        sort = text[token.start()]
        if sort in b"[{":
            depth += 1
            if depth == _MOST_BRACKETS + 1:
                parts += (text[start : token.start()], b"null")
        elif sort in b"]}":
            if depth == _MOST_BRACKETS + 1:
                start = token.end()
            depth -= 1
    return b"".join([*parts, text[start:]])
