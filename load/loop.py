"""The generator's loop: one process, one epoll, one request at a time on each connection.

What it must not do: wait for a reply before a request that is due (a busy connection delays only
what finds no free one, and that delay is counted), or count as accepted what nobody acknowledged.
"""

import heapq
import json
import random
import select
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TextIO

from load import ticks
from load.bodies import LoadRequest
from load.connection import READ, ConnectionState, HttpConnection, Lost, SendJob
from load.replies import RETRYABLE, HttpReply, UnreadableReply, accepted_items
from load.schedule import NANOSECONDS, Schedule, backoff_seconds
from load.tally import LoadTally

_HOUSEKEEPING_NS: Final = 100_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """How to send. `retry` re-sends after 5xx, 429, a time-out or a lost connection."""

    kind: str
    address: tuple[str, int]
    connections: int = 32
    timeout_seconds: float = 30.0
    retry: bool = False
    drain_seconds: float = 60.0
    max_requests: int = 0


class Generator:
    """One run. `name` turns a request's number into the id written to the oracle."""

    def __init__(
        self,
        options: Options,
        requests: Sequence[LoadRequest],
        *,
        name: Callable[[int], str],
        oracle: TextIO | None = None,
        seed: int = 1,
    ) -> None:
        self.tally = LoadTally()
        self.sending_seconds = 0.0
        self._options = options
        self._requests = requests
        self._name = name
        self._oracle = oracle
        self._rng = random.Random(seed)
        self._poll = select.epoll()
        self._connections = [
            HttpConnection(options.address, self._poll) for _ in range(options.connections)
        ]
        self._by_fd: dict[int, HttpConnection] = {}
        self._idle: list[HttpConnection] = []
        self._waiting: list[tuple[int, int, SendJob]] = []
        self._next = 0
        self._start_ns = 0
        # Absolute times in bodies follow the epoch; everything else the monotonic clock.
        self._epoch_ns = time.time_ns() - time.perf_counter_ns()

    def run(self, schedule: Schedule, stopped: Callable[[], bool]) -> LoadTally:
        """Send until the schedule ends or `stopped()`, then wait for the replies. Blocks."""
        self._start_ns = schedule.start_ns
        self.tally.planned = schedule.planned()
        timer = ticks.periodic(schedule.tick_ns(), schedule.start_ns)
        self._poll.register(timer, READ)
        housekeeping_ns, sending = 0, True
        end_ns, drain_ns = schedule.end_ns, round(self._options.drain_seconds * NANOSECONDS)
        try:
            while True:
                now_ns = time.perf_counter_ns()
                if now_ns >= housekeeping_ns:
                    housekeeping_ns = now_ns + _HOUSEKEEPING_NS
                    self._tend(now_ns)
                    if now_ns < end_ns and stopped():
                        end_ns = now_ns
                if sending:
                    self._send_due(schedule, now_ns)
                    sending = now_ns < end_ns and not self._limit_reached()
                    end_ns = min(end_ns, now_ns) if not sending else end_ns
                else:
                    self.sending_seconds = (end_ns - schedule.start_ns) / NANOSECONDS
                    self._send_waiting(now_ns)
                    if self._nothing_left() or now_ns > end_ns + drain_ns:
                        break
                for fd, event in self._poll.poll():
                    if fd == timer:
                        ticks.clear(timer)
                    else:
                        self._handle(fd, event)
        finally:
            self._give_up()
            self._poll.close()
            ticks.close(timer)
        return self.tally

    def _limit_reached(self) -> bool:
        return bool(self._options.max_requests) and self._next >= self._options.max_requests

    def _nothing_left(self) -> bool:
        return not self._waiting and all(c.job is None for c in self._connections)

    def _send_due(self, schedule: Schedule, now_ns: int) -> None:
        self._send_waiting(now_ns)
        while self._idle:
            due_ns = schedule.due_ns(self._next, now_ns)
            if due_ns > now_ns or due_ns >= schedule.end_ns or self._limit_reached():
                return  # what is due a moment before the end is still sent at the last tick
            job = SendJob(self._next % len(self._requests), self._next, due_ns)
            self._next += 1
            self.tally.started += 1
            self.tally.offered_items += self._requests[job.template].items
            self.tally.late_us.append((now_ns - due_ns) // 1000)
            self._send(job, now_ns)

    def _send_waiting(self, now_ns: int) -> None:
        while self._waiting and self._idle and self._waiting[0][0] <= now_ns:
            job = heapq.heappop(self._waiting)[2]
            self.tally.retries += 1
            self._send(job, now_ns)

    def _send(self, job: SendJob, now_ns: int) -> None:
        connection = self._idle.pop()
        job.sent_ns = now_ns
        data = self._requests[job.template].wire(job.number, self._epoch_ns + now_ns)
        self.tally.bytes_sent += len(data)
        try:
            connection.send(job, data)
        except Lost as loss:
            self._dropped(connection, str(loss))

    def _handle(self, fd: int, event: int) -> None:
        connection = self._by_fd.get(fd)
        if connection is None or connection.fd != fd:
            return
        try:
            if connection.state is ConnectionState.CONNECTING:
                connection.connected()
                self._idle.append(connection)
                return
            if event & select.EPOLLOUT:
                connection.writable()
            if event & ~select.EPOLLOUT:
                reply = connection.readable()
                if reply is not None:
                    self._answered(connection, reply)
        except Lost as loss:
            self._dropped(connection, str(loss))
        except UnreadableReply as error:
            connection.lost(str(error))
            self._dropped(connection, "unreadable answer")

    def _answered(self, connection: HttpConnection, reply: HttpReply) -> None:
        job = connection.job
        if job is None:
            raise UnreadableReply("an answer that nobody asked for")
        now_ns = time.perf_counter_ns()
        items = self._requests[job.template].items
        self.tally.statuses[reply.status] += 1
        if reply.status < 300:
            accepted = accepted_items(self._options.kind, items, reply.body)
            second = (now_ns - self._start_ns) // NANOSECONDS
            self.tally.accept(items, accepted, now_ns - job.due_ns, second)
            if self._oracle is not None:
                row = {"batchId": self._name(job.number), "accepted": accepted}
                self._oracle.write(json.dumps(row) + "\n")
        elif self._options.retry and reply.status in RETRYABLE:
            self._later(job, now_ns, reply.retry_after)
        else:
            self.tally.refused_items += items
        connection.job = None
        if reply.close:
            connection.lost("closed by reply")
            self._by_fd.pop(connection.fd, None)
        else:
            self._idle.append(connection)

    def _dropped(self, connection: HttpConnection, reason: str) -> None:
        self._by_fd.pop(connection.fd, None)
        if connection in self._idle:
            self._idle.remove(connection)
        now_ns = time.perf_counter_ns()
        connection.retry_at_ns = now_ns + _HOUSEKEEPING_NS
        job, connection.job = connection.job, None
        self.tally.faults[reason] += 1
        if job is None:
            return
        if self._options.retry:
            self._later(job, now_ns, None)
        else:
            self.tally.unknown_items += self._requests[job.template].items

    def _later(self, job: SendJob, now_ns: int, retry_after: float | None) -> None:
        pause = backoff_seconds(job.attempt, self._rng.random(), retry_after)
        job.attempt += 1
        heapq.heappush(self._waiting, (now_ns + round(pause * NANOSECONDS), job.number, job))

    def _tend(self, now_ns: int) -> None:
        """Open what is down, and give up on requests that were not answered in time."""
        limit_ns = round(self._options.timeout_seconds * NANOSECONDS)
        for connection in self._connections:
            if connection.state is ConnectionState.DOWN and now_ns >= connection.retry_at_ns:
                try:
                    self._by_fd[connection.open()] = connection
                except Lost as loss:
                    self._dropped(connection, str(loss))
            elif connection.job is not None and now_ns - connection.job.sent_ns > limit_ns:
                connection.lost("timeout")
                self._dropped(connection, "timeout")
        if self._oracle is not None:
            self._oracle.flush()

    def _give_up(self) -> None:
        """Close everything. What still waits was sent at least once and may have been stored."""
        for connection in self._connections:
            if connection.job is not None:
                self.tally.unknown_items += self._requests[connection.job.template].items
                self.tally.faults["unanswered at the end"] += 1
            connection.lost("end")
        for _, _, job in self._waiting:
            self.tally.unknown_items += self._requests[job.template].items
            self.tally.faults["not accepted at the end"] += 1
