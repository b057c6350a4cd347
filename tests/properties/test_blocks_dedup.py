"""In whatever state an index is found, it ends up giving the oracle's results."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from processors.blocks.dedup.index import DedupIndex
from processors.blocks.dedup.prepare import prepare
from processors.blocks.dedup.rewrite import dedup_block
from seamark.wire.positions import Position, token_of
from seamark.wire.signals import Signal
from tests.support.log_world import STREAM, WINDOW_NS, Sent, World

FRAMES = st.builds(
    Sent,
    st.sampled_from(["", "b1", "b2", "b3"]),
    st.lists(st.sampled_from(["", "i1", "i2", "i3", "i4"]), min_size=1, max_size=3).map(tuple),
    content=st.integers(0, 1),
)
LOGS = st.lists(
    st.tuples(
        st.lists(FRAMES, min_size=1, max_size=2),
        st.sampled_from([1, 7, 30, WINDOW_NS // 2, WINDOW_NS, WINDOW_NS + 1]),
    ),
    min_size=1,
    max_size=14,
)
VISITS = st.lists(st.tuples(st.integers(0, 14), st.integers(1, 14)), min_size=1, max_size=4)


def carry(world: World, index: DedupIndex, *, done: int, end: int, block: int) -> None:
    """Carry (done, end] in blocks, as a sink would get it."""
    while done < end:
        to = min(done + block, end)
        messages = [world.stream.messages[n] for n in range(done + 1, to + 1)]
        token = token_of(STREAM, done=done, end=to, first_ns=messages[0].stored_ns)
        deduped = dedup_block(
            index, messages, signal=Signal.EVENTS, position=Position(done, to, token)
        )
        assert world.write(token, list(deduped.messages)) is None
        done = to


@settings(max_examples=300, deadline=None)
@given(LOGS, VISITS, st.integers(1, 5))
def test_what_is_a_repeat_depends_on_the_log_alone(
    log: list[tuple[list[Sent], int]], visits: list[tuple[int, int]], block: int
) -> None:
    """An index taken to any part of the log, before or after what it holds, is right."""
    world = World()
    for frames, later_ns in log:
        world.append(frames, later_ns=later_ns)
    index = DedupIndex("", window_ns=WINDOW_NS)

    async def visit(done: int, end: int) -> None:
        first_ns = world.stream.messages[done].stored_ns if done else 0
        token = token_of(STREAM, done=done - 1, end=done, first_ns=first_ns) if done else ""
        position = Position(done, done, token)
        await prepare(index, world.log, STREAM, position=position, stop=asyncio.Event())

    for place, count in visits:
        done = min(place, world.last - 1)
        end = min(done + count, world.last)
        asyncio.run(visit(done, end))
        world.taken.clear()
        carry(world, index, done=done, end=end, block=block)
        world.check()
    index.close()


@settings(max_examples=100, deadline=None)
@given(LOGS, LOGS, st.integers(0, 14))
def test_an_index_of_another_history_is_discarded(
    log: list[tuple[list[Sent], int]], lost: list[tuple[list[Sent], int]], split: int
) -> None:
    """A log put back to an earlier copy goes on differently; the index was not put back."""
    index = DedupIndex("", window_ns=WINDOW_NS)
    before, after = World(), World()
    split = min(split, len(log))
    for frames, later_ns in log[:split]:
        before.append(frames, later_ns=later_ns)
        after.append(frames, later_ns=later_ns)
    for frames, later_ns in lost:
        before.append(frames, later_ns=later_ns)

    async def ready(world: World, done: int) -> None:
        first_ns = world.stream.messages[done].stored_ns if done else 0
        token = token_of(STREAM, done=done - 1, end=done, first_ns=first_ns) if done else ""
        position = Position(done, done, token)
        await prepare(index, world.log, STREAM, position=position, stop=asyncio.Event())

    asyncio.run(ready(before, 0))
    carry(before, index, done=0, end=before.last, block=3)
    after.now_ns += 5  # no two messages of two histories were stored in the same nanosecond
    for frames, later_ns in [*log[split:], *lost]:
        after.append(frames, later_ns=later_ns)
    asyncio.run(ready(after, split))
    carry(after, index, done=split, end=after.last, block=3)
    after.check()
    index.close()
