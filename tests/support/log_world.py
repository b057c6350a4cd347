"""A small world for the laws of carrying a log: messages of frames, a sink, and a plain oracle.

The oracle knows nothing of indexes: it looks at everything that ever stood in the log.
"""

from collections import Counter
from dataclasses import dataclass, field

import msgspec

from processors.blocks.nats_frames import NatsMessage
from processors.blocks.pieces import pieces_of
from processors.blocks.reasons import SinkReason
from seamark.wire.frames import HEADER, Frame, frames_header
from seamark.wire.log_state import LogState
from seamark.wire.positions import Position
from seamark.wire.receipts import content_digest, receipt_for_batch
from tests.support.envelope_frames import envelope_frame
from tests.support.envelopes import ReadEnvelope, read_payload
from tests.support.fake_log import FakeLog

STREAM = "SEAMARK_events_0"
WINDOW_NS = 100
REASONS = {
    "bad": SinkReason.BYTES,
    "heavy": SinkReason.TOO_HEAVY,
    "faulty": SinkReason.STORE_ERROR,
}
"""Apps whose frames the sink does not take, and why."""


@dataclass(frozen=True)
class Sent:
    """One frame as a client meant it: batchId or "", its events' ids or "", and its app.

    `content` is what its events say beside their ids.
    """

    batch: str
    ids: tuple[str, ...]
    app: str = "shop"
    content: int = 0

    @property
    def digest(self) -> str:
        return content_digest(repr((self.ids, self.content)).encode()).hex()


@dataclass(frozen=True)
class Expected:
    """What has to become of the events of one frame: ids stored, ids reused, a count of repeats."""

    stored: tuple[str, ...]
    reused: tuple[str, ...]
    duplicates: int


@dataclass
class Fate:
    """The outcome of one frame, by what the sink and the dead letters hold."""

    kept: list[tuple[str, ...]] = field(default_factory=list)
    reused: list[tuple[str, ...]] = field(default_factory=list)
    outcomes: list[dict[str, int]] = field(default_factory=list)
    dead_letters: int = 0


