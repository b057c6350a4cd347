"""The native batch as bytes: stored without `sentAt`, which each attempt appends. Pure."""

import gzip
import json
from collections.abc import Sequence
from typing import Final

from seamark_sdk.version import NAME, VERSION

_LEVEL: Final = 6
_EVENTS: Final = b',"events":['


def encode_event(event: object) -> bytes:
    """One event as JSON, on one line."""
    text = json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")


def stored_body(events: Sequence[bytes], *, batch_id: str, sample_rate: float = 1.0) -> bytes:
    """A gzip member with everything but `sentAt` and the closing brace."""
    head: dict[str, object] = {"sdk": {"name": NAME, "version": VERSION}, "batchId": batch_id}
    if sample_rate < 1:
        head["sampleRate"] = sample_rate
    front = json.dumps(head, separators=(",", ":")).encode()[:-1]
    return gzip.compress(front + _EVENTS + b",".join(events) + b"]", _LEVEL, mtime=0)


def sent_body(stored: bytes, sent_ms: int) -> bytes:
    """The body of one attempt: the stored member and a second one (RFC 1952 §2.2)."""
    return stored + gzip.compress(b',"sentAt":%d}' % sent_ms, 1, mtime=0)


def read_events(stored: bytes) -> list[bytes]:
    """The events of a stored body, each as JSON. Raises ValueError, OSError for other bytes."""
    document = json.loads(gzip.decompress(stored) + b"}")
    return [encode_event(event) for event in document["events"]]
