"""Values nested deeper than the store's columns: they go into the log as JSON text.

The store reads attributes with one level of arrays and lists in them, and bodies of log records
with three; where the levels end, `seamark/wire/envelope.proto` has bytes. Here the array or list is
given one member in place of its own: a string (in a list a key) of MARK and its JSON, which the
views find (provisioning/clickhouse/definitions/values.sql). It stays valid OTLP. `shallow` messages
have no field there, so that protobuf itself finds what is deeper, as unknown fields, at no cost for
requests without it.

The store cannot tell an empty array or list from no value. Above the last level it is given MARK as
its only member (`with_empty_values`); at the last level it is JSON text like any other. Pure.
"""

import base64
import functools
import json
import math
import re
from collections.abc import Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    KeyValue,
    KeyValueList,
)

from collector.receivers.otlp_kinds import Kind

MARK: Final = "\x1fjson\x1f"
"""What the text of a deep value begins with. Control characters, so that no key or text does."""
_VALUES: Final = ("AnyValue", "KeyValue", "ArrayValue", "KeyValueList")
_LEVELS: Final = {"KeyValue": 1, "AnyValue": 3}
"""Levels of attributes and of bodies, as in envelope.proto."""
_CONTAINERS: Final = {"array_value": "ArrayValue", "kvlist_value": "KeyValueList"}
_EMPTY: Final = re.compile(rb"\x02[\x2a\x32]\x00")
"""An AnyValue of an empty array or list, as protobuf writes it into what holds it."""


def shallow(kind: Kind) -> type[Message]:
    """The request's class without fields for what is deeper than the store's columns."""
    return _request(kind, as_bytes=False)


def with_deep_values(kind: Kind, body: bytes) -> bytes | None:
    """The request with deep values as JSON text; None where it has none.

    Raises DecodeError where protobuf cannot read it, or a deep value in it.
    """
    without = shallow(kind).FromString(body)
    request = _request(kind, as_bytes=True).FromString(body)
    without.DiscardUnknownFields()
    request.DiscardUnknownFields()
    if request.ByteSize() == without.ByteSize():
        return None
    for value in _deepest(request):
        member = value.WhichOneof("value")
        setattr(value, member, _marked(member, getattr(value, member)))
    return request.SerializeToString()


def may_hold_empty(body: bytes) -> bool:
    """Whether an array or list in the request, as protobuf writes it, may be empty."""
    return _EMPTY.search(body) is not None


def with_empty_values(kind: Kind, body: bytes) -> Message:
    """The request with marks in its empty arrays and lists; deep values are JSON text already."""
    request: Message = kind.request.FromString(body)
    _mark_empty(request)
    return request


def _mark_empty(message: Any) -> None:
    for field, found in message.ListFields():
        kind = field.message_type
        if kind is None:
            continue
        for each in found if field.is_repeated else (found,):
            if kind.name == "KeyValue":
                _mark_value(each.value, _LEVELS["KeyValue"])
            elif kind.name == "AnyValue":
                _mark_value(each, _LEVELS["AnyValue"])
            else:
                _mark_empty(each)


def _mark_value(value: Any, level: int) -> None:
    member = value.WhichOneof("value")
    if level == 0 or member not in _CONTAINERS:
        return
    members = getattr(value, member).values
    if not members:
        members.add(**{"string_value" if member == "array_value" else "key": MARK})
        return
    for each in members:
        _mark_value(each if member == "array_value" else each.value, level - 1)


def _marked(member: str, container: bytes) -> bytes:
    """The bytes of an array or list with its JSON as its only member."""
    if member == "array_value":
        array = ArrayValue.FromString(container)
        if len(array.values) == 1 and array.values[0].string_value.startswith(MARK):
            return container
        return ArrayValue(values=[AnyValue(string_value=MARK + _json(array))]).SerializeToString()
    listed = KeyValueList.FromString(container)
    if len(listed.values) == 1 and listed.values[0].key.startswith(MARK):
        return container
    return KeyValueList(values=[KeyValue(key=MARK + _json(listed))]).SerializeToString()


