"""The runner against doubles: kills, outages, rivals, poison, a log that goes back."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from prometheus_client import REGISTRY

from processors.blocks.backoff import backoff_seconds
from processors.blocks.dead_letter_limit import DeadLetterLimits
from processors.blocks.decide import BlockLimits
from processors.blocks.dedup.folder import DedupFolder
from processors.blocks.parts import Parts
from processors.blocks.positions import Recorded
from processors.blocks.reasons import SinkReason
from processors.blocks.run import StreamRunner
from seamark.service.health import Health
from seamark.wire.positions import Position
from seamark.wire.signals import Signal
from tests.support.envelope_frames import frame, opened
from tests.support.fake_log import FakeDeadLetterQueue, FakeLog, FakePositions, TokenSink

S = "SEAMARK_events_0"
LIMITS = BlockLimits(messages=7, bytes=10_000, age_seconds=0.005, idle_seconds=0.02)


class Bench:
    """One stream, one sink, and as many runners as a test wants."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.positions = FakePositions()
        self.dead_letter_queue = FakeDeadLetterQueue()
        self.sink = TokenSink()
        self.health = Health()
        self.parts = Parts(
            log=self.log,
            positions=self.positions,
            dead_letter_queue=self.dead_letter_queue,
            sink=self.sink,
            dedup=DedupFolder(),
            slots=asyncio.Semaphore(2),
            health=self.health,
            limits=LIMITS,
            buffer_bytes=2_000,
            standby_seconds=(0.005, 0.015),
            regressed_seconds=0.01,
        )

    def runner(self, stop: asyncio.Event, stream: str = S) -> "asyncio.Task[None]":
        return asyncio.create_task(StreamRunner(Signal.EVENTS, stream, self.parts, stop).run())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Event]:
        """One runner, stopped at the end as by SIGTERM."""
        stop = asyncio.Event()
        task = self.runner(stop)
        try:
            yield stop
        finally:
            stop.set()
            await asyncio.wait_for(task, 10)

    @property
    def record(self) -> Position | None:
        return self.positions.records.get(f"test.{S}", Recorded(None, 0)).position


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.log.add(S)
    yield made
    await asyncio.to_thread(made.parts.dedup.close)


async def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # of any kind, so there is no event to await
            await asyncio.sleep(0.002)


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, {"sink": "test", "stream": S} | labels) or 0.0


def names(count: int) -> list[bytes]:
    return [b"%d" % n for n in range(count)]


async def test_messages_arrive_once_and_the_idle_stream_commits(bench: Bench) -> None:
    async with bench.running():
        for name in names(50):
            bench.log.append(S, name)
        await until(lambda: bench.record is not None and bench.record.done == 50)
    assert bench.sink.payloads == Counter(names(50))
    assert max(bench.sink.tokens.values()) <= LIMITS.messages
    assert bench.sink.repeats == 0


async def test_every_insert_was_announced(bench: Bench) -> None:
    async with bench.running():
        for name in names(30):
            bench.log.append(S, name)
        await until(lambda: len(bench.sink.payloads) == 30)
    announced = {position.token for _, position in bench.positions.history}
    assert set(bench.sink.tokens) <= announced


async def test_two_hundred_kills_lose_and_double_nothing(bench: Bench) -> None:
    chance = random.Random(7)
    sent = names(1500)
    left = iter(sent)
    for _ in range(200):
        task = bench.runner(asyncio.Event())
        for _ in range(chance.randrange(12)):
            name = next(left, None)
            if name is not None:
                bench.log.append(S, name)
            await asyncio.sleep(chance.choice([0, 0, 0, 0.001, 0.006]))
        bench.sink.outages = chance.choice([0, 0, 0, 2])
        task.cancel()  # at whatever point it is: the runner's own `finally` cannot write
        await asyncio.gather(task, return_exceptions=True)
    for name in left:
        bench.log.append(S, name)
    async with bench.running():
        await until(lambda: len(bench.sink.payloads) == len(sent))
    assert bench.sink.payloads == Counter(sent)
    assert bench.sink.repeats > 0  # kills did hit between the insert and its record


