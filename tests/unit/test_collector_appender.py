"""One request into the log: as one envelope, or as one for each partition its ids choose."""

import asyncio
import random
from dataclasses import dataclass, field

import pytest

from collector.admission.native.event import Event
from collector.ingest.appender import Appender, AppendRequest
from collector.log import LogFrame
from collector.publish.spread import SPREAD_BYTES
from seamark.wire.envelope import DeadLetter, Outcome
from seamark.wire.failures import Unavailable
from seamark.wire.frames import ITEM_WEIGHT
from seamark.wire.signals import Signal, choose_partition
from tests.support.envelopes import ReadEnvelope, read_payload

PARTITIONS = 4
NOW_NS = 1_795_316_640_000_000_000
DEAD_LETTER = DeadLetter(0, "invalid_name", "name", "it is none", b"{}" * 500)


@dataclass(frozen=True)
class Taken:
    """One frame."""

    partition: int
    receipt: str
    event_ids: bool
    weight: int
    envelope: ReadEnvelope


@dataclass
class Log:
    """Takes frames, but for the partitions that are away."""

    taken: list[Taken] = field(default_factory=list)
    away: set[int] = field(default_factory=set)

    async def append(self, frame: LogFrame) -> None:
        if frame.partition in self.away:
            raise Unavailable("it is away")
        await asyncio.sleep(0)
        [envelope] = read_payload(frame.data)
        self.taken.append(
            Taken(frame.partition, frame.receipt, frame.event_ids, frame.weight, envelope)
        )


def request(*, batch_id: str = "", who: str = "s-1") -> AppendRequest:
    return AppendRequest(
        org="o",
        app="a",
        sender=b"",
        receipt="r",
        received_ns=NOW_NS,
        sent_ms=None,
        signal=Signal.EVENTS,
        partition_by=batch_id or who,
        digest="d" if batch_id else "",
    )


def events(*idents: str | None) -> list[Event]:
    return [Event(ts=n, name="a", id=ident) for n, ident in enumerate(idents)]


@pytest.mark.parametrize(("batch_id", "receipt"), [("", ""), ("b", "r")])
async def test_a_batch_without_ids_is_one_frame(batch_id: str, receipt: str) -> None:
    log = Log()
    await Appender(log, partitions=PARTITIONS).whole(
        request(batch_id=batch_id), body=b"[]", outcome=Outcome(3, 3), dead_letters=()
    )

    [taken] = log.taken
    home = choose_partition("o", "a", batch_id or "s-1", PARTITIONS)
    assert (taken.partition, taken.receipt, taken.event_ids) == (home, receipt, False)


@pytest.mark.parametrize(("batch_id", "receipt"), [("", ""), ("b", "r")])
async def test_every_piece_has_the_batchs_receipt(batch_id: str, receipt: str) -> None:
    log = Log()
    idents = [f"e{n}" for n in range(30)]
    await Appender(log, partitions=PARTITIONS).pieces(
        request(batch_id=batch_id), events=events(*idents), outcome=Outcome(30, 30), dead_letters=()
    )

    assert len({taken.partition for taken in log.taken}) == len(log.taken) > 1
    for taken in log.taken:
        assert (taken.receipt, taken.envelope.receipt, taken.event_ids) == (receipt, "r", True)
    assert sum(taken.envelope.outcome["accepted"] for taken in log.taken) == 30


async def test_only_frames_with_ids_are_marked() -> None:
    log = Log()
    home = choose_partition("o", "a", "b", PARTITIONS)
    ident = next(
        ident
        for ident in map(str, range(100))
        if choose_partition("o", "a", ident, PARTITIONS) != home
    )
    await Appender(log, partitions=PARTITIONS).pieces(
        request(batch_id="b"),
        events=events(None, ident, ""),
        outcome=Outcome(3, 3),
        dead_letters=(),
    )

    assert {taken.partition: taken.event_ids for taken in log.taken} == {
        home: False,
        choose_partition("o", "a", ident, PARTITIONS): True,
    }


async def test_dead_letters_go_with_the_first_piece_and_weigh() -> None:
    weights = []
    for dead_letters in ([], [DEAD_LETTER] * 3):
        log = Log()
        await Appender(log, partitions=PARTITIONS).pieces(
            request(),
            events=events(*map(str, range(30))),
            outcome=Outcome(33, 30, {"invalid_name": 3}),
            dead_letters=dead_letters,
        )
        assert [
            taken.envelope.dead_letters for taken in log.taken if taken.envelope.dead_letters
        ] == ([dead_letters] if dead_letters else [])
        weights.append(sum(taken.weight for taken in log.taken))

    assert weights[1] - weights[0] > 3 * (len(DEAD_LETTER.original) + ITEM_WEIGHT)


async def test_a_piece_that_fails_fails_the_batch_once_all_are_settled() -> None:
    """What is in the log is met there by the retry; nothing is left under way."""
    log = Log(away={0})
    idents = [str(n) for n in range(30)]
    with pytest.raises(Unavailable, match="it is away"):
        await Appender(log, partitions=PARTITIONS).pieces(
            request(batch_id="b"), events=events(*idents), outcome=Outcome(30, 30), dead_letters=()
        )

    assert {taken.partition for taken in log.taken} == {1, 2, 3}


async def test_events_without_ids_move_on_with_a_heavy_sender() -> None:
    log = Log()
    appender = Appender(log, partitions=PARTITIONS)
    home = choose_partition("o", "a", "s-1", PARTITIONS)
    heavy = random.Random(7).randbytes(SPREAD_BYTES)
    for _ in range(2):
        await appender.pieces(
            request(), events=events(None), outcome=Outcome(1, 1), dead_letters=()
        )
        await appender.whole(request(), body=heavy, outcome=Outcome(1, 1), dead_letters=())

    assert [taken.partition for taken in log.taken] == [
        *(home, home, (home + 1) % PARTITIONS, (home + 1) % PARTITIONS)
    ]
