"""Numbers compared with text columns: as SQL that is exact for whole numbers of any usual size.

A double holds whole numbers exactly up to 2^53. Larger ones are compared as 256-bit integers where
the text is a whole number, else as doubles.
"""

import re
from typing import Final

from api.query.statement import Values

_NUMBER: Final = re.compile(
    r"[+-]?(?:[0-9]{1,320}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?\Z"
)
_WHOLE: Final = re.compile(r"[+-]?[0-9]+\Z")
_EXACT: Final = 1 << 53
_MOST: Final = 1 << 255
_DIGITS: Final = 76
"""Whole numbers of so many digits fit into 256 bits."""


def read_number(text: str) -> int | float | None:
    """The number that a text is, or None."""
    if not _NUMBER.match(text):
        return None
    return int(text) if _WHOLE.match(text) else float(text)


def compare_numbers(column: str, op: str, number: int | float, values: Values) -> str:
    """SQL (0 or 1, never NULL) of `column op number`; `op` is one of `= < <= > >=`.

    0 where the text in `column` is no number. Raises OverflowError for 2^255 and more.
    """
    if abs(number) >= _MOST:
        raise OverflowError
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    approximate = f"toFloat64OrNull({column}) {op} {values.number(float(number))}"
    if isinstance(number, float) or abs(number) < _EXACT:
        return f"ifNull({approximate}, 0)"
    whole = f"toInt256({values.text(str(number))})"
    return (
        f"if(match({column}, '^[+-]?[0-9]{{1,{_DIGITS}}}$'),"
        f" toInt256OrZero({column}) {op} {whole}, ifNull({approximate}, 0))"
    )