async def test_two_rivals_alternate_and_double_nothing(bench: Bench) -> None:
    bench.sink.seconds = 0.002
    fenced = counted("seamark_processor_fenced_total")
    async with bench.running(), bench.running():
        for name in names(600):
            bench.log.append(S, name)
            if int(name) % 5 == 0:
                await asyncio.sleep(0.001)
        await until(lambda: len(bench.sink.payloads) == 600)
    assert bench.sink.payloads == Counter(names(600))
    assert counted("seamark_processor_fenced_total") > fenced


async def test_a_sink_that_is_away_gets_the_same_block_again(bench: Bench) -> None:
    bench.sink.outages = 3
    retries = counted("seamark_processor_retries_total", reason="connection")
    async with bench.running():
        bench.log.append(S, b"a")
        await until(lambda: not bench.health.ready)
        await until(lambda: bench.sink.payloads[b"a"] == 1)
        await until(lambda: bench.health.ready)
    assert counted("seamark_processor_retries_total", reason="connection") == retries + 3
    assert len({position.token for _, position in bench.positions.history}) == 1


async def test_one_bad_message_is_dead_lettered_and_the_rest_arrives(bench: Bench) -> None:
    sent = names(40)
    sent[11] = sent[29] = b"POISON"
    for name in sent:
        bench.log.append(S, name)
    async with bench.running():
        await until(lambda: bench.record is not None and bench.record.done == 40)
    assert bench.sink.payloads == Counter(n for n in sent if n != b"POISON")
    assert bench.dead_letter_queue.dead_letters == {
        ("test", S, 12, 0): b"POISON",
        ("test", S, 30, 0): b"POISON",
    }


async def test_kills_while_looking_for_bad_messages(bench: Bench) -> None:
    chance = random.Random(11)
    sent = [b"POISON" if n % 13 == 5 else b"%d" % n for n in range(200)]
    for name in sent:
        bench.log.append(S, name)
    for _ in range(120):
        task = bench.runner(asyncio.Event())
        for _ in range(chance.randrange(1, 25)):
            await asyncio.sleep(chance.choice([0, 0, 0, 0, 0.006]))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with bench.running():
        await until(lambda: bench.record is not None and bench.record.done == 200)
    assert bench.sink.payloads == Counter(n for n in sent if n != b"POISON")
    assert len(bench.dead_letter_queue.dead_letters) == sent.count(b"POISON")


async def test_a_gap_is_counted_and_read_over(bench: Bench) -> None:
    gaps = counted("seamark_processor_gap_messages_total")
    for name in names(9):
        bench.log.append(S, name)
    for sequence in (4, 5):
        del bench.log.streams[S].messages[sequence]
    async with bench.running():
        await until(lambda: len(bench.sink.payloads) == 7)
    assert counted("seamark_processor_gap_messages_total") == gaps + 2


