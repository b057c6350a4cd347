"""Every frame exactly once, whichever process is killed at any time, and with two readers of one
stream.

Each actor is the runner's loop, one yield for every point at which it can be overtaken or killed.
The sink keeps each token once, refuses some frames, fails on others, and is mended now and then.
Indexes of dedup survive kills, or are lost, exchanged, or found again as they were long ago. The
machine interleaves it all as hypothesis likes; the oracle is `tests/support/log_world.py`.
"""

import asyncio
import itertools
from collections.abc import Generator

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processors.blocks import decide
from processors.blocks.decide import (
    BlockLimits,
    MoveToDeadLetters,
    Offer,
    Send,
    Wait,
)
from processors.blocks.dedup.index import DedupIndex, DedupIndexUnavailable
from processors.blocks.dedup.prepare import prepare
from processors.blocks.dedup.rewrite import dedup_block
from processors.blocks.nats_frames import NatsMessage
from processors.blocks.pieces import notice_of, pieces_of
from processors.blocks.reasons import SinkReason
from seamark.wire.positions import Position
from seamark.wire.signals import Signal
from tests.support.log_world import STREAM, WINDOW_NS, Sent, World

ACTORS = 2
FRAMES = st.builds(
    Sent,
    st.sampled_from(["", "", "b1", "b2"]),
    st.lists(st.sampled_from(["", "i1", "i2", "i3"]), min_size=1, max_size=3).map(tuple),
    st.sampled_from(["shop"] * 8 + ["bad", "bad", "heavy", "faulty"]),
)


