"""What a request becomes in the store is counted exactly, and cutting it loses nothing."""

import json
import random
import re
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.receivers.otlp_check import examine
from collector.receivers.otlp_expanded import bound
from collector.receivers.otlp_items import Sorted
from collector.receivers.otlp_json import to_protobuf
from collector.receivers.otlp_json_chunks import json_chunks
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from collector.receivers.otlp_parts import PartLimits, chunks, cut_request, exact_weight
from seamark.wire.envelope import bytes_field
from seamark.wire.failures import Rejected
from seamark.wire.frames import ITEM_WEIGHT, NESTED_WEIGHT
from seamark.wire.reasons import Reason
from tests.properties.otlp_oddities import hex_ids, random_request

kinds = st.sampled_from(KINDS)
seeds = st.integers(0, 2**32)
BUCKET = 15


def _request(kind: Kind, seed: int) -> Any:
    """Several random requests as one, unknown fields left out."""
    rng = random.Random(seed)
    bodies = [random_request(kind, rng) for _ in range(rng.randint(1, 4))]
    request = kind.request.FromString(b"".join(bodies))
    request.DiscardUnknownFields()
    return request


def _members(message: Any) -> int:
    """Every message in a list, at any depth."""
    count = 0
    for field in message.DESCRIPTOR.fields:
        if field.message_type is None or field.name == "entity_refs":
            continue
        if field.is_repeated:
            nested = getattr(message, field.name)
            count += len(nested) + sum(_members(each) for each in nested)
        elif message.HasField(field.name):
            count += _members(getattr(message, field.name))
    return count


def _items(kind: Kind, request: Any) -> list[tuple[int, Any]]:
    """Every item, and the bytes and members around it, in weight."""
    found: list[tuple[int, Any]] = []
    for resource in kind.resources(request):
        for scope in kind.scopes(resource):
            around = sum(
                message.ByteSize() + len(url.encode()) + NESTED_WEIGHT * _members(message)
                for message, url in (
                    (resource.resource, resource.schema_url),
                    (scope.scope, scope.schema_url),
                )
            )
            for item in kind.items(scope):
                if kind is not METRICS:
                    found.append((around, item))
                elif data := item.WhichOneof("data"):
                    own = sum(len(t.encode()) for t in (item.name, item.description, item.unit))
                    own += sum(
                        each.ByteSize() + NESTED_WEIGHT * (1 + _members(each))
                        for each in item.metadata
                    )
                    found += [(around + own, each) for each in getattr(item, data).data_points]
    return found


def _expanded(kind: Kind, request: Any) -> int:
    """The oracle."""
    total = 0
    for around, item in _items(kind, request):
        total += ITEM_WEIGHT + around + item.ByteSize() + NESTED_WEIGHT * _members(item)
        if item.DESCRIPTOR.name == "ExponentialHistogramDataPoint":
            total += BUCKET * len(item.positive.bucket_counts)
            total += BUCKET * len(item.negative.bucket_counts)
    return total


@given(kinds, seeds)
@settings(max_examples=150, deadline=None)
def test_the_expanded_size_is_exact_and_bounded(kind: Kind, seed: int) -> None:
    request = _request(kind, seed)
    body = request.SerializeToString()
    expected = _expanded(kind, request)
    assert exact_weight(kind, body) == expected
    assert bound(kind, request, body) >= expected


@given(kinds, seeds, st.integers(200, 4_000), st.integers(1_000, 40_000))
@settings(max_examples=100, deadline=None)
def test_the_parts_of_a_request_are_all_of_it(
    kind: Kind, seed: int, size: int, weight: int
) -> None:
    request = _request(kind, seed)
    body = request.SerializeToString()
    items = _items(kind, request)
    limits = PartLimits(bytes=size, item_bytes=8_000, weight=weight)
    cut = cut_request(kind, request, body, items=len(items), limits=limits)
    too_large = {bad.index for bad in cut.bad}
    assert [bad.fault.reason for bad in cut.bad] == [Reason.TOO_LARGE] * len(cut.bad)
    found = [
        item.SerializeToString()
        for part in cut.parts
        for _, item in _items(kind, kind.request.FromString(part.body))
    ]
    expected = [
        item.SerializeToString() for place, (_, item) in enumerate(items) if place not in too_large
    ]
    assert found == expected
    assert sum(part.items for part in cut.parts) == len(expected)
    for part in cut.parts:
        read = kind.request.FromString(part.body)
        assert part.weight >= _expanded(kind, read)
        assert part.weight <= weight
        assert part.items == len(_items(kind, read))
        assert part.items == 1 or len(part.body) <= size


