"""What a tail says, as server-sent events. Pure.

Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from api.query.log_following import ArrivedRow, Cursor
from api.query.log_records import record_of

MESSAGE_BYTES: Final = 256 * 1024
"""About how large one message of records becomes; one record alone may be larger."""
_encode: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class TailMessage:
    """One event of the stream. `records`: how many records a client misses that does not get it."""

    data: bytes
    records: int = 0
    last: bool = False


def event(
    kind: str, document: object, *, cursor: Cursor | None = None, records: int = 0
) -> TailMessage:
    """An event; with `cursor` it is the place to go on from."""
    at = f"id: {cursor}\n".encode() if cursor is not None else b""
    data = at + b"event: " + kind.encode() + b"\ndata: " + _encode(document) + b"\n\n"
    return TailMessage(data, records, last=kind == "end")


def heartbeat(cursor: Cursor) -> TailMessage:
    """Nothing new; everything up to `cursor` was shown."""
    return event("heartbeat", {}, cursor=cursor)


def skipped(count: int) -> TailMessage:
    """So many records were not shown."""
    return event("skipped", {"skipped": count})


def waiting(why: str) -> TailMessage:
    """The store does not answer; what comes meanwhile is shown later."""
    return event("waiting", {"message": why})


def end(reason: str, message: str) -> TailMessage:
    """The last event of a stream, and why."""
    return event("end", {"reason": reason, "message": message})


def records(rows: Sequence[ArrivedRow], cursor: Cursor) -> Iterator[TailMessage]:
    """Records in messages of bearable size. Only the last has the cursor: the others lie before."""
    pieces: list[list[bytes]] = [[]]
    size = 0
    for row in rows:
        encoded = _encode(record_of(row))
        if size and size + len(encoded) > MESSAGE_BYTES:
            pieces.append([])
            size = 0
        pieces[-1].append(encoded)
        size += len(encoded)
    for place, piece in enumerate(pieces):
        whole = msgspec.Raw(b'{"logs":[' + b",".join(piece) + b"]}")
        at = cursor if place == len(pieces) - 1 else None
        yield event("logs", whole, cursor=at, records=len(piece))
