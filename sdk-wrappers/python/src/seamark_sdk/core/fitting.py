"""An event made to fit the collector's limits, so that it is not rejected for size or types.

Lengths are in characters (Unicode code points) but for the text of an attribute, which is in bytes
of UTF-8. What is cut ends with an ellipsis.
"""

import json
import math
import re
from collections.abc import Mapping
from typing import Final

Scalar = str | int | float | bool

NAME_CHARS: Final = 128
ATTRIBUTES: Final = 64
KEY_CHARS: Final = 128
TEXT_BYTES: Final = 4096
UNIT_CHARS: Final = 64
IDENTIFIER_CHARS: Final = 128
VALUE_MAGNITUDE: Final = 1e15
_INTEGER: Final = 2**63
_ELLIPSIS: Final = "…"
_OTHER: Final = re.compile(r"[^A-Za-z0-9._/:-]")


def fit_name(name: str) -> str:
    """A name the collector takes: each other character becomes `_`; `unnamed` for none at all."""
    return _OTHER.sub("_", name)[:NAME_CHARS] or "unnamed"


def fit_text(text: str, most_bytes: int = TEXT_BYTES) -> str:
    """Text of at most `most_bytes` of UTF-8, cut between characters; an ellipsis marks the cut."""
    octets = text.encode("utf-8", "replace")
    if len(octets) <= most_bytes:
        return octets.decode()
    return octets[: most_bytes - 3].decode("utf-8", "ignore") + _ELLIPSIS


def fit_value(value: object) -> int | float | None:
    """A finite number within ±1e15, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -VALUE_MAGNITUDE <= value <= VALUE_MAGNITUDE else None


def fit_attributes(attributes: Mapping[str, object]) -> tuple[dict[str, Scalar], int]:
    """The attributes that are sent, in their order, and how many were left out.

    Left out are those beyond 64, without a key, or whose number is not finite. Null is not sent and
    not counted. Arrays and objects become JSON, integers beyond 64 bits text; a key beyond 128
    characters is cut, and is left out where the cut key is there already.
    """
    fitted: dict[str, Scalar] = {}
    left_out = 0
    for name, value in attributes.items():
        if value is None:
            continue
        key, scalar = name[:KEY_CHARS], _scalar(value)
        if scalar is None or not key or key in fitted or len(fitted) == ATTRIBUTES:
            left_out += 1
        else:
            fitted[key] = scalar
    return fitted, left_out


def _scalar(value: object) -> Scalar | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if -_INTEGER <= value < _INTEGER else str(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, str):
        return fit_text(value)
    if isinstance(value, Mapping | list | tuple):
        return fit_text(_json(value))
    return fit_text(str(value))


def _json(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    except (ValueError, TypeError, RecursionError):
        return str(type(value).__name__)
