"""Requests as typed values: JSON bodies and query strings, with errors that say where and what."""

import re
from collections.abc import Mapping
from typing import Final, TypeVar

import msgspec

from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

T = TypeVar("T")
_PATH: Final = re.compile(r" - at `(?:key in )?\$?\.?([^`]*)`")
_UNKNOWN: Final = re.compile(r"unknown field `([^`]*)`")
_MISSING: Final = re.compile(r"missing required field `([^`]*)`")


def from_json(body: bytes, kind: type[T]) -> T:
    """A JSON body as `kind`. Raises Rejected (MALFORMED, INVALID_FIELD)."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Rejected(
            QuestionReason.MALFORMED, f"The body is not a JSON object: {error}."
        ) from None


def from_query(parameters: Mapping[str, str], kind: type[T]) -> T:
    """The parameters of a query string as `kind`. Raises Rejected (INVALID_FIELD)."""
    try:
        return msgspec.convert(dict(parameters), kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None


def _invalid(text: str) -> Rejected[QuestionReason]:
    path = _PATH.search(text)
    field = path[1] if path else ""
    named = _UNKNOWN.search(text) or _MISSING.search(text)
    if named:
        field = f"{field}.{named[1]}" if field else named[1]
    return Rejected(QuestionReason.INVALID_FIELD, f"{_PATH.sub('', text)}.", field=field)
