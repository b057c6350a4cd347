"""One value of OTLP/JSON, read as liberally as the reference Collector reads it. Pure.

The slow way, for what `otlp_json` refuses: names in snake_case, enums by name, integers as 1.8e18,
null in a list. What comes out are the dictionaries that protobuf builds a message from.
https://protobuf.dev/programming-guides/json/
"""

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from collector.receivers.otlp_json_bytes import HEX_FIELDS, from_base64, from_hex
from collector.receivers.otlp_mend import MESSAGES_DEEP

_F: Final = FieldDescriptor
_WHOLE_NUMBERS: Final[dict[int, tuple[int, int]]] = {
    **dict.fromkeys(
        (_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32, _F.TYPE_ENUM), (-(2**31), 2**31 - 1)
    ),
    **dict.fromkeys((_F.TYPE_UINT32, _F.TYPE_FIXED32), (0, 2**32 - 1)),
    **dict.fromkeys((_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64), (-(2**63), 2**63 - 1)),
    **dict.fromkeys((_F.TYPE_UINT64, _F.TYPE_FIXED64), (0, 2**64 - 1)),
}
_DIGITS: Final = 40
"""An integer of more digits is out of every range; it is not even read."""
_WHOLE: Final = re.compile(r"-?\d{1,40}\Z", re.ASCII)
_BOOLEANS: Final[dict[object, bool]] = {True: True, False: False, "true": True, "false": False}
_ANY_VALUE: Final = "AnyValue"


class JsonFault(ValueError):
    """What is wrong with a value, and the path of the value. `deep`: it is nested too deep."""

    def __init__(self, path: str, text: str, *, deep: bool = False) -> None:
        super().__init__(f"{path}: {text}")
        self.path = path
        self.deep = deep


class Literal(str):
    """A number as it stands in the JSON: a float would lose digits of 64-bit integers."""

    __slots__ = ()


def parse(text: bytes) -> Any:
    """The value of one JSON text. Raises ValueError, RecursionError."""
    return json.loads(text, parse_float=Literal, parse_int=_integer)


def _integer(text: str) -> int | Literal:
    return int(text) if len(text) <= _DIGITS else Literal(text)


class JsonReader:
    """Turns JSON values into dictionaries of message members.

    With `lenient`, a member that cannot be read is left out and noted in `left_out`.
    """

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient
        self.left_out: list[JsonFault] = []

    def message(self, kind: Descriptor, value: Any, path: str, *, depth: int) -> dict[str, Any]:
        """Members by JSON name. `depth`: how many messages are around it. Raises Fault."""
        if depth >= MESSAGES_DEEP:
            raise JsonFault(path, f"it is nested deeper than {MESSAGES_DEEP} messages", deep=True)
        if not isinstance(value, dict):
            raise JsonFault(path, f"Expected `object`, got {_kind_of(value)}")
        members: dict[str, Any] = {}
        for field in kind.fields:
            name = field.json_name if field.json_name in value else field.name
            if (given := value.get(name)) is None:
                continue
            at = f"{path}.{name}"
            try:
                members[field.json_name] = self._field(field, given, at, depth)
            except JsonFault as fault:
                if not self._lenient:
                    raise
                self.left_out.append(fault)
        return members

    def _field(self, field: FieldDescriptor, value: Any, path: str, depth: int) -> Any:
        if not field.is_repeated:
            return self._single(field, value, path, depth)
        if not isinstance(value, list):
            raise JsonFault(path, f"Expected `array`, got {_kind_of(value)}")
        message = field.message_type
        if message is None:
            return [
                self._single(field, each, f"{path}[{place}]", depth)
                for place, each in enumerate(value)
            ]
        if message.name == _ANY_VALUE:  # null is a value that is none, and has its place
            value = [{} if each is None else each for each in value]
        found = []
        for place, each in enumerate(value):
            if each is None:
                continue
            try:
                found.append(self._single(field, each, f"{path}[{place}]", depth))
            except JsonFault as fault:
                if not self._lenient:
                    raise
                self.left_out.append(fault)
        return found

    def _single(self, field: FieldDescriptor, value: Any, path: str, depth: int) -> Any:
        if field.message_type is not None:
            return self.message(field.message_type, value, path, depth=depth + 1)
        if field.enum_type is not None and isinstance(value, str):
            named = field.enum_type.values_by_name.get(value)
            value = value if named is None else named.number
        if field.type in _WHOLE_NUMBERS:
            return _whole(value, path, *_WHOLE_NUMBERS[field.type])
        if field.type in (_F.TYPE_DOUBLE, _F.TYPE_FLOAT):
            return _float(value, path)
        if field.type == _F.TYPE_BOOL:
            return _boolean(value, path)
        if not isinstance(value, str) or isinstance(value, Literal):
            raise JsonFault(path, f"Expected `str`, got {_kind_of(value)}")
        if field.type == _F.TYPE_BYTES:
            try:
                return from_hex(value) if field.json_name in HEX_FIELDS else from_base64(value)
            except ValueError as error:
                raise JsonFault(path, str(error)) from None
        return value


def _whole(value: Any, path: str, least: int, most: int) -> int:
    if isinstance(value, str):
        text = value.strip()
        value = int(text) if _WHOLE.match(text) else _from_decimal(text, path)
    if isinstance(value, bool) or not isinstance(value, int):
        raise JsonFault(path, f"Expected `int`, got {_kind_of(value)}")
    if not least <= value <= most:
        raise JsonFault(path, f"{value} is out of range; it has to be from {least} to {most}")
    return value


def _from_decimal(text: str, path: str) -> int:
    """An integer with a fraction of zeros, or an exponent."""
    try:
        number = Decimal(text)
        if number.is_finite() and number.adjusted() < _DIGITS and number == int(number):
            return int(number)
    except (InvalidOperation, ValueError):
        pass
    raise JsonFault(path, f"Expected `int`, got {text[:40]!r}")


def _float(value: Any, path: str) -> float:
    if isinstance(value, (int, str)) and not isinstance(value, bool):
        text = str(value)
        try:
            number = float(text.replace("Infinity", "inf"))
        except (ValueError, OverflowError):
            number = math.nan
        if "_" not in text and (text == "NaN" or not math.isnan(number)):
            return number
    raise JsonFault(path, f"Expected `float`, got {_kind_of(value)}")


def _boolean(value: Any, path: str) -> bool:
    if isinstance(value, (bool, str)) and value in _BOOLEANS:
        return _BOOLEANS[value]
    raise JsonFault(path, f"Expected `bool`, got {_kind_of(value)}")


def _kind_of(value: Any) -> str:
    if isinstance(value, Literal):
        return f"the number {value[:40]}"
    names = {dict: "`object`", list: "`array`", str: "`str`", bool: "`bool`", int: "`int`"}
    text = names.get(type(value), "`null`")
    return f"{text} {value[:40]!r}" if isinstance(value, str) else text
