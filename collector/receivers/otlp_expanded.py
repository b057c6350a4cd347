"""What a request becomes in the store: its expanded size, in bytes of weight.

An item is one row, and a row repeats the attributes of its resource and scope and, for a data
point, what its metric says. So the expanded size is, over all items,

    ROW + what is around the item + its own bytes + NESTED x the members of its lists
    + BUCKET x its exponential buckets (an integer of one byte becomes one of eight)

where what is around counts its bytes and its members alike. Members are attributes, the values of
arrays and lists at any depth, span events, links, exemplars and quantiles: the store makes columns
of each however small it is on the wire. Pure.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from collector.receivers.otlp_kinds import LOGS, METRICS, TRACES, Kind
from seamark.wire.frames import ITEM_WEIGHT, NESTED_WEIGHT
from seamark.wire.signals import Signal

_BUCKET: Final = 15
_TAGS: Final[dict[Signal, bytes]] = {
    TRACES.signal: bytes((0x1A, 0x22, 0x4A, 0x5A, 0x6A)),
    METRICS.signal: bytes((0x2A, 0x3A, 0x42, 0x4A, 0x5A)),
    LOGS.signal: bytes((0x32,)),
}
"""The first byte of each member of each list, as protobuf's writer puts it on the wire; not of the
values in arrays and lists, of quantiles, and of attributes of exponential histograms."""
_VALUES_TAG: Final = b"\x0a"
_NESTED: Final = rb"[\x80-\xff]*+[\x00-\x7f][\x2a\x32]"
_nested_value: Final = re.compile(rb"\x12" + _NESTED).search
"""Finds an attribute whose value is an array or a list. One byte is first: re is fast then."""
_nested_body: Final = re.compile(rb"\x2a" + _NESTED).search
"""Finds the body of a log record that is one."""
_COUNTED: Final = ("exponential_histogram", "summary")
"""Kinds of points whose members have tags of their own: they are counted one by one."""
_MOST_MEMBERS: Final = 1_000_000
"""A list of more is not walked: it is too much in any case."""


def bound(kind: Kind, request: Any, body: bytes) -> int:
    """The expanded size of a request, or more; `body` is the request as protobuf writes it.

    Costs 0.2 µs a span: members are not counted, but the bytes that could begin one.
    """
    tags = _TAGS[kind.signal]
    if _nested_value(body) or (kind is LOGS and _nested_body(body)):
        tags += _VALUES_TAG
    total = len(body) + NESTED_WEIGHT * (len(body) - len(body.translate(None, tags)))
    for resource in kind.resources(request):
        around_resource = _context(resource.resource, resource.schema_url)
        for scope in kind.scopes(resource):
            around = around_resource + _context(scope.scope, scope.schema_url)
            items = kind.items(scope)
            if kind is METRICS:
                total += _of_metrics(items, around)
            else:
                total += len(items) * (ITEM_WEIGHT + around)
    return total


def _of_metrics(metrics: Any, around: int) -> int:
    """Of metrics' points all but their own bytes, and but the members that `_TAGS` finds."""
    kinds = [metric.WhichOneof("data") for metric in metrics]
    counts = [
        len(getattr(metric, data).data_points) if data else 0
        for metric, data in zip(metrics, kinds, strict=True)
    ]
    total = sum(counts) * (ITEM_WEIGHT + around)
    # what a metric says of one point is among the bytes of the request, but for its metadata
    for metric, data, count in zip(metrics, kinds, counts, strict=True):
        if count > 1 or (count and metric.metadata):
            total += count * _of_metric_itself(metric)
        if data in _COUNTED:
            total += sum([_of_point(point) for point in getattr(metric, data).data_points])
    return total


def around_item(kind: Kind, request: Any) -> int:
    """What is around the items of a request that holds one group of them, and nothing else."""
    resource = kind.resources(request)[0]
    scope = kind.scopes(resource)[0]
    around = _context(resource.resource, resource.schema_url)
    around += _context(scope.scope, scope.schema_url)
    return around + (_of_metric_itself(kind.items(scope)[0]) if kind is METRICS else 0)


def size_of(kind: Kind, item: Any, size: int, around: int) -> int:
    """The expanded size of one item of `size` bytes: a span, a log record, a data point."""
    return ITEM_WEIGHT + around + size + _OWN[kind.signal](item)


def _of_span(span: Any) -> int:
    members = _attributes(span.attributes)
    for nested in (span.events, span.links):
        members += _members(nested, lambda one: _attributes(one.attributes))
    return NESTED_WEIGHT * members


def _of_record(record: Any) -> int:
    return NESTED_WEIGHT * (_attributes(record.attributes) + _value(record.body))


def _of_point(point: Any) -> int:
    members = _attributes(point.attributes)
    kind = point.DESCRIPTOR.name
    if kind == "SummaryDataPoint":
        members += len(point.quantile_values)
    else:
        members += _members(point.exemplars, lambda one: _attributes(one.filtered_attributes))
    own = NESTED_WEIGHT * members
    return own + _BUCKET * _buckets(point) if kind == "ExponentialHistogramDataPoint" else own


_OWN: Final[dict[Signal, Callable[[Any], int]]] = {
    TRACES.signal: _of_span,
    METRICS.signal: _of_point,
    LOGS.signal: _of_record,
}


def _of_metric_itself(metric: Any) -> int:
    size = sum([len(text.encode()) for text in (metric.name, metric.description, metric.unit)])
    if metric.metadata:
        size += sum([member.ByteSize() for member in metric.metadata])
        size += NESTED_WEIGHT * _attributes(metric.metadata)
    return size


def _context(message: Any, schema_url: str) -> int:
    """A resource or a scope."""
    size: int = message.ByteSize() + len(schema_url.encode())
    return size + NESTED_WEIGHT * _attributes(message.attributes)


def _buckets(point: Any) -> int:
    return len(point.positive.bucket_counts) + len(point.negative.bucket_counts)


def _members(nested: Any, inside: Callable[[Any], int]) -> int:
    count = len(nested)
    return count if count > _MOST_MEMBERS else count + sum([inside(one) for one in nested])


def _attributes(attributes: Any) -> int:
    """How many members there are in attributes, their nested values counted."""
    return _members(attributes, lambda one: _value(one.value))


def _value(value: Any) -> int:
    """How many members there are in a value; none in one that is neither an array nor a list."""
    which = value.WhichOneof("value")
    if which == "array_value":
        return _members(value.array_value.values, _value)
    return _attributes(value.kvlist_value.values) if which == "kvlist_value" else 0
