"""Every message exactly once, whoever is killed whenever, and with two readers of one stream.

Each actor is the runner's loop, one yield for every point at which it can be overtaken or killed.
The sink keeps each token once. The machine interleaves the actors as hypothesis likes.
"""

from collections import Counter
from collections.abc import Generator

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from processors.blocks import decide
from processors.blocks.decide import Bury, Commit, Limits, LogState, Position, Send
from processors.blocks.nats_frames import Message

STREAM = "SEAMARK_events_0"
ACTORS = 2


class World:
    """The log, one record, a sink that keeps tokens once, a grave: what survives a kill."""

    def __init__(self) -> None:
        self.log: dict[int, Message] = {}
        self.last = 0
        self.clock = 0.0
        self.record: Position | None = None
        self.revision = 0
        self.taken: dict[str, list[int]] = {}
        self.buried: set[int] = set()
        self.gone: set[int] = set()

    @property
    def state(self) -> LogState:
        return LogState(min(self.log, default=self.last + 1), self.last, 0)

    def arrived(self) -> Counter[int]:
        return Counter(sequence for block in self.taken.values() for sequence in block)


def actor(world: World, limits: Limits) -> Generator[None, None, None]:
    """The runner, with a yield between any two things it does."""
    record, revision = world.record, world.revision
    yield
    state = decide.resume(STREAM, record, world.state)
    yield
    read = state.inserted
    target = world.last
    buffer: list[Message] = []
    while True:
        yield
        for _ in range(min(3, world.last - read)):  # a few messages a turn: the network is slow
            read += 1
            if read in world.log:
                buffer.append(world.log[read])
        size = sum(len(m.payload) for m in buffer)
        step = decide.next_step(
            state,
            buffer,
            buffered_bytes=size,
            complete=read >= target,
            limits=limits,
            now=world.clock,
        )
        if isinstance(step, Send | Commit) and step.position != state.position:
            yield
            if world.revision != revision:
                return  # fenced
            world.record, world.revision = step.position, world.revision + 1
            revision = world.revision
            state = decide.recorded(state, step.position)
            yield
        if isinstance(step, Send):
            block = buffer[: step.count]
            yield
            if any(m.payload == b"POISON" for m in block):
                state = decide.refused(state)
                continue
            world.taken.setdefault(step.position.token, [m.sequence for m in block])
            yield
            state = decide.inserted(state, world.clock)
            del buffer[: step.count]
        elif isinstance(step, Bury):
            world.buried.add(buffer[0].sequence)
            yield
            state = decide.buried(state, world.clock)
            del buffer[:1]


class Crashes(RuleBasedStateMachine):
    """Append, run, kill, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.limits = Limits(messages=3, bytes=40, age_seconds=1.0, idle_seconds=1.0)
        self.actors = [actor(self.world, self.limits) for _ in range(ACTORS)]

    def _append(self, payload: bytes) -> None:
        world = self.world
        world.last += 1
        world.log[world.last] = Message(world.last, world.last * 10, 0, world.clock, payload)

    @rule(sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6))
    def append(self, sizes: list[int]) -> None:
        for size in sizes:
            self._append(b"x" * size)

    @rule()
    def append_poison(self) -> None:
        self._append(b"POISON")

    @rule(who=st.integers(0, ACTORS - 1), turns=st.integers(1, 25))
    def run(self, who: int, turns: int) -> None:
        for _ in range(turns):
            self._turn(who)

    @rule(who=st.integers(0, ACTORS - 1))
    def kill(self, who: int) -> None:
        self.actors[who] = actor(self.world, self.limits)

    @rule(seconds=st.floats(0, 2))
    def pass_time(self, seconds: float) -> None:
        self.world.clock += seconds

    @rule(count=st.integers(1, 4))
    def change_limits(self, count: int) -> None:
        """The cutting rule may differ between two starts, or between rivals."""
        self.limits = Limits(messages=count, bytes=17 * count, age_seconds=0.5, idle_seconds=0.5)

    @rule()
    def expire(self) -> None:
        """The log forgets what is written (what is not would be a loss, and is a test below)."""
        record = self.world.record
        for sequence in [s for s in self.world.log if record and s <= record.done]:
            del self.world.log[sequence]

    def _turn(self, who: int) -> None:
        try:
            next(self.actors[who])
        except StopIteration:
            self.actors[who] = actor(self.world, self.limits)

    @invariant()
    def nothing_twice(self) -> None:
        arrived = self.world.arrived()
        assert all(count == 1 for count in arrived.values()), arrived
        assert not self.world.buried & set(arrived)

    def teardown(self) -> None:
        """In the end everything is there: good messages once, bad ones buried."""
        world = self.world
        for _ in range(60 + 60 * world.last):
            world.clock += 1.0
            self._turn(0)
        arrived = world.arrived()
        assert all(count == 1 for count in arrived.values())
        assert set(arrived) | world.buried == set(range(1, world.last + 1))
        if world.last:
            assert world.record is not None
            assert world.record.done == world.record.end == world.last


Crashes.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestCrashes = Crashes.TestCase
