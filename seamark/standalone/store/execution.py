"""One request carried out, from its text to its answer. Runs in a worker thread, and blocks."""

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from seamark.service.clickhouse.quoting import identifier, literal
from seamark.standalone.store import handshake, metrics
from seamark.standalone.store.answers import in_pieces, summary, whole
from seamark.standalone.store.encodings import unpack
from seamark.standalone.store.engine import (
    LIKE_A_SERVER,
    Handle,
    StoreEngine,
)
from seamark.standalone.store.failures import (
    ABORTED,
    ACCESS_DENIED,
    CANNOT_WRITE,
    NOT_ENOUGH_SPACE,
    SYNTAX,
    StoreError,
    own_error,
)
from seamark.standalone.store.job import StoreJob, StoreReply, Streamed
from seamark.standalone.store.request import StoreRequest
from seamark.standalone.store.roles import insert_refused, reading_refused
from seamark.standalone.store.sessions import Sessions
from seamark.standalone.store.statement import (
    ENCLOSING,
    STREAMABLE,
    Insert,
    find_insert,
    find_output,
)

DATABASE: Final = "seamark"
"""Used when a request names none and it exists. `default` overlays the file system in chdb."""
FULL_BYTES: Final = 8 * 1024 * 1024
"""With less of the disk free, what the engine does by itself may have met its end."""
_UNKNOWN_DATABASE: Final = 81
_REMOVES: Final = re.compile(
    r"\s*(?:DROP|TRUNCATE|ALTER|DELETE|EXCHANGE|RENAME|REPLACE|DETACH|CREATE\s+OR\s+REPLACE)\b",
    re.I,
)
_SELECT: Final = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*(?:SELECT|WITH)\b", re.I | re.S)


@dataclass(slots=True)
class Execution:
    """What all requests share. `max_unpacked_bytes` bounds a decompressed body.

    `doubt` is why the engine is not to be trusted any more: the disk failed in the midst of an
    insert, or became full. The engine may then hold, in memory, the deduplication record of a part
    that was never written, and would drop the retry as a duplicate; and a merge that met the full
    disk may have made a part with empty files. A new start prunes such records
    (`dedup_repair.py`), and the engine goes back to the parts before the merge. So `doubted` is
    called, from the thread of the request, to have one. An engine that keeps more room free than
    FULL_BYTES (`keep_bytes`) begins nothing on a disk that was full when it started. What may
    remove parts runs in `removing`.
    """

    engine: StoreEngine
    sessions: Sessions
    folder: str
    max_unpacked_bytes: int
    keep_bytes: int
    doubted: Callable[[], None]
    removing: Callable[[], AbstractContextManager[None]] = nullcontext
    doubt: str = ""
    _full_since_start: bool = field(init=False)

    def __post_init__(self) -> None:
        self._full_since_start = self.keep_bytes > FULL_BYTES and self._is_full()

    def carry_out(self, job: StoreJob) -> StoreReply | Streamed:
        """Answer a request. Raises StoreError where nothing has been sent yet."""
        try:
            job.check()
            request = job.request
            if handshake.is_handshake(request.query or request.body):
                return self._handshake(request)
            insert, text, data = self._parts(request)
            job.kind = "write"  # until it is known to be harmless
            with self._handle(job) as handle:
                if insert is not None:
                    _allow(insert_refused(job.role, insert.text.decode(errors="replace")))
                    return self._insert(request, handle, insert, data)
                return self._statement(job, handle, text)
        finally:
            job.finish()

    def _handshake(self, request: StoreRequest) -> StoreReply:
        body = handshake.handshake(
            request.revision, version=self.engine.version, timezone=self.engine.timezone
        )
        return StoreReply({"X-ClickHouse-Format": "Native"}, body)

    def _parts(self, request: StoreRequest) -> tuple[Insert | None, bytes, Iterator[bytes]]:
        """An INSERT and its data, or None and a whole statement."""
        pieces = unpack(request.body, request.body_encoding, limit_bytes=self.max_unpacked_bytes)
        head = request.query or next(pieces, b"")
        insert = find_insert(head)
        if insert is not None:
            inline = head[insert.data_at :]
            if request.query and inline.strip():
                inline += b"\n"
            elif request.query:
                inline = b""
            return insert, b"", chain([inline] if inline else [], pieces)
        rest = b"".join(pieces)
        text = b"\n".join((head, rest)) if request.query and rest else head + rest
        if not text.strip():
            raise own_error(SYNTAX, "Empty query")
        return None, text, iter(())

    @contextmanager
    def _handle(self, job: StoreJob) -> Iterator[Handle]:
        """A handle as the request wants it: its session's, or one for this request alone."""
        request = job.request
        comment = f"{request.settings.get('log_comment', '')} query_id={request.query_id} {job.tag}"
        settings = {**LIKE_A_SERVER, **request.settings, "log_comment": comment.strip()}
        wish = request.session
        if wish is not None and request.settings.get("readonly", "0") == "0":
            session = self.sessions.take(wish)
            try:
                before = _current(session.handle, request.settings)
                try:
                    if request.database:
                        session.handle.run(f"USE {identifier(request.database)}")
                    yield _made_ready(session.handle, request, settings)
                finally:
                    _restore(session.handle, before, request)
            finally:
                self.sessions.release(session, wish)
        else:  # readonly cannot be undone, so it never reaches a session's handle
            handle = self.engine.handle()
            try:
                use(handle, request.database)
                yield _made_ready(handle, request, settings)
            finally:
                handle.close()

    def _insert(
        self, request: StoreRequest, handle: Handle, insert: Insert, data: Iterator[bytes]
    ) -> StoreReply:
        if self.doubt:
            raise own_error(ABORTED, f"The store starts anew: {self.doubt}")
        started = time.perf_counter()
        sql = insert.text.decode("utf-8", "surrogateescape")
        try:
            settings = insert.settings.decode("utf-8", "surrogateescape")
            rows, size = handle.insert(sql, insert.format, data, settings=settings)
            self.check_writes()
        except StoreError as error:
            if error.broken_off or (error.code == NOT_ENOUGH_SPACE and self._became_full()):
                self._doubt(error)
            raise
        finally:
            elapsed = time.perf_counter() - started
            metrics.INSERT_SECONDS.observe(elapsed)
        self._full_since_start = False
        metrics.INSERTS.inc()
        metrics.INSERT_ROWS.inc(rows)
        metrics.INSERT_BYTES.inc(len(request.body))
        return StoreReply(summary(elapsed, written_rows=rows, written_bytes=size))

    def check_writes(self) -> None:
        """Raises StoreError when the disk has failed a write since the engine was opened.

        Of an insert, then of its own or of another's: what is whole of it is dropped from the
        retry. Of a merge, it is in time for the parts before it, which the engine keeps for eight
        minutes.
        """
        if self.engine.failed_writes():
            error = own_error(CANNOT_WRITE, "The disk failed a write of an insert or a merge")
            self._doubt(error)
            raise error

    def _doubt(self, error: StoreError) -> None:
        self.doubt = error.text[:300]
        self.doubted()

    def _became_full(self) -> bool:
        """Whether the disk is full and was not before: on one that was, nothing was begun."""
        full = self._is_full()
        self._full_since_start = self._full_since_start and full
        return full and not self._full_since_start

    def _is_full(self) -> bool:
        return shutil.disk_usage(self.folder).free < FULL_BYTES

    def _statement(self, job: StoreJob, handle: Handle, text: bytes) -> StoreReply | Streamed:
        started = time.perf_counter()
        sql = text.decode("utf-8", "surrogateescape")
        effect, count = handle.classify(sql)
        if count > 1:
            raise own_error(SYNTAX, "Multi-statements are not allowed")
        if effect in ("READ_ONLY", "UNKNOWN"):  # what does not parse changes nothing
            job.kind = "read"
        if not job.role.owner:
            if effect != "READ_ONLY":
                _allow(f"user {job.role.name} may only read with such a statement")
            tree = handle.run(f"EXPLAIN AST {sql}", "TSVRaw", job.request.params).data
            _allow(reading_refused(job.role, tree.decode(errors="replace")))
        job.check()
        output = find_output(text)
        form = output.format or job.request.default_format
        joinable = form in STREAMABLE and output.joinable and not job.request.whole
        joinable = joinable and not any(name.encode() in ENCLOSING for name in job.request.settings)
        removes = effect == "MUTATING" and _REMOVES.match(sql) is not None
        try:
            if effect == "READ_ONLY" and joinable and _SELECT.match(sql):
                answer = in_pieces(job, handle, sql, form)
            else:
                with self.removing() if removes else nullcontext():
                    answer = whole(job.request, handle, sql, form)
        finally:
            metrics.QUERY_SECONDS.observe(time.perf_counter() - started)
        metrics.QUERIES.inc()
        return answer


