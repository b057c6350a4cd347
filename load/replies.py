"""Replies read from raw bytes: status, and how many items were accepted. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_RETRY_AFTER: Final = re.compile(rb"\r\nretry-after: *([\d.]+)", re.IGNORECASE)
_CLOSE: Final = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_ACCEPTED: Final = re.compile(rb'"accepted": ?(\d+)')
RETRYABLE: Final = frozenset({408, 429, 500, 502, 503, 504})
_RESPONSES: Final[Mapping[str, tuple[type[Message], str]]] = {
    "traces": (ExportTraceServiceResponse, "rejected_spans"),
    "logs": (ExportLogsServiceResponse, "rejected_log_records"),
    "metrics": (ExportMetricsServiceResponse, "rejected_data_points"),
}


class UnreadableReply(Exception):
    """The other side does not speak the HTTP/1.1 or the answer that we expect."""


@dataclass(frozen=True, slots=True)
class HttpReply:
    """One whole HTTP/1.1 answer. `retry_after` in seconds."""

    status: int
    body: bytes
    close: bool
    retry_after: float | None


@lru_cache(maxsize=256)
def _head(head: bytes) -> tuple[int, int, bool, float | None]:
    """Status, length, close and retry-after. Within a second most heads are the same bytes."""
    length = _LENGTH.search(head)
    if length is None or not head.startswith(b"HTTP/1."):
        raise UnreadableReply("not an HTTP/1.1 answer with a Content-Length")
    wish = _RETRY_AFTER.search(head)
    close = _CLOSE.search(head) is not None
    return int(head[9:12]), int(length[1]), close, float(wish[1]) if wish else None


def parse_reply(data: bytes) -> HttpReply | None:
    """The answer at the start of `data`, or None while it is incomplete.

    Raises UnreadableReply for anything without `Content-Length`: the collector always sends one.
    """
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    status, length, close, retry_after = _head(data[:end])
    stop = end + 4 + length
    if len(data) < stop:
        return None
    if len(data) > stop:
        raise UnreadableReply("an answer that nobody asked for")
    return HttpReply(status, data[end + 4 : stop], close, retry_after)


def accepted_items(kind: str, items: int, body: bytes) -> int:
    """How many of `items` a 2xx says were accepted.

    Native answers say so; an OTLP answer lists what was rejected (nothing when empty).
    Raises UnreadableReply when a body says neither.
    """
    if kind == "events":
        found = _ACCEPTED.search(body)
        if found is None:
            raise UnreadableReply("an answer to a batch without `accepted`")
        return int(found[1])
    if not body:
        return items
    response_type, rejected = _RESPONSES[kind]
    response = response_type()
    try:
        response.ParseFromString(body)
    except DecodeError as error:
        raise UnreadableReply(f"an OTLP answer that does not decode: {error}") from None
    partial = getattr(response, "partial_success")  # noqa: B009  # differs by message type
    return items - int(getattr(partial, rejected))
