"""Delivers what waits in the spool: one pass at a time, oldest first, as `core` decides."""

import gzip
import random
import time
from collections.abc import Callable

from seamark_sdk.batch_body import read_events, sent_body, stored_body
from seamark_sdk.core.answers import Decision, decide
from seamark_sdk.core.backoff import delay_ms
from seamark_sdk.core.batch_cut import halves
from seamark_sdk.core.otlp_answers import decide_otlp
from seamark_sdk.journal import EVENTS, derived_id
from seamark_sdk.locked_file import LockedFile
from seamark_sdk.spool import Spool, Waiting
from seamark_sdk.statistics import Statistics
from seamark_sdk.transport import Answer, Transport


def now_ms() -> int:
    """The device's clock."""
    return time.time_ns() // 1_000_000


class Sender:
    """Not safe for several threads: one pass runs at a time (`client.Client` sees to it)."""

    def __init__(
        self,
        spool: Spool,
        transport: Transport,
        statistics: Statistics,
        *,
        sample_rate: float,
        rand: Callable[[], float] = random.random,
    ) -> None:
        self._spool = spool
        self._transport = transport
        self._statistics = statistics
        self._sample_rate = sample_rate
        self._rand = rand
        self._failures = 0
        self._resumes_at = 0.0
        self._held: LockedFile | None = None
        self.stopped = ""
        """Why nothing is sent any more: the key or the address is wrong."""

    @property
    def pause_seconds(self) -> float:
        """How long nothing is sent from now on."""
        return max(0.0, self._resumes_at - time.monotonic())

    def deliver(self, *, until: float) -> None:
        """Send what waits, until a failure, or until `until` (monotonic). Raises OSError."""
        for gone in self._spool.evict(now_ms()):
            self._statistics.drop(gone.reason)
        for waiting in self._spool.waiting():
            if self.stopped or self.pause_seconds > 0 or time.monotonic() >= until:
                return
            held = LockedFile.claim(waiting.path)
            if held is None:
                continue  # another process sends it, or has sent it
            self._held = held
            try:
                self._attempt(held, waiting)
            finally:
                if self._held is held:
                    held.close()
                    self._held = None

    def let_go(self) -> None:
        """In a child made by fork: close the file that the parent is sending."""
        if self._held is not None:
            self._held.abandon()
            self._held = None

    def _attempt(self, held: LockedFile, waiting: Waiting) -> None:
        stored, kind = held.read(), waiting.name.kind
        if kind != EVENTS:
            answer = self._transport.send(kind, stored)
            decision = decide_otlp(answer.status, answer.headers, now_ms=now_ms())
            self._act(decision, held, dropped=1)
            return
        try:
            events = read_events(stored)
        except (ValueError, KeyError, TypeError, OSError, EOFError, gzip.BadGzipFile):
            self._act(Decision("drop", "unreadable"), held, dropped=1)
            return
        answer = self._transport.send(kind, sent_body(stored, now_ms()))
        decision = self._decide(answer, len(events))
        if decision.action == "split":
            self._split(events, waiting)
        self._act(decision, held, dropped=len(events))

    def _decide(self, answer: Answer, events: int) -> Decision:
        return decide(answer.status, answer.headers, answer.body, events=events, now_ms=now_ms())

    def _act(self, decision: Decision, held: LockedFile, *, dropped: int) -> None:
        statistics = self._statistics
        if decision.action == "stop":
            self.stopped = decision.reason
            statistics.failed(decision.reason)
            return
        if decision.action == "retry":
            self._failures += 1
            wait_ms = delay_ms(self._failures, self._rand(), asked_ms=decision.asked_ms)
            self._resumes_at = time.monotonic() + wait_ms / 1000
            statistics.add("retries")
            statistics.failed(decision.reason)
            return
        if decision.action == "drop":
            statistics.drop(decision.reason, dropped)
        elif decision.action == "done":
            statistics.add("delivered_batches")
            statistics.add("rejected", decision.rejected)
        self._failures = 0
        statistics.failed("")
        held.delete()
        self._held = None

    def _split(self, events: list[bytes], waiting: Waiting) -> None:
        """Store both halves, with batchIds of their own that are the same if it is done again."""
        first, _ = halves(len(events))
        for number, part in enumerate((events[:first], events[first:])):
            batch_id = derived_id(waiting.name.ms, waiting.name.batch_id, 1000 + number)
            body = stored_body(part, batch_id=batch_id, sample_rate=self._sample_rate)
            self._spool.put(body, ms=waiting.name.ms, batch_id=batch_id, kind=EVENTS)
