"""Every item that was sent is accepted, rejected or counted with the refusal of its request."""

import asyncio
import random

import msgspec
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.receivers.otlp_export import export
from collector.receivers.otlp_http import OTLP_LIMITS
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, Kind
from seamark.wire.envelope import bytes_field
from seamark.wire.failures import Rejected
from tests.properties.otlp_oddities import bend, hex_ids, random_request
from tests.unit.otlp_ingest import FakeIngest, head

PROTOBUF = "application/x-protobuf"


def _sent(kind: Kind, body: bytes, *, json: bool, expanded_bytes: int) -> tuple[int, int, int]:
    """Accepted, rejected, and refused with the whole request."""
    ingest = FakeIngest()
    request = head(PROTOBUF)
    admitted = ingest.admit(request, protocol="otlp/http")
    refused = 0
    sending = export(
        ingest, admitted, request, kind, body, json=json, expanded_bytes=expanded_bytes
    )
    try:
        exported = asyncio.run(sending)
    except Rejected as failure:
        refused = failure.items or 0
        assert not ingest.appended
    else:
        assert exported.rejected == sum(
            sum(part.outcome.rejected.values()) for part in ingest.appended
        )
    accepted = sum(part.outcome.accepted for part in ingest.appended)
    rejected = sum(sum(part.outcome.rejected.values()) for part in ingest.appended)
    assert sum(part.outcome.offered for part in ingest.appended) == accepted + rejected
    numbers = [part.outcome.part for part in ingest.appended]
    assert numbers == list(range(len(numbers)))  # the first counts the request
    assert sum(len(part.dead_letters) for part in ingest.appended) == rejected
    return accepted, rejected, refused


def _count(kind: Kind, body: bytes) -> int:
    """The oracle: items as protobuf's own parser finds them."""
    count = 0
    for resource in kind.resources(kind.request.FromString(body)):
        for scope in kind.scopes(resource):
            for item in kind.items(scope):
                if kind is not METRICS:
                    count += 1
                elif data := item.WhichOneof("data"):
                    count += len(getattr(item, data).data_points)
    return count


@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 2**32),
    json=st.booleans(),
    expanded_bytes=st.sampled_from([300, 3_000, 2**28]),
)
@settings(max_examples=200, deadline=None)
def test_items_add_up_whatever_the_encoding(
    kind: Kind, seed: int, json: bool, expanded_bytes: int
) -> None:
    body = random_request(kind, random.Random(seed))
    count = _count(kind, body)
    if json:
        value = json_format.MessageToDict(
            kind.request.FromString(body), use_integers_for_enums=True
        )
        hex_ids(value)
        body = msgspec.json.encode(value)
    accepted, rejected, refused = _sent(kind, body, json=json, expanded_bytes=expanded_bytes)
    assert accepted + rejected + refused == count


@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_items_add_up_whatever_the_bytes(kind: Kind, seed: int) -> None:
    """The laws inside `_sent` hold for requests bent on the wire."""
    rng = random.Random(seed)
    _sent(kind, bend(kind, random_request(kind, rng), rng), json=False, expanded_bytes=2**28)


@given(count=st.integers(1, 400), lines=st.integers(1, 20_000))
@settings(max_examples=20, deadline=None)
def test_items_add_up_over_many_parts(count: int, lines: int) -> None:
    record = bytes_field(2, bytes_field(5, bytes_field(1, b"x" * lines)))
    bad = bytes_field(2, b"\xff")
    body = bytes_field(1, bytes_field(2, record * count + bad + record))
    assert len(body) < OTLP_LIMITS.inflated
    found = _sent(LOGS, body, json=False, expanded_bytes=2**28)
    assert found == (count + 1, 1, 0)
