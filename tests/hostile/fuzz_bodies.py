"""Requests made at random, each from a seed of its own: structured, then bent. Pure.

OTLP messages are made by walking their descriptors, so every field there is gets values, odd ones
among them; JSON forms are made of the same messages, native and compat bodies of their own fields.
What was made is sometimes bent: a node of the JSON, or a few bytes, and its content coding.
"""

import base64
import gzip
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import zstandard
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from collector.receivers.otlp_kinds import KINDS, Kind

NOW_NS: Final = 1_000_000_000
_INTS: Final = (0, 1, -1, 2, 7, 127, 128, 255, 2**31 - 1, -(2**31), 2**32, 2**53, 2**63 - 1)
_WIDE: Final = (0, 1, 2, 2**32, 2**53 + 1, 2**63, 2**64 - 1)
_FLOATS: Final = (0.0, -0.0, 1.5, -1e300, 1e308, 5e-324, float("inf"), float("-inf"), float("nan"))
_TEXTS: Final = (
    "", " ", "a", "service.name", "http.route", "GET /", "é", "\u0000", "\ufeff", "🜁" * 3,
    "a.b.c", "x" * 300, "'; DROP", "\\", '"', "\n\t", "null", "NaN", "1e999", "{}", "[]", "%s%n",
)  # fmt: skip
_NAMES: Final = ("page_view", "order.paid", "http.server.duration", "queue/size", "a b", "")
_KEYS: Final = (*_TEXTS[2:6], "k", "session.id", "user.id", "error", "exception.type", "unit")


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `method` is the path of a gRPC method; else it is HTTP to `path`."""

    number: int
    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""


def case_of(seed: int, number: int, *, now_ns: int) -> Case:
    """The request of a number; the same for the same seed, but for times around `now_ns`."""
    rng = random.Random(f"{seed}/{number}")  # cases, not secrets
    return rng.choices((_protobuf, _json, _grpc, _native, _compat), (30, 25, 15, 20, 10))[0](
        _Maker(rng, now_ns), number
    )


class _Maker:
    """Makes values from one source of chance."""

    def __init__(self, rng: random.Random, now_ns: int) -> None:
        self.rng = rng
        self._now_ns = now_ns
        self._odd = rng.choice((0.0, 0.02, 0.1, 0.5))

    def odd(self) -> bool:
        """Whether the next value is to be an odd one; how often differs by request."""
        return self.rng.random() < self._odd

    def time_ns(self) -> int:
        if self.odd():
            return self.rng.choice((*_WIDE, self._now_ns // NOW_NS, self._now_ns // 1000))
        return self._now_ns + self.rng.randint(-3_600, 60) * NOW_NS

    def text(self) -> str:
        if self.odd():
            return self.rng.choice(_TEXTS)
        return f"v{self.rng.randint(0, 30)}"

    def message(self, target: Any, depth: int = 0) -> Any:
        """Fill a protobuf message."""
        chosen = {
            oneof.name: self.rng.choice(oneof.fields).name for oneof in target.DESCRIPTOR.oneofs
        }
        for one in target.DESCRIPTOR.fields:
            if one.containing_oneof is not None and chosen[one.containing_oneof.name] != one.name:
                continue
            if depth > 12 or (self.rng.random() < 0.15 and not one.name.endswith("_id")):
                continue
            if one.is_repeated:
                self._fill(getattr(target, one.name), one, depth)
            elif one.type == FieldDescriptor.TYPE_MESSAGE:
                self.message(getattr(target, one.name), depth + 1)
            else:
                setattr(target, one.name, self.scalar(one))
        return target

    def _fill(self, values: Any, one: FieldDescriptor, depth: int) -> None:
        rng = self.rng
        count = rng.choice((0, 1, 1, 1, 1, 2, 3) if depth < 4 else (0, 0, 1))
        if self.odd() and rng.random() < 0.1:
            count = rng.randint(0, 30 if depth < 3 else 3)
        for _ in range(count):
            if one.type == FieldDescriptor.TYPE_MESSAGE:
                self.message(values.add(), depth + 1)
            else:
                values.append(self.scalar(one))

    def scalar(self, one: FieldDescriptor) -> Any:
        """A value of a field that is no message."""
        kind, name, rng = one.type, one.name, self.rng
        if "time_unix_nano" in name:
            return self.time_ns()
        if kind == FieldDescriptor.TYPE_STRING:
            texts = _KEYS if name == "key" else _NAMES if name == "name" else ()
            return rng.choice(texts) if texts and not self.odd() else self.text()
        if kind == FieldDescriptor.TYPE_BYTES:
            size = {"trace_id": 16, "span_id": 8, "parent_span_id": 8}.get(name, rng.randint(0, 9))
            return rng.randbytes(rng.randint(0, 40) if self.odd() else size)
        if kind == FieldDescriptor.TYPE_BOOL:
            return rng.random() < 0.5
        if kind in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
            return rng.choice(_FLOATS) if self.odd() else round(rng.uniform(-10, 1000), 3)
        if kind == FieldDescriptor.TYPE_ENUM:
            return rng.choice((99, -1)) if self.odd() else rng.choice(self._numbers(one))
        unsigned = kind in (
            FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64,
            FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32,
        )  # fmt: skip
        wide = kind in (
            FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64,
            FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SFIXED64, FieldDescriptor.TYPE_SINT64,
        )  # fmt: skip
        if not self.odd():
            return rng.randint(0, 20)
        value = rng.choice(_WIDE if unsigned else _INTS)
        if not wide:
            return value % 2**32 if unsigned else (value + 2**31) % 2**32 - 2**31
        return value

    def _numbers(self, one: FieldDescriptor) -> list[int]:
        assert one.enum_type is not None
        return [value.number for value in one.enum_type.values]

    def json(self, depth: int = 0) -> Any:
        """Any JSON value."""
        rng = self.rng
        kind = rng.randint(0, 5 if depth > 3 else 7)
        if kind == 6:
            return [self.json(depth + 1) for _ in range(rng.randint(0, 4))]
        if kind == 7:
            return {self.text(): self.json(depth + 1) for _ in range(rng.randint(0, 4))}
        return (None, True, rng.choice(_INTS), rng.uniform(-5, 5), self.text(), rng.choice(_TEXTS))[
            kind
        ]

    def bent_json(self, value: Any) -> Any:
        """`value` with one of its nodes replaced, dropped or doubled."""
        rng = self.rng
        if isinstance(value, dict) and value and rng.random() < 0.85:
            key = rng.choice(list(value))
            match rng.randint(0, 6):
                case 0:
                    return {name: one for name, one in value.items() if name != key}
                case 1:
                    return {**value, self.text(): self.json()}
                case _:
                    return {**value, key: self.bent_json(value[key])}
        if isinstance(value, list) and value and rng.random() < 0.85:
            at = rng.randrange(len(value))
            return [*value[:at], self.bent_json(value[at]), *value[at:][: rng.randint(0, 2)]]
        return self.json()

    def bent(self, body: bytes) -> bytes:
        """`body` with a few bytes changed, gone or doubled; mostly as it is."""
        rng = self.rng
        if rng.random() > 0.2 or not body:
            return body
        for _ in range(rng.randint(1, 4)):
            at, size = rng.randrange(len(body) or 1), rng.choice((1, 1, 2, 8, 64))
            match rng.randint(0, 3):
                case 0:
                    body = body[:at] + rng.randbytes(size) + body[at + size :]
                case 1:
                    body = body[:at] + body[at + size :]
                case 2:
                    body = body[:at] + body[at : at + size] * 2 + body[at + size :]
                case _:
                    body = body[:at]
        return body

    def coded(self, body: bytes) -> tuple[bytes, dict[str, str]]:
        """`body` in a content coding, and the header that says so, or says something else."""
        coding = self.rng.choices(("", "gzip", "deflate", "zstd"), (60, 20, 10, 10))[0]
        packed = {
            "": lambda: body,
            "gzip": lambda: gzip.compress(body, 1, mtime=0),
            "deflate": lambda: zlib.compress(body, 1),
            "zstd": lambda: zstandard.compress(body, 1),
        }[coding]()
        if self.odd():
            coding = self.rng.choice(("gzip", "br", "identity", "zstd", "x", "deflate"))
        if coding and self.rng.random() < 0.05:
            packed = self.bent(packed)
        return packed, {"Content-Encoding": coding} if coding else {}


def _made(maker: _Maker) -> tuple[Kind, Message]:
    kind = maker.rng.choice(KINDS)
    return kind, maker.message(kind.request())


def _protobuf(maker: _Maker, number: int) -> Case:
    kind, message = _made(maker)
    body, headers = maker.coded(maker.bent(message.SerializeToString()))
    return Case(number, kind.path, body, {"Content-Type": "application/x-protobuf", **headers})


def _grpc(maker: _Maker, number: int) -> Case:
    kind, message = _made(maker)
    body = maker.bent(message.SerializeToString())
    return Case(number, "", body, method=f"/{kind.service}/Export")


def _json(maker: _Maker, number: int) -> Case:
    kind, message = _made(maker)
    document = MessageToDict(message, preserving_proto_field_name=maker.odd())
    document = _hex_ids(document) if not maker.odd() else document
    return _json_case(maker, number, kind.path, document)


def _hex_ids(value: Any) -> Any:
    """Ids of traces and spans are hex in OTLP's JSON, not base64."""
    if isinstance(value, list):
        return [_hex_ids(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(one).hex()
        if key in ("traceId", "spanId", "parentSpanId") and isinstance(one, str)
        else _hex_ids(one)
        for key, one in value.items()
    }


def _json_case(maker: _Maker, number: int, path: str, document: Any) -> Case:
    while maker.rng.random() < 0.25:
        document = maker.bent_json(document)
    text = json.dumps(document, ensure_ascii=maker.rng.random() < 0.5)
    body, headers = maker.coded(maker.bent(text.encode("utf-8", "surrogatepass")))
    return Case(number, path, body, {"Content-Type": "application/json", **headers})


def _event(maker: _Maker) -> dict[str, Any]:
    rng = maker.rng
    event: dict[str, Any] = {"name": rng.choice(_NAMES[:4]), "ts": maker.time_ns() // 1_000_000}
    made: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("id", lambda: f"e{rng.randint(0, 10_000)}"),
        ("value", lambda: rng.choice(_FLOATS[:7]) if maker.odd() else rng.randint(0, 9)),
        ("unit", lambda: rng.choice(("ms", "EUR", "", "By"))),
        ("sessionId", maker.text),
        ("userAnonId", maker.text),
        ("attrs", lambda: {maker.text(): maker.json(3) for _ in range(rng.randint(0, 4))}),
        ("url", lambda: "https://shop.example/a?b=c"),
    )
    event |= {name: make() for name, make in made if rng.random() < 0.4}
    return event


def _native(maker: _Maker, number: int) -> Case:
    rng = maker.rng
    document: dict[str, Any] = {"events": [_event(maker) for _ in range(rng.randint(0, 5))]}
    made: tuple[tuple[str, Callable[[], Any]], ...] = (
        ("batchId", lambda: f"b{rng.randint(0, 10_000)}"),
        ("sentAt", lambda: maker.time_ns() // 1_000_000),
        ("sdk", lambda: {"name": "fuzz", "version": "1"}),
        ("device", lambda: {"os": maker.text(), "locale": maker.text()}),
    )
    document |= {name: make() for name, make in made if rng.random() < 0.3}
    return _json_case(maker, number, "/v1/ingest/batch", document)


def _compat(maker: _Maker, number: int) -> Case:
    rng = maker.rng
    path = rng.choice(("/v1/events", "/events", "/metrics"))
    named = {"eventType": "order", "userId": maker.text(), "properties": {"a": maker.json(3)}}
    plain = {"name": "order", "timestamp": maker.time_ns() // 1_000_000, "value": 1, "tags": {}}
    document: Any = {"metrics": [plain]} if path == "/metrics" else [named | {"eventId": "x"}]
    if path == "/v1/events" and rng.random() < 0.5:
        document = named
    return _json_case(maker, number, path, document)
