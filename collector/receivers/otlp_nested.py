"""Arrays and lists among the values of a request: they go into the log as JSON text.

The store reads scalar values only, because each level of nesting makes every insert plan and decode
more columns (load/README.md). So an array or list is given one member in place of its own: a string
(in a list a key) of MARK and its JSON, which the views find
(provisioning/clickhouse/definitions/values.sql). It stays valid OTLP.

`flat` messages have no field for them but in resources and scopes, so that protobuf itself finds
others, as unknown fields, at no cost for requests without them. Pure.
"""

import base64
import functools
import math
from collections.abc import Iterable, Iterator
from json.encoder import encode_basestring
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

from collector.receivers.otlp_kinds import LOGS, METRICS, TRACES, Kind

MARK: Final = "\x1fjson\x1f"
"""What its text begins with. Control characters, so that no key or text does."""
_ARRAY: Final = "array_value"
_LIST: Final = "kvlist_value"
_CONTAINERS: Final = frozenset((_ARRAY, _LIST))
_WITH_NESTED: Final = frozenset(("Resource", "InstrumentationScope"))
"""Messages whose attributes `flat` leaves as they are: few, so they are walked."""
_VALUES: Final = frozenset(("AnyValue", "KeyValue"))


def flat(kind: Kind) -> type[Message]:
    """The request's class without fields for arrays and lists in the values of its items."""
    return _flat_request(kind)


def nested_in_context(kind: Kind, request: Any) -> list[Any]:
    """The values of resources and scopes that are arrays or lists."""
    found: list[Any] = []
    for resource in kind.resources(request):
        found += _nested(resource.resource.attributes)
        for scope in kind.scopes(resource):
            found += _nested(scope.scope.attributes)
    return found


def attribute_lists(kind: Kind, request: Any) -> Iterator[Iterable[Any]]:
    """All lists of attributes in a request, but those that are values of others.

    Those of span events and links come last: there are none in most spans.
    """
    holders = _HOLDERS[kind.signal]
    for resource in kind.resources(request):
        yield resource.resource.attributes
    for scope in _scopes(kind, request):
        yield scope.scope.attributes
        yield from holders(kind.items(scope))


def _scopes(kind: Kind, request: Any) -> Iterator[Any]:
    for resource in kind.resources(request):
        yield from kind.scopes(resource)


def nested_values(kind: Kind, request: Any) -> list[Any]:
    """The values anywhere in a request that are arrays or lists. Looks at each attribute."""
    found: list[Any] = []
    for attributes in attribute_lists(kind, request):
        found += _nested(attributes)
    if kind is LOGS:
        records = [record for scope in _scopes(kind, request) for record in kind.items(scope)]
        found += [
            record.body for record in records if record.body.WhichOneof("value") in _CONTAINERS
        ]
    return found


def write_as_json(values: Iterable[Any]) -> None:
    """Put the JSON of each array or list in place of its members, where it is not there yet."""
    for value in values:
        is_array = value.WhichOneof("value") == _ARRAY
        members = value.array_value.values if is_array else value.kvlist_value.values
        if len(members) == 1:
            first = members[0].string_value if is_array else members[0].key
            if first.startswith(MARK):
                continue
        text = MARK + _json(value)
        del members[:]
        members.add(**{"string_value" if is_array else "key": text})


def _nested(attributes: Iterable[Any]) -> list[Any]:
    return [one.value for one in attributes if one.value.WhichOneof("value") in _CONTAINERS]


def _of_spans(spans: Iterable[Any]) -> Iterator[Iterable[Any]]:
    for span in spans:
        yield span.attributes
    for span in spans:
        for nested in (span.events, span.links):
            for one in nested:
                yield one.attributes


def _of_records(records: Iterable[Any]) -> Iterator[Iterable[Any]]:
    return (record.attributes for record in records)


def _of_metrics(metrics: Iterable[Any]) -> Iterator[Iterable[Any]]:
    for metric in metrics:
        yield metric.metadata
        data = metric.WhichOneof("data")
        for point in getattr(metric, data).data_points if data else ():
            yield point.attributes
            for exemplar in () if data == "summary" else point.exemplars:
                yield exemplar.filtered_attributes


_HOLDERS: Final = {
    TRACES.signal: _of_spans,
    METRICS.signal: _of_metrics,
    LOGS.signal: _of_records,
}


def _json(value: Any) -> str:
    """JSON of an AnyValue: bytes are base64; NaN and infinity, which JSON lacks, are strings."""
    match value.WhichOneof("value"):
        case "string_value":  # most are
            return encode_basestring(value.string_value)
        case "int_value":
            return str(value.int_value)
        case "double_value":
            number = value.double_value
            return repr(number) if math.isfinite(number) else f'"{number}"'
        case "bool_value":
            return "true" if value.bool_value else "false"
        case "bytes_value":
            return f'"{base64.b64encode(value.bytes_value).decode()}"'
        case "array_value":
            return f"[{','.join([_json(each) for each in value.array_value.values])}]"
        case "kvlist_value":
            pairs = [
                f"{encode_basestring(each.key)}:{_json(each.value)}"
                for each in value.kvlist_value.values
            ]
            return f"{{{','.join(pairs)}}}"
    return "null"


@functools.cache
def _flat_request(kind: Kind) -> type[Message]:
    """Built once, in milliseconds."""
    file = FileDescriptorProto(name="seamark/otlp.proto", package="seamark.otlp", syntax="proto3")
    _add(file, kind.descriptor, set(), flat=True)
    pool = DescriptorPool()
    pool.Add(file)
    name = _name(kind.descriptor, flat=True)
    return GetMessageClass(pool.FindMessageTypeByName(f"seamark.otlp.{name}"))


def _add(file: FileDescriptorProto, described: Descriptor, done: set[str], *, flat: bool) -> None:
    """A message and those that it is made of, nested ones under names of their own."""
    name = _name(described, flat=flat)
    if name in done:
        return
    done.add(name)
    flat = flat and described.name not in _WITH_NESTED
    message = DescriptorProto()
    described.CopyToProto(message)
    del message.nested_type[:], message.enum_type[:]
    message.name = name
    if flat and described.name == "AnyValue":
        known = [field for field in message.field if field.name not in _CONTAINERS]
        message.ClearField("field")
        message.field.extend(known)
    for field in message.field:
        kind: FieldDescriptor = described.fields_by_name[field.name]
        if kind.message_type is not None:
            _add(file, kind.message_type, done, flat=flat)
            field.type_name = f".seamark.otlp.{_name(kind.message_type, flat=flat)}"
        elif kind.enum_type is not None:  # an enum is read as any int32 is
            field.type = FieldDescriptorProto.TYPE_INT32
            field.ClearField("type_name")
    file.message_type.append(message)


def _name(described: Descriptor, *, flat: bool) -> str:
    """`Span.Event` as `Span_Event`; values without arrays and lists have names of their own."""
    outer = described.containing_type
    name = f"{_name(outer, flat=False)}_{described.name}" if outer else str(described.name)
    return f"Flat{name}" if flat and described.name in _VALUES else name
