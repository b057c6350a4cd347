"""Results as answers: whole or in pieces, packed, with the headers ClickHouse gives them.

Runs in a worker thread, and blocks.
"""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import chain
from typing import Final

from seamark.standalone.store import metrics
from seamark.standalone.store.encodings import Packer
from seamark.standalone.store.engine import Handle
from seamark.standalone.store.failures import StoreError
from seamark.standalone.store.job import StoreJob, StoreReply, Streamed
from seamark.standalone.store.request import StoreRequest
from seamark.standalone.store.stream_errors import new_tag, stream_error

_STREAM_FROM_BYTES: Final = 1024 * 1024
"""Smaller results are sent whole: then an error, however late, still has its HTTP status."""
_PACK_FROM_BYTES: Final = 1024
_COUNTS: Final = (
    "read_rows",
    "read_bytes",
    "written_rows",
    "written_bytes",
    "total_rows_to_read",
    "result_rows",
    "result_bytes",
)
_TYPES: Final = {
    "JSON": "application/json; charset=UTF-8",
    "JSONCompact": "application/json; charset=UTF-8",
    "JSONEachRow": "application/x-ndjson; charset=UTF-8",
    "TabSeparated": "text/tab-separated-values; charset=UTF-8",
    "TSV": "text/tab-separated-values; charset=UTF-8",
    "CSV": "text/csv; charset=UTF-8",
}


def whole(request: StoreRequest, handle: Handle, sql: str, form: str) -> StoreReply:
    """Carry out any statement and answer when it is done. Raises StoreError."""
    started = time.perf_counter()
    result = handle.run(sql, form, request.params)
    counts = summary(
        time.perf_counter() - started,
        read_rows=result.rows_read,
        read_bytes=result.bytes_read,
        result_rows=result.result_rows,
        result_bytes=len(result.data),
        written_rows=result.rows_written,
        written_bytes=result.bytes_written,
    )
    return _packed(request, {**counts, **(_described(form) if result.data else {})}, result.data)


def in_pieces(job: StoreJob, handle: Handle, sql: str, form: str) -> StoreReply | Streamed:
    """The result of a SELECT in a format that can be joined: whole if small, in pieces else.

    Raises StoreError until the first piece has gone out.
    """
    started = time.perf_counter()
    request = job.request
    held: list[bytes] = []
    size = 0
    with closing(handle.stream(sql, form, request.params)) as pieces:
        for piece in pieces:
            held.append(piece)
            size += len(piece)
            if size > _STREAM_FROM_BYTES:
                return _stream(job, chain((b"".join(held),), pieces), form)
    headers = {**summary(time.perf_counter() - started, result_bytes=size), **_described(form)}
    return _packed(request, headers, b"".join(held))


def _stream(job: StoreJob, pieces: Iterator[bytes], form: str) -> Streamed:
    encoding = job.request.output_encoding
    tag = new_tag()
    packer = Packer(encoding) if encoding else None
    job.begin(
        {
            **summary(0.0),
            **_described(form),
            **({"Content-Encoding": encoding} if encoding else {}),
            "X-ClickHouse-Exception-Tag": tag,
        }
    )
    failed = False
    try:
        for piece in pieces:
            packed = packer.add(piece) if packer else piece
            if packed:
                job.send(packed)
    except StoreError as error:
        metrics.ERRORS.labels(str(error.code)).inc()
        failed = True
        notice = stream_error(tag, error.text)
        job.send(packer.add(notice) if packer else notice)
    if packer:
        job.send(packer.end())
    return Streamed(failed)


def _packed(request: StoreRequest, headers: dict[str, str], body: bytes) -> StoreReply:
    if not request.output_encoding or len(body) < _PACK_FROM_BYTES:
        return StoreReply(headers, body)
    packer = Packer(request.output_encoding)
    packed = packer.add(body) + packer.end()
    return StoreReply({**headers, "Content-Encoding": request.output_encoding}, packed)


def _described(form: str) -> dict[str, str]:
    kind = _TYPES.get(form, "application/octet-stream")
    return {"X-ClickHouse-Format": form, "Content-Type": kind}


def summary(seconds: float, **counts: int) -> dict[str, str]:
    """The header that says what a statement read and wrote; what is not given is 0."""
    numbers = dict.fromkeys(_COUNTS, 0) | counts | {"elapsed_ns": int(seconds * 1e9)}
    return {"X-ClickHouse-Summary": json.dumps({name: str(n) for name, n in numbers.items()})}
