"""One chapter of chaos: an arena, clients, so many faults, then everything compared.

What happens is decided beforehand by the seed (`plan`); when exactly it happens is the machine's.
Faults overlap: the next one does not wait until the last has healed, only now and then everything
is given the time to become ready, and held to it.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.chaos.arena import Arena, outlived
from tests.chaos.compare import Comparison, compare
from tests.chaos.drain import drained
from tests.chaos.faults import TABLE, Fault, Harm
from tests.chaos.oracle import Oracle
from tests.chaos.whereabouts import whereabouts
from tests.chaos.workload import Clients, Mix

AT_ONCE = 3
"""Faults that may last at a time."""
READY_SECONDS = 90.0
"""How long all may take to be ready once nothing is faulty any more."""
AROUND_SECONDS = 20.0
"""Faults so near to the first sight of a request are shown with its difference."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fault of a plan: after `pause` seconds; `settle`: first wait until all is ready."""

    fault: Fault
    pause: float
    settle: bool
    seed: str


def plan(possible: Sequence[tuple[Fault, float]], *, count: int, seed: str) -> list[Step]:
    """What is done in a chapter: a function of the possible faults and the seed. Pure."""
    chance = random.Random(seed)
    faults, weights = zip(*possible, strict=True)
    return [
        Step(
            fault=chance.choices(faults, weights)[0],
            pause=chance.uniform(0.1, 2.0),
            settle=chance.random() < 0.06,
            seed=f"{seed}/{number}",
        )
        for number in range(count)
    ]


@dataclass(slots=True)
class Chapter:
    """What one chapter found. `differences` is empty when every number is exact."""

    name: str
    seed: str
    injected: Counter[str] = field(default_factory=Counter)
    log: list[tuple[float, str]] = field(default_factory=list)
    """Monotonic seconds and what was done."""
    oracle: Oracle = field(default_factory=Oracle)
    comparison: Comparison = field(default_factory=Comparison)
    problems: list[str] = field(default_factory=list)
    whereabouts: list[str] = field(default_factory=list)
    words: str = ""
    seconds: float = 0.0
    fault_seconds: float = 0.0
    drain_seconds: float = 0.0

    @property
    def differences(self) -> list[str]:
        """Everything that should not be."""
        return [*self.problems, *self.comparison.differences]

    def account(self) -> str:
        """A few lines for people: what was done, and that it is exact, or what is not."""
        sent = self.oracle
        lines = [
            f"{self.name}, seed {self.seed}: {self.injected.total()} faults in"
            f" {self.fault_seconds:.0f} s, drained in {self.drain_seconds:.1f} s",
            f"accepted {sent.accepted} items of {len(sent.asked)} requests in {sent.attempts}"
            f" tries: {_listed(sent.items)}; answers {_listed(sent.statuses)}",
            "stored " + _listed(self.comparison.counts),
            *([f"not compared: {', '.join(left)}"] if (left := self.comparison.left_out) else []),
        ]
        if not self.differences:
            return "\n".join([*lines, "exact"])
        return "\n".join(
            [
                *lines,
                "",
                "DIFFERENCES",
                *self.differences,
                "",
                *self._around(),
                "",
                *self.whereabouts,
                "",
                self.words,
            ]
        )

    def unlike(self) -> list[str]:
        """The requests that the differences name."""
        names = [line.partition(":")[0] for line in self.differences]
        return [name for name in dict.fromkeys(names) if name in self.oracle.asked]

    def _around(self) -> list[str]:
        """The faults around the first difference that names a request."""
        for name in self.unlike():
            first = self.oracle.asked[name].first_sent
            near = [
                f"{at - first:+7.1f} s  {said}"
                for at, said in self.log
                if abs(at - first) < AROUND_SECONDS
            ]
            return [f"faults around the first try of {name}:", *near]
        return ["the last faults:", *(said for _, said in self.log[-20:])]


def _listed(counts: "dict[str, int] | Counter[str] | Counter[int]") -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=str))


async def chapter(
    arena: Arena,
    *,
    faults: int,
    seed: str,
    mix: Mix | None = None,
    only: Callable[[Fault], bool] = lambda _: True,
    progress: Callable[[str], None] = lambda _: None,
) -> Chapter:
    """Start the arena, do `faults` faults under load, heal, drain, compare, stop.

    Blocks for about two seconds a fault. Nothing that is found raises: it stands in `problems`.
    """
    found = Chapter(arena.name, seed)
    began = time.monotonic()
    try:
        await arena.up()
        clients = Clients(arena.ingest, arena.key, seed=seed, mix=mix)
        clients.start()
        found.oracle = clients.oracle
        possible = [(fault, w) for fault, w in TABLE if only(fault) and fault.possible(arena)]
        await _faults(arena, plan(possible, count=faults, seed=seed), found, clients, progress)
        progress("drain")
        await _settled(arena, found)
        await clients.stop()
        found.drain_seconds = await drained(arena)
        progress("compare")
        found.comparison = await compare(arena, clients.oracle)
        if lost := found.unlike():
            found.whereabouts = await whereabouts(arena, lost)
    except (AssertionError, TimeoutError, OSError) as problem:
        found.problems.append(f"{type(problem).__name__}: {problem}")
    finally:
        found.words = arena.last_words()
        await arena.down()
    found.problems += [*arena.ended, *await _orphans(arena.run)]
    found.seconds = time.monotonic() - began
    return found


async def _faults(
    arena: Arena,
    steps: Sequence[Step],
    found: Chapter,
    clients: Clients,
    progress: Callable[[str], None],
) -> None:
    began = time.monotonic()
    lasting: set[asyncio.Task[None]] = set()
    try:
        for number, step in enumerate(steps, 1):
            await asyncio.sleep(step.pause)
            clients.failed()
            if step.settle:
                await _healed(lasting)
                await _settled(arena, found)
            while len(lasting) >= AT_ONCE:
                _, lasting = await asyncio.wait(lasting, return_when=asyncio.FIRST_COMPLETED)
            harm = await step.fault.inject(arena, random.Random(step.seed))
            said = harm.said if harm is not None else f"{step.fault.name}: nothing to harm now"
            found.log.append((time.monotonic(), said))
            found.injected[step.fault.name] += harm is not None
            if harm is not None and harm.heal is not None:
                lasting.add(asyncio.create_task(_healing(harm, found)))
            progress(f"{number}/{len(steps)} {said}")
    finally:
        # Whatever goes wrong: nothing may be left stopped, cut or full.
        await _healed(lasting)
        found.fault_seconds = time.monotonic() - began


async def _healing(harm: Harm, found: Chapter) -> None:
    assert harm.heal is not None
    await asyncio.sleep(harm.seconds)
    await harm.heal()
    found.log.append((time.monotonic(), f"  healed: {harm.said}"))


async def _healed(lasting: "set[asyncio.Task[None]]") -> None:
    await asyncio.gather(*lasting)
    lasting.clear()


async def _settled(arena: Arena, found: Chapter) -> None:
    """Nothing is faulty now: everything has to become ready by itself."""
    try:
        await arena.ready(within_seconds=READY_SECONDS)
    except AssertionError as late:
        done = [said for _, said in found.log[-8:]]
        raise AssertionError(f"{late}\nafter {done}") from None


async def _orphans(run: str) -> list[str]:
    """Processes of the arena that outlive it; the kernel is given a moment to end them."""
    left: list[str] = []
    for _ in range(50):
        if not (left := await asyncio.to_thread(outlived, run)):
            break
        await asyncio.sleep(0.1)
    return [f"outlived its stack: {process}" for process in left]
