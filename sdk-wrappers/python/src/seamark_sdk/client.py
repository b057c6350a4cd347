"""The client: takes events from any thread, and delivers them from one of its own.

An event is in a journal on disk when `track` returns. The delivering thread seals journals into
batches, and sends what waits in the spool, also what other processes left there. After a fork each
process goes on with a journal and a thread of its own.
"""

import logging
import os
import threading
import time
import uuid
from collections.abc import Mapping
from typing import Any, Final

from seamark_sdk.batch_body import encode_event
from seamark_sdk.core.ids import RANDOM_BYTES, uuid7
from seamark_sdk.core.sampling import kept
from seamark_sdk.event import exception_attributes, make_event, trace_attributes
from seamark_sdk.journal import HARD_BYTES, Journal, seal_orphans
from seamark_sdk.repeats import Repeats
from seamark_sdk.scope import current
from seamark_sdk.sender import Sender, now_ms
from seamark_sdk.settings import Settings
from seamark_sdk.spool import Spool
from seamark_sdk.statistics import Statistics
from seamark_sdk.transport import Transport

logger = logging.getLogger("seamark_sdk")
_ORPHAN_SECONDS: Final = 10.0


class Client:
    """One for each process and key; its methods raise nothing, and block for no network."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.statistics = Statistics()
        self.spool = Spool(settings.folder, most_bytes=settings.spool_bytes)
        self._common = settings.common_attributes
        self._warned = False
        self._begin()

    def _begin(self) -> None:
        """What each process has of its own; also called in a child made by fork."""
        self._lock = threading.RLock()  # a signal's handler may track within `track`
        self._changed = threading.Condition(self._lock)
        self._working = threading.Lock()
        self._repeats = Repeats()
        self._journal: Journal | None = None
        self._full: list[Journal] = []
        self._sealing: list[Journal] = []
        self._asked = self._sealed = 0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._orphans_at = 0.0
        settings = self.settings
        self._sender = Sender(
            self.spool,
            Transport(settings.endpoint, settings.key),
            self.statistics,
            sample_rate=settings.sample_rate,
        )

    def start(self) -> None:
        """Deliver what earlier processes left."""
        with self._lock:
            self._prepare()

    def track(
        self,
        name: str,
        attributes: Mapping[str, object] | None = None,
        *,
        value: float | None = None,
        unit: str | None = None,
    ) -> None:
        """Keep one event; it is on disk when this returns."""
        try:
            self._track(name, attributes or {}, value, unit)
        except Exception as error:  # an SDK never breaks what it observes
            self._failed("track_failed", error)

    def store(self, kind: str, body: bytes) -> None:
        """Keep an encoded OTLP request; one that the disk does not take is counted."""
        try:
            with self._lock:
                self._prepare()
            self.spool.put(body, ms=now_ms(), batch_id=str(uuid.uuid4()), kind=kind)
        except OSError as error:
            self._failed("spool_failed", error)

    def capture_exception(
        self, error: BaseException, attributes: Mapping[str, object] | None = None
    ) -> None:
        """Keep one error, as an event; at most five a minute of those that are alike."""
        try:
            told, mark = exception_attributes(error)
            if not self._repeats.allows(mark, time.monotonic()):
                self.statistics.drop("repeated")
                return
            self._track("exception", {**told, **(attributes or {})}, None, None)
        except Exception as failure:
            self._failed("track_failed", failure)

    def _track(
        self,
        name: str,
        attributes: Mapping[str, object],
        value: float | None,
        unit: str | None,
    ) -> None:
        scope, traced, ts = current(), trace_attributes(), now_ms()
        event_id = uuid7(ts, os.urandom(RANDOM_BYTES))
        sampled_by = scope.session or traced.get("trace_id") or event_id
        if not kept(str(sampled_by), self.settings.sample_rate):
            self.statistics.add("sampled")
            return
        event: dict[str, Any] | None = make_event(
            event_id=event_id,
            ts=ts,
            name=name,
            value=value,
            unit=unit,
            attributes={**self._common, **traced, **scope.attributes, **attributes},
            scope=scope,
        )
        if self.settings.before_send is not None and event is not None:
            event = self.settings.before_send(event)
            if event is None:
                self.statistics.drop("redacted")
                return
        body = encode_event(event)
        if len(body) > HARD_BYTES:
            self.statistics.drop("too_large")
            return
        with self._lock:
            self._append(body)
        self.statistics.add("tracked")

    def _append(self, body: bytes) -> None:
        """Put an event into the journal. The lock is held. Raises OSError."""
        self._prepare()
        if self._journal is None:
            ms = now_ms()
            batch_id = uuid7(ms, os.urandom(RANDOM_BYTES))
            self._journal = Journal(self.spool, batch_id=batch_id, ms=ms)
        self._journal.append(body)
        if self._journal.full:
            self._full.append(self._journal)
            self._journal = None
            self._changed.notify_all()

    def _prepare(self) -> None:
        """Folders and thread, when they are first needed. The lock is held. Raises OSError."""
        if self._thread is not None or self._closing:
            return
        self.spool.prepare()
        self._thread = threading.Thread(target=self._run, name="seamark", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            self.work(until=time.monotonic() + 60.0)
            with self._lock:
                if not (self._asked > self._sealed or self._full or self._closing):
                    interval, pause = self.settings.interval_seconds, self._sender.pause_seconds
                    self._changed.wait(min(interval, pause) if pause else interval)
                if self._closing:
                    return

    def work(self, *, until: float) -> None:
        """One pass: seal what is due, and send what waits. Raises nothing."""
        with self._working:
            try:
                self._seal()
                self._sender.deliver(until=until)
            except Exception as error:
                self._failed("spool_failed", error)
        with self._lock:
            self._changed.notify_all()

    def _seal(self) -> None:
        """Seal what is due, of this process and of those that are gone. Raises OSError."""
        with self._lock:
            asked, journal = self._asked, self._journal
            age_ms = now_ms() - journal.opened_ms if journal is not None else 0
            self._sealing, self._full = self._full, []
            due = asked > self._sealed or age_ms >= self.settings.interval_seconds * 1000
            if due and journal is not None:
                self._sealing.append(journal)
                self._journal = None
        try:
            while self._sealing:
                lost = self._sealing[0].seal(self.spool, sample_rate=self.settings.sample_rate)
                self._unreadable(lost)
                del self._sealing[0]
            if asked > self._sealed or time.monotonic() >= self._orphans_at:
                self._orphans_at = time.monotonic() + _ORPHAN_SECONDS
                lost = seal_orphans(self.spool, sample_rate=self.settings.sample_rate)
                self._unreadable(lost)
            self._sealed = asked
        finally:  # no room on the disk: again in the next pass
            with self._lock:
                self._full = [*self._sealing, *self._full]
                self._sealing = []

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until everything tracked so far is delivered; False where `timeout` came first.

        Also what other processes have sealed by now in the same folder.
        """
        deadline, until_ms = time.monotonic() + timeout, now_ms()
        with self._lock:
            self._asked += 1
            ticket = self._asked
            self._changed.notify_all()
            alive = self._thread is not None and self._thread.is_alive()
        if not alive:
            self.work(until=deadline)
            return not self._outstanding(ticket, until_ms)
        while self._outstanding(ticket, until_ms):
            left = deadline - time.monotonic()
            if left <= self._sender.pause_seconds or self._sender.stopped:
                return False
            with self._lock:
                self._changed.wait(min(left, 0.1))
        return True

    def _outstanding(self, ticket: int, until_ms: int) -> bool:
        """Whether something of `until_ms` or before waits; a batch that is cut in two keeps its
        time."""
        if self._sealed < ticket:
            return True
        return any(waiting.name.ms <= until_ms for waiting in self.spool.waiting())

    def close(self) -> None:
        """Deliver what can be delivered within `exit_seconds`; the rest waits in the spool."""
        self.flush(self.settings.exit_seconds)
        with self._lock:
            self._closing = True
            self._changed.notify_all()

    def before_fork(self) -> None:
        """Hold the lock, so that the child does not inherit it held by another thread."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Let go of what is the parent's, and begin anew."""
        for journal in (*self._sealing, *self._full, *((self._journal,) if self._journal else ())):
            journal.let_go()
        self._sender.let_go()
        self.statistics = Statistics()
        self._begin()

    def stats(self) -> dict[str, object]:
        """Counts of this process, and how many batches wait in the spool."""
        waiting = self.spool.waiting()
        return {
            **self.statistics.read(),
            "waiting_batches": len(waiting),
            "stopped": self._sender.stopped,
        }

    def _unreadable(self, events: int) -> None:
        if events:
            self.statistics.drop("unreadable", events)

    def _failed(self, reason: str, error: Exception) -> None:
        self.statistics.drop(reason)
        if not self._warned:
            self._warned = True
            logger.warning("seamark: %s: %s (said once)", reason, error)
