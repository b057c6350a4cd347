"""OTLP requests nobody would write: random ones, and valid ones bent on the wire.

Everything made here is made from a `random.Random`, so that a failing case can be made again.
"""

import base64
import math
import random
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from collector.receivers.otlp_kinds import Kind
from seamark.wire.envelope import varint

_F: Final = FieldDescriptor
_TEXTS: Final = ("", "a", "service.name", "naïve ☃ 𝄞", 'quote"\\\n\t\0', "x" * 300)
_INTEGERS: Final = (0, 1, 2, 127, 128, 300, 2**31 - 1, 2**32 - 1, 2**63 - 1, 2**64 - 1)
_SIGNED: Final = {_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64}
_SIGNED_32: Final = {_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32, _F.TYPE_ENUM}
_VARINT, _I64, _LEN, _GROUP, _END, _I32 = range(6)


def random_request(kind: Kind, rng: random.Random) -> bytes:
    """A request with every sort of field set, ids mostly valid."""
    request: Any = kind.request()
    _fill(request, rng, depth=0)
    return bytes(request.SerializeToString())


def _fill(message: Any, rng: random.Random, *, depth: int) -> None:
    for field in message.DESCRIPTOR.fields:
        if rng.random() < (0.25 if depth > 3 else 0.02):
            continue
        if field.message_type is not None:
            if depth > 12:
                continue
            if field.is_repeated:
                for _ in range(rng.choice((0, 1, 1, 2) if depth > 2 else (1, 2))):
                    _fill(getattr(message, field.name).add(), rng, depth=depth + 1)
            else:
                child = getattr(message, field.name)
                child.SetInParent()
                _fill(child, rng, depth=depth + 1)
        elif field.is_repeated:
            values = [_scalar(field, rng) for _ in range(rng.randrange(4))]
            getattr(message, field.name).extend(values)
        else:
            setattr(message, field.name, _scalar(field, rng))


def _scalar(field: FieldDescriptor, rng: random.Random) -> Any:
    if field.type == _F.TYPE_STRING:
        return rng.choice(_TEXTS)
    if field.type == _F.TYPE_BYTES:
        length = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}.get(field.name, 5)
        return rng.randbytes(rng.choice((length,) * 9 + (0, length + 1)))
    if field.type in (_F.TYPE_DOUBLE, _F.TYPE_FLOAT):
        return rng.choice((0.0, -0.0, 1.5, -1e308, math.inf, -math.inf, math.nan))
    if field.type == _F.TYPE_BOOL:
        return rng.random() < 0.5
    value = rng.choice(_INTEGERS)
    if field.type in _SIGNED:
        return value - 2**63 if value >= 2**63 else value
    if field.type in _SIGNED_32:
        return value % 2**32 - 2**31
    return value if field.type in (_F.TYPE_UINT64, _F.TYPE_FIXED64) else value % 2**32


def bend(kind: Kind, body: bytes, rng: random.Random) -> bytes:
    """The same request with about one oddity, somewhere in the tree of its messages."""
    if rng.random() < 0.15:
        return _flip(body, rng)
    descriptor: Any = kind.request.DESCRIPTOR
    return _bend(descriptor, body, rng)


def _flip(body: bytes, rng: random.Random) -> bytes:
    out = bytearray(body)
    for _ in range(rng.randint(1, 3)):
        if out:
            out[rng.randrange(len(out))] = rng.choice(
                (0, 1, 7, 0x7F, 0x80, 0xFF, rng.randrange(256))
            )
    return bytes(out)


def _bend(descriptor: Descriptor, body: bytes, rng: random.Random) -> bytes:
    """Go down to a random message and play one trick there; lengths above are put right."""
    fields = split(body)
    below = [
        index
        for index, (number, wire, _) in enumerate(fields)
        if wire == _LEN
        and number in descriptor.fields_by_number
        and descriptor.fields_by_number[number].message_type is not None
    ]
    if below and rng.random() < 0.8:
        chosen = rng.choice(below)
        number, wire, value = fields[chosen]
        message = descriptor.fields_by_number[number].message_type
        assert message is not None
        fields[chosen] = number, wire, _bend(message, value, rng)
        return join(fields)
    return rng.choice(_TRICKS)(descriptor, fields, rng)


Fields = list[tuple[int, int, bytes]]


