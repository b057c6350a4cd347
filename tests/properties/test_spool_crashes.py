"""The spool's law: what is answered with 202 is in the log once, in order, whichever process ends
at any time.

A model of one stream. The log forgets ids whenever `forget` says its two minutes are over; answers
are lost before or after a message is stored, messages arrive late from dead connections, the
collector dies at any step, and its notes on how far it came are as old as you like.
"""

import enum
from collections.abc import Iterator
from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.spool.record import SpoolRecord, encode, read
from collector.spool.resend_policy import LookUp, ResendPolicy, SendRecord, Settled
from seamark.wire.signals import Signal


class Fate(enum.Enum):
    """What becomes of one message to the log."""

    ACKED = "stored and acknowledged"
    UNHEARD = "stored, the answer is lost"
    LOST = "never arrives"
    LATE = "arrives when nobody waits for it any more"
    AWAY = "not sent: there is no connection"
    DIES_BEFORE = "the collector dies before it is sent"
    DIES_AFTER = "the collector dies when it has been stored"


class Died(Exception):
    """The collector was killed."""


@dataclass
class Log:
    """A stream with a duplicate window that ends when told so."""

    stored: list[str] = field(default_factory=list)
    window: dict[str, int] = field(default_factory=dict)
    late: list[str] = field(default_factory=list)
    now: float = 0.0

    def take(self, ident: str) -> int:
        """Store unless it is remembered; its sequence."""
        if ident not in self.window:
            self.stored.append(ident)
            self.window[ident] = len(self.stored)
        return self.window[ident]

    def forget(self) -> None:
        """Two minutes pass; what was on its way has arrived before."""
        for ident in self.late:
            self.take(ident)
        self.late.clear()
        self.window.clear()
        self.now += 121

    def behind(self, after: int) -> dict[str, int]:
        return {ident: n for n, ident in enumerate(self.stored, 1) if n > after}

    def send(self, ident: str, fate: Fate) -> int | None:
        """The acknowledged sequence, or None. Raises Died."""
        match fate:
            case Fate.ACKED:
                return self.take(ident)
            case Fate.UNHEARD:
                self.take(ident)
            case Fate.LATE:
                self.late.append(ident)
            case Fate.DIES_BEFORE:
                raise Died
            case Fate.DIES_AFTER:
                self.take(ident)
                raise Died
        return None


@dataclass
class Disk:
    """One segment: what is synced, and a note that may be old."""

    data: bytes = b""
    noted: tuple[int, int] = (0, 0)


@dataclass
class Collector:
    """One life. `done` is how far the drain is in the file, in bytes."""

    log: Log
    disk: Disk
    life: int
    resend_policy: ResendPolicy = field(default_factory=ResendPolicy)
    messages: int = 0

    def __post_init__(self) -> None:
        contents = read(self.disk.data, at=0)
        self.disk.data = self.disk.data[: contents.end]  # the torn tail
        self.done, self.left_at = self.disk.noted
        self.inherited = contents.end
        self.resend_policy.acked = len(self.log.stored)

    @property
    def behind(self) -> bool:
        return self.done < len(self.disk.data)

    def append(self, fate: Fate, *, torn: int) -> str | None:
        """One frame; its id once it is answered with 202. `torn` > 0: dies while writing."""
        self.messages += 1
        ident = f"{self.life}.{self.messages}"
        tried = False
        if not self.behind:
            sequence = self.log.send(ident, fate)
            if sequence is not None:
                self.resend_policy.acked = sequence
                return ident
            tried = fate is not Fate.AWAY
        record = SpoolRecord(
            message_id=ident,
            signal=Signal.EVENTS,
            partition=0,
            payload=ident.encode(),
            weight=1,
            frames=1,
            floor=self.resend_policy.acked,
            tried=tried,
        )
        data = encode(record)
        if torn:
            self.disk.data += data[: min(torn, len(data) - 1)]
            raise Died
        self.disk.data += data
        return ident

    def drain(self, fate: Fate, *, note: bool) -> None:
        """One step of the drain. Raises Died."""
        if not self.behind:
            return
        placed = read(self.disk.data[self.done :], at=self.done).placed[0]
        left_by = "earlier" if placed.end <= self.inherited else ""
        while True:
            todo = self.resend_policy.decide(
                placed.record, left_by=left_by, left_at=self.left_at, now=self.log.now
            )
            if isinstance(todo, Settled):
                sequence = todo.sequence
                break
            if isinstance(todo, LookUp):
                found = self.log.behind(todo.after)
                self.resend_policy.looked(
                    placed.record, found, left_by=left_by, asked_at=self.log.now
                )
                continue
            acked = self.log.send(placed.record.message_id, fate)
            if acked is None:
                indeterminate = fate is not Fate.AWAY
                self.resend_policy.failed(
                    placed.record, left_by=left_by, indeterminate=indeterminate
                )
                return
            sequence = acked
            break
        self.resend_policy.settled(placed.record.message_id, sequence)
        self.done = placed.end
        if note:
            self.disk.noted = (placed.end, sequence)


