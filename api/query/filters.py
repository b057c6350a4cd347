"""Filters: `{key, op, value}` over named columns, as SQL conditions with their values apart."""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from api.query.statement import Values
from api.reasons import QuestionReason, Refused

Operator = Literal["=", "!=", "in", "!in", "=~", "!~", "exists", "!exists"]
Scalar = str | int | float | bool
MAX_FILTERS: Final = 20
MAX_VALUES: Final = 100
MAX_VALUE_CHARS: Final = 1024
MAX_PATTERN_CHARS: Final = 256
ANYTHING: Final = ".*"


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition. A missing attribute is the empty string.

    `in` and `!in` take a list. `=~` and `!~` take an RE2 pattern that must match the whole value.
    `exists` and `!exists` take no value.
    """

    key: str
    op: Operator = "="
    value: Scalar | list[Scalar] | None = None


def as_text(value: Scalar) -> str:
    """A value as the store keeps attributes: booleans `true`/`false`, whole numbers without dot."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def conditions(
    filters: Sequence[Filter], values: Values, column: Callable[[str, str], str]
) -> list[str]:
    """One SQL condition for each filter, in a fixed order, so that equal questions are equal text.

    `column(key, field)` gives the SQL expression (a string) of a key, or raises Refused; `field`
    is where in the request the key stands. Raises Refused for a value that does not fit its op.
    A pattern that matches anything is no condition: dashboards send it for "All".
    """
    if len(filters) > MAX_FILTERS:
        raise Refused(
            QuestionReason.INVALID_FILTER,
            f"{len(filters)} filters; the limit is {MAX_FILTERS}.",
            field="filters",
        )
    placed = sorted(enumerate(filters), key=lambda item: (item[1].key, item[1].op, str(item[1])))
    found = []
    for place, filter_ in placed:
        at = column(filter_.key, f"filters[{place}].key")
        if (filter_.op, filter_.value) != ("=~", ANYTHING):
            found.append(_condition(filter_, values, at, place))
    return found


def _condition(filter_: Filter, values: Values, column: str, place: int) -> str:
    match filter_.op:
        case "=" | "!=":
            text = values.text(_one(filter_, place, MAX_VALUE_CHARS))
            return f"{column} {filter_.op} {text}"
        case "in" | "!in":
            texts = ", ".join(values.text(text) for text in _many(filter_, place))
            no = "NOT " if filter_.op == "!in" else ""
            return f"{column} {no}IN ({texts})" if texts else f"{no}0"
        case "=~" | "!~":
            pattern = values.text(_one(filter_, place, MAX_PATTERN_CHARS))
            matched = f"match({column}, concat('^(?:', {pattern}, ')$'))"
            return f"NOT {matched}" if filter_.op == "!~" else matched
        case "exists":
            return f"{column} != ''"
        case "!exists":
            return f"{column} = ''"


def _one(filter_: Filter, place: int, most_chars: int) -> str:
    if filter_.value is None or isinstance(filter_.value, list):
        raise _wrong(filter_, place, "takes one string, number or boolean")
    return _text(filter_, filter_.value, place, most_chars)


def _many(filter_: Filter, place: int) -> list[str]:
    if not isinstance(filter_.value, list) or len(filter_.value) > MAX_VALUES:
        raise _wrong(filter_, place, f"takes a list of at most {MAX_VALUES} values")
    return sorted({_text(filter_, value, place, MAX_VALUE_CHARS) for value in filter_.value})


def _text(filter_: Filter, value: Scalar, place: int, most_chars: int) -> str:
    text = as_text(value)
    if len(text) > most_chars or "\0" in text:
        raise _wrong(filter_, place, f"takes at most {most_chars} characters, none of them NUL")
    return text


def _wrong(filter_: Filter, place: int, takes: str) -> Refused:
    return Refused(
        QuestionReason.INVALID_FILTER,
        f"Filter {filter_.op} on {filter_.key[:60]!r} {takes}.",
        field=f"filters[{place}].value",
    )
