"""What an OTLP value looks like once it is stored: the views' rule, told again in Python."""

import base64
import math
from collections.abc import Iterable
from typing import Any

import msgspec
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue, KeyValueList


def value(of: Any) -> AnyValue:
    """An AnyValue of a Python value: lists and dicts become arrays and lists, None is no value."""
    if of is None:
        return AnyValue()
    if isinstance(of, bool):
        return AnyValue(bool_value=of)
    if isinstance(of, int):
        return AnyValue(int_value=of)
    if isinstance(of, float):
        return AnyValue(double_value=of)
    if isinstance(of, bytes):
        return AnyValue(bytes_value=of)
    if isinstance(of, str):
        return AnyValue(string_value=of)
    if isinstance(of, list):
        return AnyValue(array_value=ArrayValue(values=[value(item) for item in of]))
    return AnyValue(kvlist_value=KeyValueList(values=attributes(of)))


def attributes(of: dict[str, Any]) -> list[KeyValue]:
    """Attributes of a dict."""
    return [KeyValue(key=key, value=value(item)) for key, item in of.items()]


def text(of: Any) -> str:
    """A value as a column holds it."""
    if of is None:
        return ""
    if isinstance(of, str):
        return of
    if isinstance(of, bytes):
        return base64.b64encode(of).decode()
    if isinstance(of, float):
        return f"{of:g}"
    return _json(of)


def _json(of: Any) -> str:
    if of is None:
        return "null"
    if isinstance(of, bool):
        return "true" if of else "false"
    if isinstance(of, float):
        return f'"{of}"' if not math.isfinite(of) else repr(of)
    if isinstance(of, bytes):
        return f'"{base64.b64encode(of).decode()}"'
    if isinstance(of, list):
        return f"[{','.join(_json(item) for item in of)}]"
    if isinstance(of, dict):
        pairs = (f"{_string(key)}:{_json(item)}" for key, item in of.items())
        return f"{{{','.join(pairs)}}}"
    return _string(of) if isinstance(of, str) else str(of)


def _string(of: str) -> str:
    return msgspec.json.encode(of).decode()


def texts(of: dict[str, Any]) -> dict[str, str]:
    """Attributes as a column holds them."""
    return {key: text(item) for key, item in of.items()}


def type_codes(of: dict[str, Any]) -> str:
    """The types of attributes as a column holds them."""
    kinds = {str: "s", int: "i", float: "d", bool: "b", bytes: "y", list: "a", dict: "k"}
    return "".join(
        kinds.get(type(item), "n") if text(item) or item == "" else "n" for item in of.values()
    )


def hexes(of: Iterable[bytes], length: int) -> list[str]:
    """Ids as hexadecimal, cut or padded to `length` bytes."""
    return [item[:length].ljust(length, b"\0").hex().upper() for item in of]
