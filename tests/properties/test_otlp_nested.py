"""Values nested to any depth are stored as JSON of the same values, for every signal."""

import base64
import json
import random
from typing import Any

import pytest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from collector.receivers.otlp_check import examine
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from seamark.wire.signals import Signal
from tests.support.schema_store import RECEIVED_NS, EngineStore, envelope

pytestmark = pytest.mark.integration
DEEPEST = 12
TABLES = {TRACES: "spans", LOGS: "logs", METRICS: "metric_points"}
CASES = 60


def put(value: AnyValue, found: Any) -> None:
    """Set a value to what Python has."""
    match found:
        case bool():
            value.bool_value = found
        case int():
            value.int_value = found
        case float():
            value.double_value = found
        case str():
            value.string_value = found
        case bytes():
            value.bytes_value = found
        case list():
            value.array_value.SetInParent()
            for each in found:
                put(value.array_value.values.add(), each)
        case dict():
            value.kvlist_value.SetInParent()
            for key, each in found.items():
                put(value.kvlist_value.values.add(key=key).value, each)


def scalar(rng: random.Random) -> Any:
    return rng.choice(
        [
            rng.choice([0, -1, 2**53 + 1, -(2**63), 2**63 - 1]),
            rng.choice([0.5, -1.25e-7, 3.0, 1e300]),
            rng.choice(["", 'quote " and \\', "é \u2028 \U0001f600", "line\nbreak\t\x01", "[1]"]),
            rng.random() < 0.5,
            None,
            b"\x00\xff",
        ]
    )


def nested(rng: random.Random, depth: int) -> Any:
    """`depth` levels of arrays and lists, with other members beside; or fewer and an empty one."""
    if depth == 0:
        return scalar(rng)
    if rng.random() < 0.15:
        return rng.choice([[], {}])
    inner = [nested(rng, depth - 1)]
    inner += [nested(rng, rng.randrange(depth)) for _ in range(rng.randrange(2))]
    rng.shuffle(inner)
    if rng.random() < 0.5:
        return inner
    return {f"k{place}{rng.choice(['', '.', 'é'])}": each for place, each in enumerate(inner)}


def as_stored(found: Any) -> Any:
    """What JSON says of it."""
    match found:
        case list():
            return [as_stored(each) for each in found]
        case dict():
            return {key: as_stored(each) for key, each in found.items()}
        case bytes():
            return base64.b64encode(found).decode()
    return found


def request_of(kind: Kind, values: list[Any]) -> bytes:
    """One item for each value, which is its attribute `v`, and its body where it has one."""
    request: Any = kind.request()
    for place, found in enumerate(values):
        resource: Any = kind.resources(request).add()
        item = kind.items(kind.scopes(resource).add()).add()
        if kind is METRICS:
            item.name, holder = str(place), item.gauge.data_points.add(time_unix_nano=RECEIVED_NS)
            holder.as_int = 1
        elif kind is TRACES:
            item.name, holder = str(place), item
            item.trace_id, item.span_id = b"t" * 16, b"s" * 8
            item.start_time_unix_nano = item.end_time_unix_nano = RECEIVED_NS
            put(item.events.add(name="e").attributes.add(key="v").value, found)
            put(item.links.add(trace_id=b"t" * 16).attributes.add(key="v").value, found)
        else:
            item.event_name, holder = str(place), item
            item.time_unix_nano = RECEIVED_NS
            put(item.body, found)
        put(holder.attributes.add(key="v").value, found)
        put(resource.resource.attributes.add(key="v").value, found)
        put(kind.scopes(resource)[0].scope.attributes.add(key="v").value, found)
    body: bytes = request.SerializeToString()
    return body


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.signal)
def test_any_depth_is_readable(kind: Kind) -> None:
    rng = random.Random(8)
    values = [nested(rng, 1 + place % DEEPEST) for place in range(CASES)]
    examined = examine(kind, request_of(kind, values))
    assert examined.outcome.accepted == CASES
    store = EngineStore().migrated()
    store.insert(kind.signal, [envelope(kind.signal, examined.body)])
    columns = ["attrs['v']", "resource_attrs['v']", "scope_attrs['v']"]
    columns += ["body"] if kind is LOGS else []
    columns += ["events.attrs[1]['v']", "links.attrs[1]['v']"] if kind is TRACES else []
    place = "event_name" if kind is LOGS else "name"
    rows = store.rows(
        f"SELECT {', '.join(f'{column} AS c{at}' for at, column in enumerate(columns))} "
        f"FROM {store.database}.{TABLES[kind]} ORDER BY toUInt32({place})"
    )
    for row, found in zip(rows, values, strict=True):
        for text in row:
            assert json.loads(text) == as_stored(found)


def test_integers_and_doubles_stay_apart() -> None:
    values = [{"a": {"b": {"c": [2**53 + 1, 3.0, True, "3"]}}}]
    examined = examine(LOGS, request_of(LOGS, values))
    store = EngineStore().migrated()
    store.insert(Signal.LOGS, [envelope(Signal.LOGS, examined.body)])
    [[attribute]] = store.rows(f"SELECT attrs['v'] FROM {store.database}.logs")
    assert attribute == '{"a":{"b":{"c":[9007199254740993,3.0,true,"3"]}}}'


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.signal)
def test_requests_of_scalars_are_written_as_they_came(kind: Kind) -> None:
    body = request_of(kind, ["text", 5, 0.5, True, b"x", None])
    assert examine(kind, body).body == body


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.signal)
def test_a_request_with_marks_in_it_is_not_changed_again(kind: Kind) -> None:
    values: list[Any] = [[], {}, [[]], {"a": {}, "b": []}, [[[]], {"a": [{}]}]]
    body = examine(kind, request_of(kind, values)).body
    assert examine(kind, body).body == body