async def test_a_regressed_log_stops_the_stream_until_the_record_is_deleted(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.positions.records[f"test.{S}"] = Recorded(Position(10, 10, f"{S}:1-10:5"), 1)
    for name in names(3):
        bench.log.append(S, name)
    async with bench.running():
        await until(lambda: counted("seamark_processor_log_regressed") == 1)
        assert not bench.health.ready
        await asyncio.sleep(0.05)
        assert not bench.sink.payloads
        del bench.positions.records[f"test.{S}"]
        await until(lambda: len(bench.sink.payloads) == 3)
        assert counted("seamark_processor_log_regressed") == 0
    assert "CRITICAL" in {record.levelname for record in caplog.records}


async def test_a_lost_reader_is_replaced(bench: Bench) -> None:
    async with bench.running():
        for name in names(20):
            bench.log.append(S, name)
            await asyncio.sleep(0.001)
            if int(name) % 5 == 0:
                bench.log.lose()
        await until(lambda: len(bench.sink.payloads) == 20)
    assert bench.sink.payloads == Counter(names(20))


async def test_a_client_s_retry_only_counts_over_kills_too(bench: Bench) -> None:
    frames = [frame(n, events=2) for n in range(20)]
    for n in range(60):
        bench.log.append(S, frames[n % 20].payload, headers=frames[n % 20].headers)
    for _ in range(30):
        task = bench.runner(asyncio.Event())
        await asyncio.sleep(0.003)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with bench.running():
        await until(lambda: bench.record is not None and bench.record.done == 60)
    kept = Counter[str]()
    for payload, count in bench.sink.payloads.items():
        (envelope,) = opened(payload)
        kept["whole" if envelope.event_ids() else "counted"] += count
        assert envelope.outcome.duplicate == (0 if envelope.event_ids() else 2)
    assert kept == {"whole": 20, "counted": 40}


async def test_a_bad_frame_is_dead_lettered_alone_and_reported(bench: Bench) -> None:
    bench.sink.notices = True
    good, bad = frame(1, events=3), frame(2, events=2, name="POISON")
    bench.log.append(S, good.payload + bad.payload + frame(3, events=1).payload)
    async with bench.running():
        await until(lambda: bench.record is not None and bench.record.done == 1)
    stored = [envelope for payload in bench.sink.payloads for envelope in opened(payload)]
    assert [envelope.outcome.accepted for envelope in stored] == [3, 1]
    assert bench.dead_letter_queue.dead_letters == {("test", S, 1, 1): bad.payload}
    ((token, notice),) = bench.sink.told.items()
    assert token.endswith("/1/notice")
    (told,) = opened(notice)
    assert (told.org, told.outcome.accepted, told.outcome.dead_lettered) == ("acme", 2, 2)
    assert told.event_ids() == []


@pytest.mark.parametrize("reason", [SinkReason.TOO_HEAVY, SinkReason.STORE_ERROR])
async def test_a_message_that_always_fails_is_dead_lettered_and_the_rest_arrives(
    bench: Bench, reason: SinkReason
) -> None:
    bench.sink.notices = True
    bench.sink.fails = {b"HEAVY": reason}
    good, heavy = frame(1, events=3), frame(2, events=2, name="HEAVY")
    for name in names(20):
        bench.log.append(S, name)
    bench.log.append(S, good.payload + heavy.payload)
    for name in names(40)[20:]:
        bench.log.append(S, name)
    async with bench.running():
        await until(lambda: bench.record is not None and bench.record.done == 41, seconds=60)
        assert bench.health.ready
    assert bench.sink.payloads == Counter([*names(40), good.payload])
    assert bench.dead_letter_queue.dead_letters == {("test", S, 21, 1): heavy.payload}
    assert [token.rpartition(":")[2] for token in bench.sink.told] == [f"{10**12 + 21}/1/notice"]


async def test_a_block_of_which_a_part_was_written_is_never_split(bench: Bench) -> None:
    bench.sink.fails = {b"7": SinkReason.TOO_HEAVY}
    bench.log.append(S, b"7")
    bench.log.append(S, b"8")
    bench.sink.partial = {f"{S}:1-2:{10**12 + 1}"}
    retries = counted("seamark_processor_retries_total", reason="too_heavy")
    async with bench.running():
        await until(
            lambda: counted("seamark_processor_retries_total", reason="too_heavy") > retries + 3
        )
        assert not bench.health.ready
        bench.sink.fails = {}
        await until(lambda: bench.sink.payloads == Counter([b"7", b"8"]))
    assert bench.sink.tokens == {f"{S}:1-2:{10**12 + 1}": 2}
    assert not bench.dead_letter_queue.dead_letters


async def test_a_sink_that_takes_nothing_dead_letters_one_message_at_most(bench: Bench) -> None:
    bench.sink.notices = True
    bench.sink.fails = {b"": SinkReason.STORE_ERROR}  # a view that fails on every insert
    for serial in range(20):
        bench.log.append(S, frame(serial, events=1).payload)
    async with bench.running():
        await until(lambda: bool(bench.dead_letter_queue.dead_letters), seconds=60)
        retries = counted("seamark_processor_retries_total", reason="store_error")
        await until(
            lambda: counted("seamark_processor_retries_total", reason="store_error") > retries + 2,
            seconds=60,
        )
        assert not bench.health.ready
        assert len(bench.dead_letter_queue.dead_letters) == 1
        bench.sink.fails = {}
        await until(lambda: bench.record is not None and bench.record.done == 20, seconds=60)
    assert len(bench.dead_letter_queue.dead_letters) == 1
    assert sum(bench.sink.payloads.values()) == 19


async def test_a_stream_stops_at_the_dead_letter_limit_and_goes_on_when_the_sink_is_mended(
    bench: Bench,
) -> None:
    bench.parts = replace(
        bench.parts, dead_letter_limits=DeadLetterLimits(per_minute=3), stopped_seconds=0.01
    )
    for n in range(10):
        bench.log.append(S, b"POISON %d" % n)
    async with bench.running():
        await until(lambda: "stopped: 4 frames" in str(bench.health.report()))
        assert not bench.health.ready
        assert len(bench.dead_letter_queue.dead_letters) == 3
        bench.sink.poison = b"OTHER"
        await until(lambda: bench.record is not None and bench.record.done == 10)
        await until(lambda: bench.health.ready)
    assert len(bench.dead_letter_queue.dead_letters) == 3
    assert sum(bench.sink.payloads.values()) == 7


async def test_lost_positions_lose_and_double_nothing(bench: Bench) -> None:
    chance = random.Random(3)
    sent = names(300)
    left = iter(sent)
    for _ in range(40):
        bench.sink.written_ms = chance.choice([0, 10**15])  # long ago, or a moment ago
        task = bench.runner(asyncio.Event())
        for _ in range(chance.randrange(14)):
            if (name := next(left, None)) is not None:
                bench.log.append(S, name)
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.006]))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        bench.positions.records.clear()
    for name in left:
        bench.log.append(S, name)
    async with bench.running():
        await until(lambda: len(bench.sink.payloads) == len(sent))
        await until(lambda: bench.record is not None and bench.record.done == len(sent))
    assert bench.sink.payloads == Counter(sent)