def _allow(refusal: str) -> None:
    """Raises StoreError ACCESS_DENIED for a refusal."""
    if refusal:
        raise own_error(ACCESS_DENIED, f"Not enough privileges: {refusal}")


def use(handle: Handle, database: str = "") -> Handle:
    """Make a database the handle's own; without a name, `seamark` if it exists by now."""
    try:
        handle.run(f"USE {identifier(database or DATABASE)}")
    except StoreError as error:
        if database or error.code != _UNKNOWN_DATABASE:
            raise
    return handle


def _made_ready(handle: Handle, request: StoreRequest, settings: dict[str, str]) -> Handle:
    """External tables, then settings: in this order, because those may forbid the tables."""
    for table in request.externals:
        handle.run(
            f"CREATE TEMPORARY TABLE {identifier(table.name)} ({table.structure}) ENGINE = Memory"
        )
        handle.insert(f"INSERT INTO {identifier(table.name)}", table.format, iter((table.data,)))
    handle.set(settings)
    return handle


def _current(handle: Handle, settings: Mapping[str, str]) -> dict[str, str | None]:
    """What the settings about to be changed are now; None for their default."""
    if not settings:
        return {}
    # the names are quoted: hence the noqa below
    names = ", ".join(literal(name) for name in settings)
    rows = handle.run(
        f"SELECT name, value, changed FROM system.settings WHERE name IN ({names})",  # noqa: S608
        "JSONCompactEachRow",
    ).data
    now: dict[str, str | None] = {}
    for line in rows.splitlines():
        name, value, changed = json.loads(line)
        now[name] = value if changed else None
    return now


def _restore(handle: Handle, before: dict[str, str | None], request: StoreRequest) -> None:
    """Undo on a session's handle what belonged to one request."""
    handle.set({name: value for name, value in before.items() if value is not None})
    defaults = ", ".join(f"{name} = DEFAULT" for name, value in before.items() if value is None)
    if defaults:
        handle.run(f"SET {defaults}")
    for table in request.externals:
        handle.run(f"DROP TEMPORARY TABLE IF EXISTS {identifier(table.name)}")
