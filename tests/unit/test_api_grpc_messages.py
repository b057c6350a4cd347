"""Messages of `seamark.query.v1`: a request keeps what it says, an answer is whole in its parts."""

import base64
import itertools
import math
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import inspect

from api.answers import Exemplar, Meta
from api.grpc import query_pb2 as pb
from api.grpc.failures import code_of, details_of, message_of
from api.grpc.messages import ROWS_PER_MESSAGE, funnel_parts, question_json, timeseries_parts
from api.query.events import EventMatch
from api.query.filters import Filter
from api.questions.funnel import FunnelGroup, FunnelRequest, FunnelStep
from api.questions.timeseries import TimeseriesRequest
from api.reasons import STATUS, QuestionReason
from seamark.wire.failures import Rejected, Unavailable

MESSAGES: list[tuple[type[msgspec.Struct], type[Message]]] = [
    (TimeseriesRequest, pb.TimeseriesRequest),
    (FunnelRequest, pb.FunnelRequest),
    (EventMatch, pb.EventMatch),
    (Filter, pb.Filter),
    (Meta, pb.Meta),
    (Exemplar, pb.Exemplar),
    (FunnelGroup, pb.FunnelGroup),
    (FunnelStep, pb.FunnelStep),
]
SCALARS = (
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**53)


@pytest.mark.parametrize(("struct_", "message"), MESSAGES)
def test_messages_have_the_fields_of_http(
    struct_: type[msgspec.Struct], message: type[Message]
) -> None:
    described = inspect.type_info(struct_)
    assert isinstance(described, inspect.StructType)
    names = {field.encode_name for field in described.fields}
    # over HTTP `truncated` is a word then
    more = {"damaged"} if message is pb.Meta else set()
    assert {field.json_name for field in message.DESCRIPTOR.fields} == names | more


def value_of(value: Any) -> pb.Value:
    match value:
        case bool():
            return pb.Value(bool_value=value)
        case str():
            return pb.Value(string_value=value)
        case int():
            return pb.Value(int_value=value)
        case float():
            return pb.Value(double_value=value)
        case _:
            return pb.Value(array_value=pb.ArrayValue(values=map(value_of, value)))


@given(st.lists(SCALARS | st.lists(SCALARS, max_size=3), max_size=4))
def test_values_of_filters_arrive_as_they_were_sent(values: list[Any]) -> None:
    filters = [pb.Filter(key="k", op="in", value=value_of(value)) for value in values]
    sent = pb.TimeseriesRequest(metric="m", filters=filters, limit=0)
    read = msgspec.json.decode(question_json(pb.TimeseriesRequest, sent.SerializeToString()))
    found = [one["value"] for one in read.pop("filters", [])]
    assert found == values
    assert list(map(repr, found)) == list(map(repr, values))  # true is not 1, 1.0 is not 1
    assert read == {"metric": "m", "limit": 0}


def test_what_is_not_set_is_left_out_of_the_question() -> None:
    assert question_json(pb.FunnelRequest, b"") == b"{}"
    empty = pb.FunnelRequest(cache=False, group_by="", steps=[pb.EventMatch()])
    assert msgspec.json.decode(question_json(pb.FunnelRequest, empty.SerializeToString())) == {
        "cache": False,
        "groupBy": "",
        "steps": [{}],
    }


def test_a_garbled_message_is_malformed() -> None:
    with pytest.raises(Rejected) as refused:
        question_json(pb.TimeseriesRequest, b"\x0a\x05ab")
    assert refused.value.reason is QuestionReason.MALFORMED


def meta() -> dict[str, Any]:
    return {"rowsRead": 2**53 + 1, "bytesRead": 0, "cache": "miss", "stale": False} | {
        "truncated": True, "sampled": False, "granularity": "1h", "from": 1, "to": 2, "partial": [1]
    }  # fmt: skip