@given(kinds, seeds, st.integers(100, 4_000))
@settings(max_examples=100, deadline=None)
def test_the_chunks_of_a_request_are_all_of_it(kind: Kind, seed: int, size: int) -> None:
    request = _request(kind, seed)
    body = request.SerializeToString()
    found = [
        item.SerializeToString()
        for chunk in chunks(kind, body, PartLimits(bytes=size))
        for _, item in _items(kind, kind.request.FromString(chunk))
    ]
    assert found == [item.SerializeToString() for _, item in _items(kind, request)]


@given(kinds, seeds, st.integers(100, 4_000))
@settings(max_examples=60, deadline=None)
def test_the_chunks_of_a_json_request_are_all_of_it(kind: Kind, seed: int, size: int) -> None:
    request = _request(kind, seed)
    value = json_format.MessageToDict(request, use_integers_for_enums=True)
    hex_ids(value)
    body = json.dumps(value).encode()
    limits = PartLimits(bytes=size)
    told = Sorted()
    found = [
        item.SerializeToString()
        for chunk in json_chunks(kind, body, limits, told=told)
        for _, item in _items(kind, kind.request.FromString(to_protobuf(kind, chunk)))
    ]
    assert found == [item.SerializeToString() for _, item in _items(kind, request)]
    assert not told.remarks


def _attribute(size: int) -> bytes:
    return bytes_field(1, bytes_field(1, b"big") + bytes_field(2, bytes_field(1, b"A" * size)))


@pytest.mark.parametrize("count", [20_000, 300])
def test_a_large_resource_over_many_items_is_refused_with_the_sum(count: int) -> None:
    resource = bytes_field(1, _attribute(1_000_000))
    body = bytes_field(1, resource + bytes_field(2, bytes_field(2, b"") * count))
    with pytest.raises(Rejected) as rejected:
        examine(LOGS, body)
    assert rejected.value.reason is Reason.EXPANDED_TOO_LARGE
    told = re.search(r"at least ([0-9,]+) bytes", rejected.value.message)
    assert told is not None
    assert int(told[1].replace(",", "")) >= count * 1_000_000
    assert "268,435,456" in rejected.value.message


def test_a_large_resource_over_some_items_is_taken_in_parts() -> None:
    resource = bytes_field(1, _attribute(1_000_000))
    body = bytes_field(1, resource + bytes_field(2, bytes_field(2, b"") * 100))
    examined = examine(LOGS, body)
    assert examined.outcome.accepted == 100
    assert len(examined.parts) == 7
    assert max(part.weight for part in examined.parts) <= 16 * 1024 * 1024


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        (TRACES, b"\x4a\x00"),
        (TRACES, b"\x5a\x00"),
        (TRACES, b"\x6a\x00"),
        (LOGS, b"\x32\x00"),
    ],
)
def test_one_item_of_too_many_members_is_rejected(kind: Kind, item: bytes) -> None:
    """Half a megabyte of empty attributes, events or links would be a gigabyte in the store."""
    ids = bytes_field(1, b"\1" * 16) + bytes_field(2, b"\2" * 8)
    dense = (ids if kind is TRACES else b"") + item * 200_000
    good = ids if kind is TRACES else b"\x1a\x01a"
    body = bytes_field(1, bytes_field(2, bytes_field(2, dense) + bytes_field(2, good)))
    examined = examine(kind, body)
    assert (examined.outcome.accepted, examined.outcome.rejected) == (1, {"body_too_large": 1})
    assert [place for place, _ in examined.removed] == [0]
