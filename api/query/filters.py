"""Filters: `{key, op, value}` over named columns, as SQL conditions with their values apart.

Columns are text, as the store keeps attributes. A value that is text is compared as text, a value
that is a number as a number: `1` equals "1", "1.0" and "1e0", and `< <= > >=` order numbers. Text
that is no number is neither equal to, less than, nor greater than any number.
"""

from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from api.query.numbers import compare_numbers, read_number
from api.query.statement import Values
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in", "!in", "=~", "!~", "exists", "!exists"]
Scalar = str | int | float | bool
Column = Callable[[str, str], str]
"""(key, path of the key in the request) -> SQL of a text; raises Rejected for an unknown key."""
MAX_FILTERS: Final = 20
MAX_VALUES: Final = 100
MAX_VALUE_CHARS: Final = 1024
MAX_PATTERN_CHARS: Final = 256
ANYTHING: Final = ".*"


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One condition. A missing attribute is the empty string.

    `=` and `!=` compare text with text and numbers with numbers. `< <= > >=` take a number, or text
    that is one. `in` and `!in` take a list. `=~` and `!~` take an RE2 pattern that must match the
    whole value. `exists` and `!exists` take no value.
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


def conditions(filters: Sequence[Filter], values: Values, column: Column) -> list[str]:
    """One SQL condition for each filter, in a fixed order, so that equal questions are equal text.

    Raises Rejected for a value that does not fit its operator, and what `column` raises. A pattern
    that matches anything is no condition: dashboards send it for "All".
    """
    if len(filters) > MAX_FILTERS:
        raise Rejected(
            QuestionReason.INVALID_FILTER,
            f"{len(filters)} filters; the limit is {MAX_FILTERS}.",
            field="filters",
        )
    placed = sorted(enumerate(filters), key=lambda item: (item[1].key, item[1].op, str(item[1])))
    found = []
    for place, filter_ in placed:
        text = column(filter_.key, f"filters[{place}].key")
        if (filter_.op, filter_.value) != ("=~", ANYTHING):
            found.append(_condition(filter_, values, text, place))
    return found


def _condition(filter_: Filter, values: Values, column: str, place: int) -> str:
    match filter_.op:
        case "=" | "!=":
            value = _one(filter_, place, MAX_VALUE_CHARS)
            if isinstance(value, str):
                return f"{column} {filter_.op} {values.text(value)}"
            equal = _compare(filter_, values, column, "=", value, place)
            return f"NOT {equal}" if filter_.op == "!=" else equal
        case "<" | "<=" | ">" | ">=":
            return _compare(filter_, values, column, filter_.op, _number(filter_, place), place)
        case "in" | "!in":
            return _among(filter_, values, column, place)
        case "=~" | "!~":
            pattern = _one(filter_, place, MAX_PATTERN_CHARS)
            text = values.text(as_text(pattern))
            matched = f"match({column}, concat('^(?:', {text}, ')$'))"
            return f"NOT {matched}" if filter_.op == "!~" else matched
        case "exists":
            return f"{column} != ''"
        case "!exists":
            return f"{column} = ''"


def _among(filter_: Filter, values: Values, column: str, place: int) -> str:
    wanted = _many(filter_, place)
    no = "NOT " if filter_.op == "!in" else ""
    texts = ", ".join(
        values.text(text) for text in sorted({value for value in wanted if isinstance(value, str)})
    )
    numbers = sorted({value for value in wanted if not isinstance(value, str)})
    if not numbers:
        return f"{column} {no}IN ({texts})" if texts else f"{no}0"
    found = [_compare(filter_, values, column, "=", number, place) for number in numbers]
    if texts:
        found.append(f"{column} IN ({texts})")
    return f"{no}({' OR '.join(found)})"


def _compare(
    filter_: Filter, values: Values, column: str, op: str, number: int | float, place: int
) -> str:
    try:
        return compare_numbers(column, op, number, values)
    except OverflowError:
        raise _wrong(filter_, place, "takes numbers below 2^255 in size") from None


def _number(filter_: Filter, place: int) -> int | float:
    value = filter_.value
    number = read_number(value) if isinstance(value, str) else value
    if number is None or isinstance(number, list | bool):
        raise _wrong(filter_, place, "takes a number; =~ takes a pattern, in takes a list of texts")
    return number


def _one(filter_: Filter, place: int, most_chars: int) -> str | int | float:
    if filter_.value is None or isinstance(filter_.value, list):
        raise _wrong(filter_, place, "takes one text, number or boolean")
    return _scalar(filter_, filter_.value, place, most_chars)


def _many(filter_: Filter, place: int) -> list[str | int | float]:
    if not isinstance(filter_.value, list) or len(filter_.value) > MAX_VALUES:
        raise _wrong(filter_, place, f"takes a list of at most {MAX_VALUES} values")
    return [_scalar(filter_, value, place, MAX_VALUE_CHARS) for value in filter_.value]


def _scalar(filter_: Filter, value: Scalar, place: int, most_chars: int) -> str | int | float:
    """A number as it is; a text or a boolean as the text that the store keeps."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    text = as_text(value)
    if len(text) > most_chars or "\0" in text:
        raise _wrong(filter_, place, f"takes at most {most_chars} characters, none of them NUL")
    return text


def _wrong(filter_: Filter, place: int, takes: str) -> Rejected[QuestionReason]:
    return Rejected(
        QuestionReason.INVALID_FILTER,
        f"Filter {filter_.op} on {filter_.key[:60]!r} {takes}.",
        field=f"filters[{place}].value",
    )
