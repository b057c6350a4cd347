"""Refused requests on their way to the log: they wait for it, and go once."""

import asyncio
from dataclasses import dataclass, field

from collector.admission.rejection_tally import RequestOwner
from collector.ingest.request_rejections import RequestRejections
from collector.log import LogFrame
from seamark.wire.failures import Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from tests.support.envelopes import ReadEnvelope, read_payload

SHOP = RequestOwner("acme", "shop", "k1", Signal.EVENTS)
NOW_NS = 1_795_316_640_000_000_000
MINUTE_NS = 60 * 1_000_000_000


@dataclass
class Log:
    """Takes frames, or is away: then it refuses, or does not answer at all."""

    taken: list[tuple[Signal, str, ReadEnvelope]] = field(default_factory=list)
    away: bool = False
    silent: bool = False
    tries: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def append(self, frame: LogFrame) -> None:
        self.tries += 1
        if self.silent:
            await asyncio.Event().wait()
        if self.away:
            raise Unavailable("it is away")
        [envelope] = read_payload(frame.data)
        self.taken.append((frame.signal, frame.receipt, envelope))
        self.arrived.set()


def build(log: Log, *, every_seconds: float = 60.0) -> RequestRejections:
    return RequestRejections(
        log=log,
        partitions=4,
        server_version="1",
        every_seconds=every_seconds,
        last_seconds=0.05,
    )


async def test_counts_wait_for_the_log_and_go_once() -> None:
    log = Log(away=True)
    refusals = build(log)
    refusals.count(SHOP, Reason.TOO_LARGE, now_ns=NOW_NS)
    await refusals.flush()
    refusals.count(SHOP, Reason.TOO_LARGE, now_ns=NOW_NS + MINUTE_NS)
    await refusals.flush()
    assert (log.taken, log.tries) == ([], 2)  # what came later is not even written yet
    log.away = False
    for _ in range(3):
        await refusals.flush()

    assert [envelope.request_rejections for _, _, envelope in log.taken] == [
        {"body_too_large": 1}
    ] * 2
    assert [envelope.numbers[4] for _, _, envelope in log.taken] == [NOW_NS, NOW_NS + MINUTE_NS]
    for signal, receipt, envelope in log.taken:
        assert signal is Signal.EVENTS
        assert receipt == envelope.receipt != ""  # a second try can be told from a first
        assert envelope.outcome == {}


async def test_they_are_flushed_by_the_clock() -> None:
    log = Log()
    refusals = build(log, every_seconds=0.01)
    await refusals.start()
    refusals.count(SHOP, Reason.ORIGIN, now_ns=NOW_NS)
    async with asyncio.timeout(5):
        await log.arrived.wait()
    await refusals.stop()

    assert len(log.taken) == 1


async def test_they_are_flushed_at_the_end() -> None:
    log = Log()
    refusals = build(log)
    await refusals.start()
    refusals.count(SHOP, Reason.ORIGIN, now_ns=NOW_NS)
    await refusals.stop()

    assert [envelope.request_rejections for _, _, envelope in log.taken] == [
        {"origin_not_allowed": 1}
    ]


async def test_a_log_that_does_not_answer_does_not_hold_up_the_end() -> None:
    refusals = build(Log(silent=True))
    await refusals.start()
    refusals.count(SHOP, Reason.ORIGIN, now_ns=NOW_NS)
    async with asyncio.timeout(5):
        await refusals.stop()