Step = tuple[str, Fate, int]
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["append", "append", "drain", "drain", "kill", "forget"]),
        st.sampled_from(Fate),
        st.sampled_from([0, 0, 0, 0, 1, 30, 10_000]),
    ),
    max_size=40,
)


def run(steps: list[Step]) -> tuple[list[str], Log]:
    """What was answered with 202, and the log once everything has been drained."""
    log, disk, answered = Log(), Disk(), list[str]()
    lives: Iterator[int] = iter(range(1, 1_000))
    collector = Collector(log, disk, next(lives))
    for what, fate, number in steps:
        try:
            if what == "append":
                ident = collector.append(fate, torn=number)
                if ident is not None:
                    answered.append(ident)
            elif what == "drain":
                collector.drain(fate, note=number > 0)
            elif what == "forget":
                log.forget()
            else:
                raise Died
        except Died:
            collector = Collector(log, disk, next(lives))
    while collector.behind:
        collector.drain(Fate.ACKED, note=False)
    log.forget()
    return answered, log


@given(STEPS)
@example([("append", Fate.UNHEARD, 0), ("forget", Fate.ACKED, 0), ("drain", Fate.ACKED, 0)])
@example([("append", Fate.AWAY, 0), ("drain", Fate.DIES_AFTER, 0), ("forget", Fate.ACKED, 0)])
@example(
    [
        ("append", Fate.LATE, 0),
        ("drain", Fate.AWAY, 0),
        ("forget", Fate.ACKED, 0),
        ("drain", Fate.ACKED, 0),
    ]
)
@example(
    [
        ("append", Fate.AWAY, 0),
        ("drain", Fate.LATE, 0),
        ("kill", Fate.ACKED, 0),
        ("drain", Fate.AWAY, 0),
        ("forget", Fate.ACKED, 0),
        ("drain", Fate.ACKED, 0),
    ]
)
@example(  # what a dead one had sent arrives behind the look of the next, which then waits
    [
        ("append", Fate.UNHEARD, 0),
        ("drain", Fate.ACKED, 0),
        ("append", Fate.LATE, 0),
        ("append", Fate.ACKED, 1),
        ("drain", Fate.ACKED, 0),
        ("forget", Fate.ACKED, 0),
    ]
)
@settings(max_examples=1_500, deadline=None)
def test_answered_means_once_and_in_order(steps: list[Step]) -> None:
    answered, log = run(steps)
    assert len(set(log.stored)) == len(log.stored)
    ours = set(answered)
    assert [ident for ident in log.stored if ident in ours] == answered


class Careless(ResendPolicy):
    """Takes it that the log holds nothing."""

    def decide(
        self, head: SpoolRecord, *, left_by: str, left_at: int, now: float
    ) -> LookUp | SendRecord | Settled:
        todo = super().decide(head, left_by=left_by, left_at=left_at, now=now)
        if isinstance(todo, LookUp):
            self.looked(head, {}, left_by=left_by, asked_at=now)
            return super().decide(head, left_by=left_by, left_at=left_at, now=now)
        return todo


def test_the_model_is_worth_something() -> None:
    log, disk = Log(), Disk()
    collector = Collector(log, disk, 1, resend_policy=Careless())
    collector.append(Fate.UNHEARD, torn=0)
    log.forget()
    collector.drain(Fate.ACKED, note=False)
    assert log.stored == ["1.1", "1.1"]