def _deepest(message: Message) -> Iterator[Any]:
    """Values at the last level that hold an array or a list."""
    for field, found in message.ListFields():
        if field.message_type is None:
            if field.name in _CONTAINERS:
                yield message
        elif field.is_repeated:
            for each in found:
                yield from _deepest(each)
        else:
            yield from _deepest(found)


def _json(value: ArrayValue | KeyValueList | AnyValue) -> str:
    if isinstance(value, ArrayValue):
        return f"[{','.join(map(_json, value.values))}]"
    if isinstance(value, KeyValueList):
        members = (f"{_text(each.key)}:{_json(each.value)}" for each in value.values)
        return f"{{{','.join(members)}}}"
    member = value.WhichOneof("value")
    if member is None:
        return "null"
    found = getattr(value, member)
    match found:
        case bool():
            return "true" if found else "false"
        case int():
            return str(found)
        case float():
            return repr(found) if math.isfinite(found) else _text(str(found))
        case bytes():
            return _text(base64.b64encode(found).decode())
        case str():
            return _text(found)
    return _json(found)


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


@functools.cache
def _request(kind: Kind, *, as_bytes: bool) -> type[Message]:
    """The class of a request whose values are unrolled. Built once, in milliseconds."""
    file = FileDescriptorProto(name="seamark/otlp.proto", package="seamark.otlp", syntax="proto3")
    for level in range(max(_LEVELS.values()) + 1):
        for name in _VALUES:
            original = (ArrayValue if name == "ArrayValue" else KeyValueList).DESCRIPTOR
            described = original.file.message_types_by_name[name]
            file.message_type.append(_value_message(described, level, as_bytes=as_bytes))
    done: set[str] = set()
    _add_messages(file, kind.descriptor, done)
    pool = DescriptorPool()
    pool.Add(file)
    name = f"seamark.otlp.{_name(kind.descriptor)}"
    return GetMessageClass(pool.FindMessageTypeByName(name))


def _add_messages(file: FileDescriptorProto, described: Descriptor, done: set[str]) -> None:
    """A message and those that it is made of, nested ones under names of their own."""
    if _name(described) in done:
        return
    done.add(_name(described))
    message = DescriptorProto()
    described.CopyToProto(message)
    del message.nested_type[:], message.enum_type[:]
    message.name = _name(described)
    for field in message.field:
        kind: FieldDescriptor = described.fields_by_name[field.name]
        if kind.message_type is not None:
            name = _name(kind.message_type)
            _refer(field, f"{name}{_LEVELS.get(name, '')}")
            if name not in _LEVELS:
                _add_messages(file, kind.message_type, done)
        elif kind.enum_type is not None:  # an enum is read as any int32 is
            field.type = FieldDescriptorProto.TYPE_INT32
            field.ClearField("type_name")
    file.message_type.append(message)


def _value_message(described: Descriptor, level: int, *, as_bytes: bool) -> DescriptorProto:
    """AnyValue<level>, or one of those it is made of."""
    message = DescriptorProto()
    described.CopyToProto(message)
    message.name = f"{described.name}{level}"
    fields = []
    for field in message.field:
        if field.name in _CONTAINERS and level == 0:
            if not as_bytes:
                continue
            field.type = FieldDescriptorProto.TYPE_BYTES
            field.ClearField("type_name")
        elif field.name in _CONTAINERS:
            _refer(field, f"{_CONTAINERS[field.name]}{level}")
        elif field.name == "values":
            element = "AnyValue" if described.name == "ArrayValue" else "KeyValue"
            _refer(field, f"{element}{max(level - 1, 0)}")
        elif field.name == "value":
            _refer(field, f"AnyValue{level}")
        fields.append(field)
    kept = [FieldDescriptorProto.FromString(field.SerializeToString()) for field in fields]
    del message.field[:]
    message.field.extend(kept)
    return message


def _refer(field: FieldDescriptorProto, name: str) -> None:
    field.type = FieldDescriptorProto.TYPE_MESSAGE
    field.type_name = f".seamark.otlp.{name}"


def _name(described: Descriptor) -> str:
    """`Span.Event` as `Span_Event`."""
    outer = described.containing_type
    return f"{_name(outer)}_{described.name}" if outer else str(described.name)
