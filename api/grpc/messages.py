"""Messages of `query.proto` and the JSON of questions: one request, one answer in parts.

Pure. A request becomes the JSON that HTTP takes, so that decoding, limits and errors are the same;
an answer is made from the JSON that HTTP sends. Both ways names are those of proto3 JSON.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from api.grpc import query_pb2 as pb
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

M = TypeVar("M", bound=Message)
ROWS_PER_MESSAGE: Final = 2_000
"""Points, or steps of funnels, in one message: some 64 KiB of a message that may have 4 MiB."""


class _Series(msgspec.Struct):
    labels: dict[str, str]
    rows: msgspec.Raw


class _Timeseries(msgspec.Struct):
    columns: list[str]
    series: list[_Series]
    meta: msgspec.Raw
    exemplars: msgspec.Raw = msgspec.Raw(b"[]")


class _Funnel(msgspec.Struct):
    funnels: list[dict[str, Any]]
    meta: msgspec.Raw


def question_json(kind: type[Message], data: bytes) -> bytes:
    """The JSON of a request of this kind. Raises Rejected (MALFORMED)."""
    try:
        request = kind.FromString(data)
    except DecodeError as error:
        raise Rejected(
            QuestionReason.MALFORMED, f"The message is not a {kind.DESCRIPTOR.full_name}: {error}."
        ) from None
    return msgspec.json.encode(_as_json(request))


def _as_json(message: Message) -> Any:
    if isinstance(message, pb.Value):
        return _plain(message)
    return {
        field.json_name: [_item(one) for one in value] if field.is_repeated else _item(value)
        for field, value in message.ListFields()
    }


def _item(value: Any) -> Any:
    return _as_json(value) if isinstance(value, Message) else value


def _plain(value: pb.Value) -> Any:
    match value.WhichOneof("value"):
        case None:
            return None
        case "array_value":
            return [_plain(one) for one in value.array_value.values]
        case name:
            return getattr(value, name)


def timeseries_parts(answer: bytes) -> Iterator[pb.TimeseriesAnswer]:
    """The answer to a question for series (JSON), in messages of so many points and less."""
    found = msgspec.json.decode(answer, type=_Timeseries)
    part, room = pb.TimeseriesAnswer(columns=found.columns), ROWS_PER_MESSAGE
    for series in found.series:
        rows = msgspec.json.decode(series.rows, type=list[list[int | float | None]])
        begin = 0
        while True:
            if not room:
                yield part
                part, room = pb.TimeseriesAnswer(), ROWS_PER_MESSAGE
            points = [_point(*row) for row in rows[begin : begin + room]]
            part.series.add(labels=series.labels, points=points)
            begin, room = begin + room, room - len(points)
            if begin >= len(rows):
                break
    shown = {"exemplars": msgspec.json.decode(found.exemplars), "meta": _read(found.meta)}
    yield _filled(shown, part)


def _point(time: Any, *values: Any) -> pb.Point:
    return pb.Point(time=time, values=[math.nan if value is None else value for value in values])


def funnel_parts(answer: bytes) -> Iterator[pb.FunnelAnswer]:
    """The answer to a question for funnels (JSON), in messages of so many steps and less."""
    found = msgspec.json.decode(answer, type=_Funnel)
    part, room = pb.FunnelAnswer(), ROWS_PER_MESSAGE
    for funnel in found.funnels:
        if len(funnel["steps"]) > room:
            yield part
            part, room = pb.FunnelAnswer(), ROWS_PER_MESSAGE
        _filled(funnel, part.funnels.add())
        room -= len(funnel["steps"])
    yield _filled({"meta": _read(found.meta)}, part)


def _read(raw: msgspec.Raw) -> Mapping[str, Any]:
    read: dict[str, Any] = msgspec.json.decode(raw, type=dict[str, Any])
    if read.get("truncated") == "damaged":
        read |= {"truncated": True, "damaged": True}
    return read


def _filled(values: Mapping[str, Any], message: M) -> M:
    json_format.ParseDict(dict(values), message)
    return message