@settings(max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3) | st.just(ROWS_PER_MESSAGE) | st.integers(0, 3 * ROWS_PER_MESSAGE),
            st.lists(NUMBERS, min_size=2, max_size=2),
        ),
        max_size=5,
    )
)
def test_series_are_whole_in_their_parts(shapes: list[tuple[int, list[Any]]]) -> None:
    series = [
        {"labels": {"s": str(number)}, "rows": [[1_000 + at, *values] for at in range(length)]}
        for number, (length, values) in enumerate(shapes)
    ]
    answer = {"columns": ["time", "a", "b"], "series": series, "meta": meta()}
    parts = list(timeseries_parts(msgspec.json.encode(answer)))
    assert [list(part.columns) for part in parts if part.columns] == [["time", "a", "b"]]
    assert parts[0].columns
    assert [part.HasField("meta") for part in parts] == [False] * (len(parts) - 1) + [True]
    sizes = [sum(len(one.points) for one in part.series) for part in parts]
    assert all(size == ROWS_PER_MESSAGE for size in sizes[:-1])
    assert sizes[-1] <= ROWS_PER_MESSAGE
    assert joined(parts) == [
        (one["labels"], [[float(value) if value is not None else None for value in row]
                         for row in one["rows"]])
        for one in series
    ]  # fmt: skip
    assert parts[-1].meta.rows_read == 2**53 + 1
    assert list(parts[-1].meta.partial) == [1]


def joined(parts: list[pb.TimeseriesAnswer]) -> list[tuple[dict[str, str], list[list[Any]]]]:
    """The series of an answer, as a client puts them together."""
    found: list[tuple[dict[str, str], list[list[Any]]]] = []
    for part in parts:
        for place, series in enumerate(part.series):
            rows = [
                [point.time, *(None if math.isnan(v) else v for v in point.values)]
                for point in series.points
            ]
            labels = dict(series.labels)
            if place == 0 and found and found[-1][0] == labels:
                found[-1][1].extend(rows)
            else:
                found.append((labels, rows))
    return found


@given(st.lists(st.integers(1, 10), max_size=100), st.lists(NUMBERS, min_size=6, max_size=6))
def test_funnels_are_whole_in_their_parts(lengths: list[int], numbers: list[Any]) -> None:
    names = [
        *("fromFirst", "fromPrevious", "medianMs", "p90Ms"),
        *("medianFromFirstMs", "p90FromFirstMs"),
    ]
    fields: list[Any] = list(pb.FunnelStep.DESCRIPTOR.fields)[3:]
    step = {"step": "1. a", "name": "a", "people": 3, **dict(zip(names, numbers, strict=True))}
    funnels = [
        {"group": str(at), "labels": {"g": str(at)}, "steps": [step] * length}
        for at, length in enumerate(lengths)
    ]
    answer = {"columns": [], "funnels": funnels, "meta": meta()}
    parts = list(funnel_parts(msgspec.json.encode(answer)))
    found = list(itertools.chain.from_iterable(part.funnels for part in parts))
    assert [one.group for one in found] == [one["group"] for one in funnels]
    assert [len(one.steps) for one in found] == lengths
    for one in found:
        for shown in one.steps:
            for name, field in zip(names, fields, strict=True):
                assert field.json_name == name
                value = getattr(shown, field.name) if shown.HasField(field.name) else None
                expected = step[name]
                assert value == (None if expected is None else float(expected))
    assert parts[-1].HasField("meta")


@pytest.mark.parametrize("reason", list(QuestionReason))
def test_failures_say_their_reason_field_and_delay(reason: QuestionReason) -> None:
    assert STATUS[reason]
    rejected = status_pb2.Status.FromString(details_of(Rejected(reason, "no", field="filters[0]")))
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert [rejected.details[0].Unpack(info), rejected.details[1].Unpack(bad)] == [True, True]
    assert (info.reason, info.domain) == (reason.value.upper(), "seamark")
    assert bad.field_violations[0].field == "filters[0]"
    later = Unavailable("later", reason=QuestionReason.UNAVAILABLE, retry_after=2.5)
    delayed = error_details_pb2.RetryInfo()
    assert status_pb2.Status.FromString(details_of(later)).details[-1].Unpack(delayed)
    assert delayed.retry_delay.ToMilliseconds() == 2500
    assert code_of(later) == 14


@pytest.mark.parametrize("character", ["a", "ü", "☠"])
def test_a_long_message_fits_into_trailers(character: str) -> None:
    failure = Rejected(QuestionReason.MIXED_UNITS, "x" + character * 10_000, field="metric")
    size = len(quote(message_of(failure))) + len(base64.b64encode(details_of(failure)))
    assert 1000 < len(message_of(failure).encode()) < 2000
    assert size < 7 * 1024
