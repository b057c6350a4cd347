"""Requests as typed values: JSON bodies and query strings, with errors that say where and what."""

import functools
import re
from collections.abc import Hashable, Mapping
from typing import Final, TypeVar

import msgspec
from msgspec import inspect

from api.query.near import did_you_mean
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
    """The parameters of a query string as `kind`; a multi-dictionary may repeat some.

    A parameter that repeats is a list. Raises Rejected (INVALID_FIELD) for one that is unknown, and
    for one that repeats where one value is taken.
    """
    lists = _fields(kind)  # type: ignore[arg-type]  # classes are hashable
    given: dict[str, str | list[str]] = {}
    for name, value in parameters.items():
        if name not in lists:
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                f"There is no parameter {name[:60]!r}.{did_you_mean(name[:60], lists)} "
                f"The parameters are: {', '.join(lists)}.",
                field=name[:60],
            )
        if lists[name]:
            given[name] = [*given.get(name, ()), value]
        elif name in given:
            raise Rejected(
                QuestionReason.INVALID_FIELD, f"Parameter {name} is given twice.", field=name
            )
        else:
            given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        raise _invalid(str(error)) from None


def parameters_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The names of a request's parameters."""
    return tuple(_fields(kind))


@functools.cache
def _fields(kind: Hashable) -> Mapping[str, bool]:
    """Name -> whether it takes several values."""
    described = inspect.type_info(kind)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{kind!r} is not a struct")
    return {field.encode_name: _is_list(field.type) for field in described.fields}


def _is_list(kind: inspect.Type) -> bool:
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    return isinstance(kind, inspect.ListType)


def _invalid(text: str) -> Rejected[QuestionReason]:
    path = _PATH.search(text)
    field = path[1] if path else ""
    named = _UNKNOWN.search(text) or _MISSING.search(text)
    if named:
        field = f"{field}.{named[1]}" if field else named[1]
    return Rejected(QuestionReason.INVALID_FIELD, f"{_PATH.sub('', text)}.", field=field)
