"""OTLP/JSON to OTLP/protobuf, following the published messages and not a list of our own.

Two things are derived from opentelemetry-proto when this module is loaded: the same messages with
the JSON names as field names, so that protobuf builds one straight from dictionaries; and the types
of those dictionaries, so that msgspec checks and converts every value and names the path of one
that is wrong. Between JSON text and protobuf bytes no Python runs, but for ids.

Where OTLP/JSON differs from proto3 JSON (ids in hex, enums only as integers, names only in
lowerCamelCase), OTLP counts:
https://github.com/open-telemetry/opentelemetry-proto/blob/main/docs/specification.md#json-protobuf-encoding
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import GenericAlias
from typing import Annotated, Any, Final, TypedDict

import msgspec
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import EncodeError, Message

from collector.receivers.otlp_items import DEEP
from collector.receivers.otlp_json_bytes import HEX_FIELDS, from_base64, from_hex
from collector.receivers.otlp_kinds import KINDS, Kind
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason


class _Hex(bytes):
    """traceId, spanId, parentSpanId."""


class _Base64(bytes):
    """Any other bytes; proto3 JSON allows both alphabets, padded or not."""


_F: Final = FieldDescriptor
_SIGNED_32: Final = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_UNSIGNED_32: Final = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
_SIGNED_64: Final = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_UNSIGNED_64: Final = Annotated[int, msgspec.Meta(ge=0)]  # msgspec has no bound above 2^63
_UINT64_MAX: Final = 2**64 - 1
_SCALARS: Final[dict[int, Any]] = {
    _F.TYPE_STRING: str,
    _F.TYPE_BOOL: bool,
    _F.TYPE_DOUBLE: float,
    _F.TYPE_FLOAT: float,
    _F.TYPE_INT32: _SIGNED_32,
    _F.TYPE_SINT32: _SIGNED_32,
    _F.TYPE_SFIXED32: _SIGNED_32,
    _F.TYPE_ENUM: _SIGNED_32,
    _F.TYPE_UINT32: _UNSIGNED_32,
    _F.TYPE_FIXED32: _UNSIGNED_32,
    _F.TYPE_INT64: _SIGNED_64,
    _F.TYPE_SINT64: _SIGNED_64,
    _F.TYPE_SFIXED64: _SIGNED_64,
    _F.TYPE_UINT64: _UNSIGNED_64,
    _F.TYPE_FIXED64: _UNSIGNED_64,
}


def to_protobuf(kind: Kind, body: bytes) -> bytes:
    """Binary form of a JSON request in canonical form. An empty body is an empty request.

    Raises Rejected (MALFORMED with the path in `field`, TOO_DEEP): the request may still be
    readable item by item (`otlp_json_items`).
    """
    if not body:
        return b""
    codec = codec_of(kind.descriptor)
    content: Any = None
    try:
        content = _decode(codec.decoder, body)
        return codec.message(**content).SerializeToString()
    except (RecursionError, EncodeError):
        raise Rejected(Reason.TOO_DEEP, DEEP) from None
    except ValueError as error:  # the types leave one way: an integer of 64 bits and no sign
        path = next(_too_large(content, "$"), "$")
        raise Rejected(Reason.MALFORMED, f"{path}: {error}", field=path) from None


def _decode(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    """Dictionaries of the right types. Raises Rejected (MALFORMED) and RecursionError."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        what, _, path = str(error).partition(" - at `")
        path = path.rstrip("`") or "$"
        raise Rejected(Reason.MALFORMED, f"{path}: {what}", field=path) from None
    except msgspec.DecodeError as error:
        raise Rejected(Reason.MALFORMED, f"body is not JSON: {error}") from None
    except UnicodeDecodeError as error:
        raise Rejected(Reason.MALFORMED, f"body is not UTF-8: {error.reason}") from None


def _too_large(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _too_large(member, f"{path}.{key}")
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _too_large(member, f"{path}[{index}]")
    elif isinstance(value, int) and value > _UINT64_MAX:
        yield path


def _convert(kind: type, value: Any) -> Any:
    """msgspec's hook for the two kinds of bytes. A ValueError's text is given to the sender."""
    if not isinstance(value, str):
        raise ValueError(f"Expected `str`, got `{type(value).__name__}`")
    return _Hex(from_hex(value)) if kind is _Hex else _Base64(from_base64(value))


def _field_type(field: FieldDescriptor, known: dict[str, Any]) -> Any:
    """What JSON may hold for a field. Null means the field is not set."""
    kind: Any
    if field.message_type is not None:
        kind = _dictionary(field.message_type, known)
    elif field.type == _F.TYPE_BYTES:
        kind = _Hex if field.name in HEX_FIELDS else _Base64
    else:
        kind = _SCALARS[field.type]
    return (GenericAlias(list, (kind,)) if field.is_repeated else kind) | None


def _dictionary(message: Descriptor, known: dict[str, Any]) -> Any:
    """The dictionary of a message, its members filled in afterwards: AnyValue holds itself."""
    if message.full_name not in known:
        new_type: Any = TypedDict
        shape = known[message.full_name] = new_type(message.name, {}, total=False)
        shape.__annotations__.update(
            {field.name: _field_type(field, known) for field in message.fields}
        )
    return known[message.full_name]


def _rename(message: Descriptor, copy: descriptor_pb2.DescriptorProto) -> None:
    for field, copied in zip(message.fields, copy.field, strict=True):
        copied.name = field.json_name
    for nested in copy.nested_type:
        _rename(message.nested_types_by_name[nested.name], nested)


def _add_renamed(name: str, pool: descriptor_pool.DescriptorPool) -> None:
    """Add a file and what it imports to a pool, fields renamed to their JSON names."""
    file = descriptor_pool.Default().FindFileByName(name)
    for imported in file.dependencies:
        _add_renamed(imported.name, pool)
    copy = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(copy)
    for message in copy.message_type:
        _rename(file.message_types_by_name[message.name], message)
    pool.Add(copy)


@dataclass(frozen=True, slots=True)
class Codec:
    """Reads the canonical JSON of one message: `decoder` to dictionaries, from which `message` is
    built, whose fields have their JSON names.
    """

    decoder: msgspec.json.Decoder[Any]
    message: type[Message]


def _pool() -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    for kind in KINDS:
        _add_renamed(kind.descriptor.file.name, pool)
    return pool


_POOL: Final = _pool()
_SHAPES: Final[dict[str, Any]] = {}


@functools.cache  # of the few messages of OTLP
def _codec(name: str) -> Codec:
    descriptor = _POOL.FindMessageTypeByName(name)
    # lax: 64-bit integers come as text, and so do NaN and Infinity (proto3 JSON)
    decoder = msgspec.json.Decoder(
        _dictionary(descriptor, _SHAPES), strict=False, dec_hook=_convert
    )
    return Codec(decoder, message_factory.GetMessageClass(descriptor))


def codec_of(message: Descriptor) -> Codec:
    """The codec of a message of OTLP."""
    return _codec(message.full_name)


for _kind in KINDS:  # made now, not in the first request
    codec_of(_kind.descriptor)