async def test_a_record_that_the_sink_contradicts_stops_the_stream(bench: Bench) -> None:
    bench.sink.notices = True
    for name in names(30):
        bench.log.append(S, name)
    async with bench.running():
        await until(lambda: bench.record is not None and bench.record.done == 30)
    bench.sink.written = bench.sink.written[:2]  # an older copy of the store
    async with bench.running():
        await until(lambda: "stopped: the record says" in str(bench.health.report()))
        assert not bench.health.ready


async def test_a_missing_stream_is_waited_for(bench: Bench) -> None:
    del bench.log.streams[S]
    async with bench.running():
        await until(lambda: "does not exist" in str(bench.health.report()))
        bench.log.add(S)
        bench.log.append(S, b"a")
        await until(lambda: bench.sink.payloads[b"a"] == 1)


async def test_stop_finishes_the_insert_in_flight_and_records_it(bench: Bench) -> None:
    bench.sink.seconds = 0.1
    async with bench.running():
        bench.log.append(S, b"a")
        await until(lambda: bench.sink.running == 1)
    assert bench.sink.payloads == Counter([b"a"])
    assert bench.record == Position(1, 1, f"{S}:1-1:{10**12 + 1}")


async def test_slots_bound_the_inserts_in_flight_over_all_streams(bench: Bench) -> None:
    streams = [f"SEAMARK_events_{n}" for n in range(5)]
    bench.sink.seconds = 0.005
    stop = asyncio.Event()
    for stream in streams:
        bench.log.add(stream)
        for name in names(20):
            bench.log.append(stream, name)
    tasks = [bench.runner(stop, stream) for stream in streams]
    await until(lambda: sum(bench.sink.payloads.values()) == 100)
    stop.set()
    await asyncio.gather(*tasks)
    assert bench.sink.most_running == 2


async def test_a_sink_that_is_away_for_one_stream_leaves_the_slots_to_others(bench: Bench) -> None:
    class Half(TokenSink):
        async def write(self, block):  # type: ignore[no-untyped-def]
            if block.stream == S:
                self.outages = 1
            await super().write(block)

    sink = Half()
    bench.parts = replace(bench.parts, sink=sink, slots=asyncio.Semaphore(1))
    other = "SEAMARK_events_1"
    bench.log.add(other)
    stop = asyncio.Event()
    tasks = [bench.runner(stop, S), bench.runner(stop, other)]
    bench.log.append(S, b"stuck")
    for name in names(20):
        bench.log.append(other, name)
    await until(lambda: sum(sink.payloads.values()) == 20)
    stop.set()
    await asyncio.gather(*tasks)
    assert sink.payloads == Counter(names(20))


def test_backoff_doubles_up_to_its_ceiling() -> None:
    waits = [backoff_seconds(tries, last=5.0) for tries in range(1, 40)]
    assert 0.05 <= waits[0] <= 0.1
    assert all(2.5 <= wait <= 5.0 for wait in waits[8:])
