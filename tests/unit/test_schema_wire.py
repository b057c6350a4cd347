"""envelope.proto against opentelemetry-proto's own descriptors: same numbers, readable types."""

import re
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from seamark.wire.envelope import BODY_FIELD
from seamark.wire.signals import Signal
from tests.support.schema_store import PROTO

_FIELD = re.compile(
    r"(?P<label>repeated |optional )?(?P<type>map<[^>]*>|\w+) (?P<name>\w+) = (?P<number>\d+);"
)
# google.protobuf.FieldDescriptor.TYPE_* as they are written in a .proto file
_SCALARS = {
    1: "double",
    3: "int64",
    5: "int32",
    6: "fixed64",
    7: "fixed32",
    8: "bool",
    9: "string",
    12: "bytes",
    13: "uint32",
    14: "int32",  # an enum has the encoding of an int32, and any number is let in
    15: "sfixed32",
    16: "sfixed64",
    17: "sint32",
    18: "sint64",
    4: "uint64",
}
_MESSAGE = 11
REQUESTS: dict[Signal, Any] = {
    Signal.TRACES: ExportTraceServiceRequest,
    Signal.METRICS: ExportMetricsServiceRequest,
    Signal.LOGS: ExportLogsServiceRequest,
}


def read_schema() -> dict[str, dict[str, tuple[int, str, bool]]]:
    """Messages of our file: field name -> (number, type, repeated). Oneofs are flat on the wire."""
    messages: dict[str, dict[str, tuple[int, str, bool]]] = {}
    current = ""
    for written in PROTO.read_text().splitlines():
        line = written.split("//")[0].strip()
        if opened := re.match(r"message (\w+) \{", line):
            current = opened[1]
            messages[current] = {}
        elif found := _FIELD.match(line):
            messages[current][found["name"]] = (
                int(found["number"]),
                found["type"],
                found["label"] == "repeated ",
            )
    return messages


OURS = read_schema()


def differences(official: Any, name: str, path: str, depth: int) -> list[str]:
    """What our message `name` lacks or has otherwise, recursively."""
    if depth == 0:
        return []
    found = []
    mine = OURS[name]
    for field in official.fields:
        here = f"{path}.{field.name}"
        if field.name not in mine:
            found.append(f"{here} is missing in {name}")
            continue
        number, kind, repeated = mine[field.name]
        if number != field.number:
            found.append(f"{here} has number {number}, official {field.number}")
        if repeated != field.is_repeated:
            found.append(f"{here} repeated: {repeated}, official {field.is_repeated}")
        if field.type == _MESSAGE:
            if kind in OURS:
                found += differences(field.message_type, kind, here, depth - 1)
            elif kind != "bytes":
                found.append(f"{here} is {kind}, official a message")
        elif kind != _SCALARS[field.type]:
            found.append(f"{here} is {kind}, official {_SCALARS[field.type]}")
    return found


@pytest.mark.parametrize("signal", REQUESTS)
def test_every_field_of_otlp_has_its_number_and_type(signal: Signal) -> None:
    number, kind, _ = OURS["Envelope"][signal.value]
    assert number == BODY_FIELD[signal]
    official = REQUESTS[signal].DESCRIPTOR
    assert kind == official.name
    assert differences(official, kind, signal.value, depth=20) == []


@pytest.mark.parametrize("signal", REQUESTS)
def test_the_comparison_sees_what_is_wrong(signal: Signal) -> None:
    official = REQUESTS[signal].DESCRIPTOR
    field = next(iter(OURS[official.name].items()))
    OURS["Broken"] = {field[0]: (99, "string", False)}
    try:
        found = differences(official, "Broken", "x", depth=20)
    finally:
        del OURS["Broken"]
    assert len(found) == 3


def test_arrays_and_lists_are_bytes() -> None:
    assert OURS["AnyValue"]["array_value"][1] == OURS["AnyValue"]["kvlist_value"][1] == "bytes"


def test_numbers_of_the_envelope_itself_stay() -> None:
    numbers = {name: field[0] for name, field in OURS["Envelope"].items()}
    names = [
        *("org", "app", "receipt", "received_ns", "skew_ms", "ip_hash", "country", "browser"),
        *("browser_version", "os", "os_version", "device", "sdk_name", "sdk_version"),
        *("datacenter", "server_version", "key_id", "sent_ms", "protocol", "weight", "outcome"),
        "dead_letters",
    ]
    assert [numbers[name] for name in names] == list(range(1, 23))
    assert numbers["events_json"] == BODY_FIELD[Signal.EVENTS]
    assert {n: f[0] for n, f in OURS["Outcome"].items()} == {
        "offered": 1,
        "accepted": 2,
        "rejected": 3,
        "sampled": 4,
        "limited": 5,
        "duplicate": 6,
        "dead_lettered": 7,
        "part": 9,
        "request_rejections": 8,
    }


def test_numbers_of_a_dead_letter_stay() -> None:
    dead_letters = {name: field[0] for name, field in OURS["DeadLetter"].items()}
    assert list(dead_letters) == ["index", "reason", "field", "message", "name", "original"]
    assert list(dead_letters.values()) == list(range(1, 7))
