"""Laws of the wire: receipts, partitions and envelopes."""

import uuid
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from seamark.wire.envelope import DeadLetter, Outcome, Sender, encode_envelope
from seamark.wire.receipts import new_receipt, receipt_for_batch
from seamark.wire.signals import Signal, choose_partition


def envelope_class() -> type[Message]:
    """A protobuf class for the fields of `Envelope` that the encoder writes."""
    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto3")
    entry = file.message_type.add(name="Rejected")
    entry.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    entry.field.add(name="value", number=2, type=kinds.TYPE_UINT32, label=kinds.LABEL_OPTIONAL)
    outcome = file.message_type.add(name="Outcome")
    counts = {
        1: "offered",
        2: "accepted",
        4: "sampled",
        5: "limited",
        6: "duplicate",
        7: "dead_lettered",
    }
    for number, name in counts.items():
        outcome.field.add(name=name, number=number, type=kinds.TYPE_UINT32, label=1)
    for number, name in ((3, "rejected"), (8, "request_rejections")):
        outcome.field.add(
            name=name, number=number, type=kinds.TYPE_MESSAGE, label=3, type_name=".t.Rejected"
        )
    dead_letter = file.message_type.add(name="DeadLetter")
    dead_letter.field.add(name="index", number=1, type=kinds.TYPE_UINT32, label=1)
    for number, name in ((2, "reason"), (3, "field"), (4, "message"), (5, "name")):
        dead_letter.field.add(name=name, number=number, type=kinds.TYPE_STRING, label=1)
    dead_letter.field.add(name="original", number=6, type=kinds.TYPE_BYTES, label=1)
    envelope = file.message_type.add(name="Envelope")
    texts = {1: "org", 2: "app", 3: "receipt", 6: "ip_hash", 12: "device", 19: "protocol"}
    for number, name in texts.items():
        envelope.field.add(name=name, number=number, type=kinds.TYPE_STRING, label=1)
    envelope.field.add(name="received_ns", number=4, type=kinds.TYPE_UINT64, label=1)
    envelope.field.add(name="skew_ms", number=5, type=kinds.TYPE_SINT64, label=1)
    envelope.field.add(name="sent_ms", number=18, type=kinds.TYPE_UINT64, label=1)
    envelope.field.add(name="weight", number=20, type=kinds.TYPE_DOUBLE, label=1)
    envelope.field.add(
        name="outcome", number=21, type=kinds.TYPE_MESSAGE, label=1, type_name=".t.Outcome"
    )
    envelope.field.add(
        name="dead_letters", number=22, type=kinds.TYPE_MESSAGE, label=3, type_name=".t.DeadLetter"
    )
    envelope.field.add(name="events_json", number=32, type=kinds.TYPE_BYTES, label=1)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found: type[Message] = message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Envelope"))
    return found


@given(
    org=st.text(max_size=20),
    received_ns=st.integers(0, 2**63 - 1),
    sent_ms=st.none() | st.integers(0, 2**53),
    body=st.binary(max_size=400),
    rejected=st.dictionaries(st.sampled_from(["a", "too_late"]), st.integers(1, 999)),
    weight=st.floats(min_value=1, max_value=1e6),
)
def test_protobuf_reads_what_the_encoder_wrote(
    org: str,
    received_ns: int,
    sent_ms: int | None,
    body: bytes,
    rejected: dict[str, int],
    weight: float,
) -> None:
    outcome = Outcome(offered=sum(rejected.values()) + 7, accepted=7, rejected=rejected)
    encoded = encode_envelope(
        Sender(org=org, app="a", device="mobile", protocol="native").encode(),
        receipt="r",
        received_ns=received_ns,
        sent_ms=sent_ms,
        outcome=outcome,
        signal=Signal.EVENTS,
        body=body,
        weight=weight,
    )
    prefix = 1
    while encoded[prefix - 1] & 0x80:
        prefix += 1
    length = sum((byte & 0x7F) << 7 * i for i, byte in enumerate(encoded[:prefix]))
    assert length == len(encoded) - prefix
    message = envelope_class().FromString(encoded[prefix:])
    read = {name.name: value for name, value in message.ListFields()}
    assert read.get("org", "") == org
    assert read["receipt"] == "r"
    assert read.get("received_ns", 0) == received_ns
    assert read.get("sent_ms", 0) == (sent_ms or 0)
    skew = 0 if sent_ms is None else received_ns // 1_000_000 - sent_ms
    assert read.get("skew_ms", 0) == skew
    assert read["weight"] == weight
    assert read.get("events_json", b"") == body
    assert read["outcome"].offered == outcome.offered
    assert {e.key: e.value for e in read["outcome"].rejected} == rejected


counts_by_reason = st.dictionaries(
    st.sampled_from(["a", "too_late", "é"]), st.integers(1, 2**32 - 1)
)
dead_letters = st.builds(
    DeadLetter,
    index=st.integers(0, 1000),
    reason=st.text(max_size=9),
    field=st.text(max_size=9),
    message=st.text(max_size=9),
    original=st.binary(max_size=300),
    name=st.text(max_size=9),
)


@given(
    numbers=st.lists(st.integers(0, 2**32 - 1), min_size=6, max_size=6),
    rejected=counts_by_reason,
    request_rejections=counts_by_reason,
    kept=st.lists(dead_letters, max_size=4),
)
def test_protobuf_reads_outcomes_and_dead_letters(
    numbers: list[int],
    rejected: dict[str, int],
    request_rejections: dict[str, int],
    kept: list[DeadLetter],
) -> None:
    names = ("offered", "accepted", "sampled", "limited", "duplicate", "dead_lettered")
    told = dict(zip(names, numbers, strict=True))
    encoded = encode_envelope(
        b"",
        receipt="r",
        received_ns=1,
        sent_ms=None,
        outcome=Outcome(**told, rejected=rejected, request_rejections=request_rejections),
        signal=Signal.EVENTS,
        body=b"",
        dead_letters=kept,
    )
    start = next(at for at, byte in enumerate(encoded) if byte < 0x80) + 1
    read: Any = envelope_class().FromString(encoded[start:])
    assert {name: getattr(read.outcome, name) for name in names} == told
    assert {entry.key: entry.value for entry in read.outcome.rejected} == rejected
    assert {
        entry.key: entry.value for entry in read.outcome.request_rejections
    } == request_rejections
    assert [
        DeadLetter(x.index, x.reason, x.field, x.message, x.original, x.name)
        for x in read.dead_letters
    ] == kept


@given(st.integers(0, 2**48 - 1), st.binary(min_size=10, max_size=10))
def test_receipts_are_uuids_in_order_of_time(now_ms: int, randomness: bytes) -> None:
    receipt = uuid.UUID(new_receipt(now_ms, randomness))
    assert receipt.version == 7
    assert receipt.variant == uuid.RFC_4122
    assert receipt.int >> 80 == now_ms


@given(st.text(), st.text(), st.text())
def test_a_batch_keeps_its_receipt(org: str, app: str, batch_id: str) -> None:
    first = receipt_for_batch(org, app, batch_id)
    assert first == receipt_for_batch(org, app, batch_id)
    assert uuid.UUID(first).version == 8
    assert first != receipt_for_batch(org, app, batch_id + "x")


@given(st.text(max_size=10), st.integers(1, 64))
def test_a_partition_is_stable_and_in_range(sender: str, partitions: int) -> None:
    chosen = choose_partition("o", "a", sender, partitions)
    assert 0 <= chosen < partitions
    assert chosen == choose_partition("o", "a", sender, partitions)