class Actor:
    """A runner that can be stopped between any two things it does."""

    def __init__(self, world: World, limits: BlockLimits, index: DedupIndex) -> None:
        self.index = index
        self._world = world
        self._limits = limits
        self._state = decide.State(STREAM, Position(0, 0), 0)
        self._revision = 0
        self._buffer: list[NatsMessage] = []

    def life(self, loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
        """From the record to a rival or a kill."""
        world = self._world
        record, self._revision = world.record, world.revision
        yield
        self._state = decide.resume(STREAM, record, world.state)
        position = self._state.position
        loop.run_until_complete(
            prepare(self.index, world.log, STREAM, position=position, stop=asyncio.Event())
        )
        yield
        read, target = self._state.inserted, world.last
        while True:
            yield
            for _ in range(min(3, world.last - read)):  # a few a turn: the network is slow
                read += 1
                if read in world.stream.messages:
                    self._buffer.append(world.stream.messages[read])
            step = decide.next_step(
                self._state,
                self._buffer,
                buffered_bytes=sum(len(m.payload) for m in self._buffer),
                complete=read >= target,
                limits=self._limits,
                now=world.clock,
            )
            if isinstance(step, Wait):
                continue
            if step.position != self._state.position:
                yield
                if world.revision != self._revision:
                    return  # fenced
                world.record, world.revision = step.position, world.revision + 1
                self._revision = world.revision
                self._state = decide.recorded(self._state, step.position)
                yield
            if isinstance(step, Send | Offer | MoveToDeadLetters):
                count = step.count if isinstance(step, Send) else 1
                try:
                    deduped = dedup_block(
                        self.index,
                        self._buffer[:count],
                        signal=Signal.EVENTS,
                        position=step.position,
                    )
                except DedupIndexUnavailable:
                    return
                yield
                yield from self._do(step, list(deduped.messages))

    def _do(
        self, step: Send | Offer | MoveToDeadLetters, block: list[NatsMessage]
    ) -> Generator[None, None, None]:
        world, token = self._world, step.position.token
        if isinstance(step, Send):
            if reason := world.write(token, block):
                self._state = decide.failed(self._state, reason)
                if reason is SinkReason.BYTES or decide.may_be_split(self._state, reason):
                    self._state = decide.refused(self._state)
                return
            yield
            self._state = decide.inserted(self._state, world.clock)
        elif isinstance(step, Offer):
            bad = []
            for index, piece in enumerate(pieces_of(block[0])):
                for failures in itertools.count(1):
                    reason = world.write(f"{token}/{index}", [piece])
                    yield
                    if reason is None:
                        break
                    if reason is SinkReason.BYTES or decide.gives_up_frame(reason, failures):
                        bad.append(index)
                        break
            self._state = decide.offered(self._state, bad, world.clock)
            if bad:
                return
        else:
            pieces = pieces_of(block[0])
            for index in step.position.frames or ():
                world.dead_lettered.add((block[0].sequence, index))
                yield
                told = notice_of(pieces[index], name="n", words="bad", signal=Signal.EVENTS)
                notice = msgspec.structs.replace(pieces[index], payload=told)
                assert world.write(f"{token}/{index}/notice", [notice]) is None
                yield
            self._state = decide.dead_lettered(self._state, world.clock)
        del self._buffer[: len(block)]


class Crashes(RuleBasedStateMachine):
    """Append, run, kill, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.world = World()
        self.limits = BlockLimits(messages=3, bytes=900, age_seconds=1.0, idle_seconds=1.0)
        self.indexes = [self._new_index() for _ in range(ACTORS + 1)]  # one lies aside, and ages
        self.actors = [self._new_actor(who) for who in range(ACTORS)]

    def _new_index(self) -> DedupIndex:
        return DedupIndex("", window_ns=WINDOW_NS)

    def _new_actor(self, who: int) -> Generator[None, None, None]:
        return Actor(self.world, self.limits, self.indexes[who]).life(self.loop)

    @rule(
        messages=st.lists(st.lists(FRAMES, min_size=1, max_size=3), min_size=1, max_size=5),
        later_ns=st.sampled_from([1, 7, 30, WINDOW_NS, WINDOW_NS + 1]),
    )
    def append(self, messages: list[list[Sent]], later_ns: int) -> None:
        for frames in messages:
            self.world.append(frames, later_ns=later_ns)

    @rule(who=st.integers(0, ACTORS - 1), turns=st.integers(1, 25))
    def run(self, who: int, turns: int) -> None:
        for _ in range(turns):
            self._turn(who)

    @rule(who=st.integers(0, ACTORS - 1))
    def kill(self, who: int) -> None:
        self.actors[who] = self._new_actor(who)

    @rule(who=st.integers(0, ACTORS - 1), turns=st.integers(1, 60))
    def mend_the_store(self, who: int, turns: int) -> None:
        """What it refused before it takes now.

        The sinks are started again for that, so nobody is left who was about to send what was
        refused: see invariant 4 in `decide`.
        """
        self.world.append([Sent("", ("",)), Sent("", ("",), "bad")], later_ns=1)
        self.world.clock += 5.0
        self.run(who, turns)
        self.world.mended = len(self.world.sent)
        for one in range(ACTORS):
            self.kill(one)

    @rule(who=st.integers(0, ACTORS - 1))
    def lose_index(self, who: int) -> None:
        self.indexes[who].close()
        self.indexes[who] = self._new_index()
        self.kill(who)

    @rule(one=st.integers(0, ACTORS), other=st.integers(0, ACTORS))
    def exchange_indexes(self, one: int, other: int) -> None:
        """One that is older, or ahead of its new owner's, or of its rival's."""
        indexes = self.indexes
        indexes[one], indexes[other] = indexes[other], indexes[one]
        self.kill(min(one, ACTORS - 1))

    @rule(seconds=st.floats(0, 2))
    def pass_time(self, seconds: float) -> None:
        self.world.clock += seconds

    @rule(count=st.integers(1, 4))
    def change_limits(self, count: int) -> None:
        """The cutting rule may differ between two starts, or between rivals."""
        self.limits = BlockLimits(
            messages=count, bytes=300 * count, age_seconds=0.5, idle_seconds=0.5
        )

    @rule()
    def expire(self) -> None:
        self.world.expire()

    def _turn(self, who: int) -> None:
        try:
            next(self.actors[who])
        except StopIteration:
            self.actors[who] = self._new_actor(who)

    @invariant()
    def nothing_twice(self) -> None:
        self.world.check()

    def teardown(self) -> None:
        """In the end all is there: what is new once, bad frames dead-lettered, the rest counted."""
        world = self.world
        for _ in range(200 + 160 * world.last):
            world.clock += 1.0
            self._turn(0)
        world.check_all()
        if world.last:
            assert world.record is not None
            assert world.record.done == world.record.end == world.last
        for index in self.indexes:
            index.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


Crashes.TestCase.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
TestCrashes = Crashes.TestCase