class World:
    """The log, one record, a sink that keeps tokens once, dead letters: what survives a kill."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.stream = self.log.add(STREAM)
        self.now_ns = 10**6
        self.clock = 0.0
        self.record: Position | None = None
        self.revision = 0
        self.taken: dict[str, bytes] = {}
        self.dead_lettered: set[tuple[int, int]] = set()
        self.sent: dict[int, tuple[int, Sent]] = {}  # serial: (log's time, frame)
        self.serial_at: dict[tuple[int, int], int] = {}
        self.mended = 0  # bad frames up to this serial are taken, since the store was mended

    @property
    def last(self) -> int:
        return self.stream.last

    @property
    def state(self) -> LogState:
        return self.stream.state

    def append(self, frames: list[Sent], *, later_ns: int) -> None:
        """Store one message, so much later than the one before."""
        self.now_ns += later_ns
        self.stream.last += 1
        payloads, entries = [], []
        for index, sent in enumerate(frames):
            serial = len(self.sent) + 1
            self.sent[serial] = (self.now_ns, sent)
            self.serial_at[self.last, index] = serial
            data = envelope_frame(
                sent.batch,
                ids=sent.ids,
                app=sent.app,
                received_ns=serial,
                rejected=1,
                name=f"n{sent.content}",
            )
            receipt = receipt_for_batch("acme", sent.app, sent.batch) if sent.batch else ""
            payloads.append(data)
            digest = sent.digest if sent.batch else ""
            entries.append(Frame(len(data), receipt, any(sent.ids), digest))
        header = frames_header(entries)
        headers = f"NATS/1.0\r\n{HEADER}: {header}\r\n\r\n".encode() if header else b""
        self.stream.messages[self.last] = NatsMessage(
            self.last, self.now_ns, 0, self.clock, b"".join(payloads), headers
        )

    def write(self, token: str, messages: list[NatsMessage]) -> SinkReason | None:
        """The sink is given a block; a reason: it takes nothing of it."""
        payload = b"".join(message.payload for message in messages)
        for one in read_payload(payload):
            if one.body and one.numbers[4] > self.mended and one.texts[2] in REASONS:
                return REASONS[one.texts[2]]
        self.taken.setdefault(token, payload)
        return None

    def expire(self) -> None:
        """The log forgets what no later block can ask for."""
        if self.record is None or not self.record.token:
            return
        horizon_ns = self.record.first_ns - WINDOW_NS
        for sequence, message in list(self.stream.messages.items()):
            if sequence <= self.record.done and message.stored_ns < horizon_ns:
                del self.stream.messages[sequence]

    def fates(self) -> dict[int, Fate]:
        """By serial, of everything that is somewhere."""
        fates: dict[int, Fate] = {}
        for payload in self.taken.values():
            for envelope in read_payload(payload):
                fate = fates.setdefault(envelope.numbers[4], Fate())
                fate.outcomes.append(envelope.outcome)
                if envelope.body:
                    fate.kept.append(_ids(envelope))
                if reused := [one for one in envelope.dead_letters if one.reason == "id_reused"]:
                    events = [msgspec.json.decode(one.original) for one in reused]
                    fate.reused.append(tuple(event.get("id", "") for event in events))
        for place in self.dead_lettered:
            fates.setdefault(self.serial_at[place], Fate()).dead_letters += 1
        return fates

    def expected(self) -> dict[int, Expected]:
        """The oracle: what has to become of each frame, by its serial."""
        uses: list[tuple[str, str, int]] = []

        def use(key: str, content: str, now_ns: int) -> str:
            recent = [c for k, c, then_ns in uses if k == key and now_ns - then_ns <= WINDOW_NS]
            uses.append((key, content, now_ns))
            return "duplicate" if content in recent else "reused" if recent else "new"

        expected: dict[int, Expected] = {}
        for serial, (now_ns, sent) in self.sent.items():
            frame = "new"
            if sent.batch:
                frame = use(f"batch {sent.app} {sent.batch}", sent.digest, now_ns)
            events = [
                (i, use(f"id {sent.app} {i}", str(sent.content), now_ns) if i else "new")
                for i in sent.ids
            ]
            if frame == "duplicate":
                events = [(i, "duplicate") for i, _ in events]
            if frame == "reused":
                events = [(i, use if use == "duplicate" else "reused") for i, use in events]
            expected[serial] = Expected(
                tuple(i for i, use in events if use == "new"),
                tuple(i for i, use in events if use == "reused"),
                sum(use == "duplicate" for _, use in events),
            )
        return expected

    def check(self) -> None:
        """Nothing twice, nothing stored and dead-lettered; each event has one fate, and its own."""
        expected = self.expected()
        for serial, fate in self.fates().items():
            _, sent = self.sent[serial]
            due = expected[serial]
            assert len(fate.outcomes) <= 1, "counted twice"
            assert fate.kept in ([], [due.stored]), (fate, due)
            assert not (fate.kept and fate.dead_letters)
            assert fate.reused in ([], [due.reused])
            for outcome in fate.outcomes:
                assert outcome["accepted"] == len(sent.ids)
                assert outcome.get("duplicate", 0) == due.duplicates
                lost = 0 if fate.kept or not due.stored else len(due.stored)
                assert outcome.get("dead_lettered", 0) == lost + len(due.reused)
                assert fate.dead_letters or bool(fate.reused) == bool(due.reused)

    def check_all(self) -> None:
        """In the end: each frame counted once, each new event stored or dead-lettered."""
        self.check()
        fates = self.fates()
        assert set(fates) == set(self.sent)
        for serial, due in self.expected().items():
            fate = fates[serial]
            assert len(fate.outcomes) == 1
            assert bool(fate.kept or fate.dead_letters) == bool(due.stored)

    def pieces(self, sequence: int) -> list[NatsMessage]:
        """The frames of a message as they were stored."""
        return pieces_of(self.stream.messages[sequence])


def _ids(envelope: ReadEnvelope) -> tuple[str, ...]:
    return tuple(event.get("id", "") for event in msgspec.json.decode(envelope.body))


def counted(world: World) -> Counter[str]:
    """Sums over everything the sink took."""
    total: Counter[str] = Counter()
    for fate in world.fates().values():
        for outcome in fate.outcomes:
            total.update(outcome)
    return total