def split(body: bytes) -> Fields:
    """Top-level fields of a message written by protobuf itself; values as they stand, unframed."""
    fields: Fields = []
    at = 0
    while at < len(body):
        key, at = _read_varint(body, at)
        wire = key & 7
        if wire == _LEN:
            length, start = _read_varint(body, at)
            at = start + length
        else:
            start = at
            at = {_I64: at + 8, _I32: at + 4}.get(wire) or _read_varint(body, at)[1]
        fields.append((key >> 3, wire, body[start:at]))
    return fields


def join(fields: Fields) -> bytes:
    """Inverse of `split`."""
    return b"".join(
        varint(number << 3 | wire) + (varint(len(value)) if wire == _LEN else b"") + value
        for number, wire, value in fields
    )


def _read_varint(body: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = body[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _number(descriptor: Descriptor, rng: random.Random) -> int:
    known = list(descriptor.fields_by_number)
    return rng.choice(known) if rng.random() < 0.7 else rng.choice((99, 1000, 2**29 - 1))


def _other_wire_type(descriptor: Descriptor, fields: Fields, rng: random.Random) -> bytes:
    wire = rng.choice((_VARINT, _I64, _LEN, _I32))
    value = {_I64: rng.randbytes(8), _I32: rng.randbytes(4), _LEN: rng.randbytes(rng.randrange(6))}
    fields.insert(
        rng.randint(0, len(fields)),
        (_number(descriptor, rng), wire, value.get(wire, varint(rng.choice(_INTEGERS)))),
    )
    return join(fields)


def _group(descriptor: Descriptor, fields: Fields, rng: random.Random) -> bytes:
    number = _number(descriptor, rng)
    inside = join([(1, _VARINT, b"\x05"), (2, _LEN, b"abc")][: rng.randrange(3)])
    group = varint(number << 3 | _GROUP) + inside + varint(number << 3 | _END)
    cut = rng.randint(0, len(fields))
    return join(fields[:cut]) + group + join(fields[cut:])


def _long_varint(descriptor: Descriptor, fields: Fields, rng: random.Random) -> bytes:
    long = bytes((rng.randrange(128) | 0x80,)) + b"\x80" * rng.randrange(2, 9)
    fields.append((_number(descriptor, rng), _VARINT, long + rng.choice((b"\0", b"\1", b"\x7f"))))
    return join(fields)


def _twice(descriptor: Descriptor, fields: Fields, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        if fields:
            fields.insert(rng.randint(0, len(fields)), rng.choice(fields))
    rng.shuffle(fields)
    return join(fields)


def _unpacked(descriptor: Descriptor, fields: Fields, rng: random.Random) -> bytes:
    out: Fields = []
    for number, wire, value in fields:
        field = descriptor.fields_by_number.get(number)
        if (
            field is not None
            and field.is_repeated
            and field.type in (_F.TYPE_FIXED64, _F.TYPE_DOUBLE)
        ):
            out += [(number, _I64, value[at : at + 8]) for at in range(0, len(value), 8)]
        else:
            out.append((number, wire, value))
    return join(out)


def _empty(descriptor: Descriptor, fields: Fields, rng: random.Random) -> bytes:
    number = _number(descriptor, rng)
    return join([*fields, (number, _LEN, b"")] if rng.random() < 0.7 else [])


_TRICKS: Final[tuple[Callable[[Descriptor, Fields, random.Random], bytes], ...]] = (
    _other_wire_type,
    _group,
    _long_varint,
    _twice,
    _unpacked,
    _empty,
)


def nested_values(levels: int) -> Message:
    """An AnyValue of lists in lists, so many levels deep."""
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue

    value = AnyValue(string_value="core")
    for level in range(levels):
        outer = AnyValue()
        if level % 2:
            outer.array_value.values.append(value)
        else:
            outer.kvlist_value.values.add(key="k").value.CopyFrom(value)
        value = outer
    return value


def hex_ids(value: Any) -> None:
    """OTLP/JSON has ids in hex where proto3 JSON has base64."""
    if isinstance(value, list):
        for member in value:
            hex_ids(member)
    elif isinstance(value, dict):
        for name, member in value.items():
            if name in ("traceId", "spanId", "parentSpanId"):
                value[name] = base64.b64decode(member).hex()
            else:
                hex_ids(member)
