"""Everything that is done to an arena: one table, one small object for each fault.

`inject` does the harm and returns what heals it and after how many seconds; None when there was
nothing to harm just now. Whatever chance decides comes from the `chance` given.
"""

import abc
import asyncio
import contextlib
import json
import os
import random
import signal
import urllib.request
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import psutil

from tests.chaos.arena import Arena
from tests.chaos.link import Mode

LONGEST_SECONDS = 8.0


@dataclass(frozen=True, slots=True)
class Harm:
    """What was done, as text, and how it is undone: `heal` after `seconds`; None = by itself."""

    said: str
    seconds: float = 0.0
    heal: Callable[[], Awaitable[None]] | None = None


class Fault(Protocol):
    """One way to harm an arena."""

    @property
    def name(self) -> str: ...
    def possible(self, arena: Arena) -> bool:
        """Whether this arena has what the fault is about."""

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None: ...


def of_kind(arena: Arena, part: str) -> list[str]:
    """Running parts of a kind: "rows" is rows, rows-1 and rows-2."""
    return sorted(name for name in arena.pids() if name.partition("-")[0] == part)


def _send(pid: int, number: signal.Signals) -> bool:
    with contextlib.suppress(ProcessLookupError):  # it was between two lives
        os.kill(pid, number)
        return True
    return False


def _some_process(pid: int, chance: random.Random) -> int:
    """The process or one that it started itself."""
    with contextlib.suppress(psutil.NoSuchProcess):
        children = sorted(child.pid for child in psutil.Process(pid).children(recursive=True))
        return chance.choice([pid, *children])
    return pid


@dataclass(frozen=True, slots=True)
class _ToOnePart(abc.ABC):
    """A fault of one part of a kind, which is chosen by chance."""

    part: str
    verb: ClassVar[str]

    @property
    def name(self) -> str:
        return f"{self.verb} {self.part}"

    def possible(self, arena: Arena) -> bool:
        return bool(of_kind(arena, self.part))

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None:
        if not (names := of_kind(arena, self.part)):
            return None
        victim = chance.choice(names)
        return self.harm(victim, arena.pids()[victim], chance)

    @abc.abstractmethod
    def harm(self, victim: str, pid: int, chance: random.Random) -> Harm | None: ...


@dataclass(frozen=True, slots=True)
class Kill(_ToOnePart):
    """SIGKILL to one process of a kind of part; its keeper has to start it again."""

    verb = "kill"

    def harm(self, victim: str, pid: int, chance: random.Random) -> Harm:
        _send(_some_process(pid, chance), signal.SIGKILL)
        return Harm(f"kill {victim}")


@dataclass(frozen=True, slots=True)
class KillAll:
    """SIGKILL to everything at once, as a machine that loses its power would."""

    name: str = "kill the whole tree"

    def possible(self, arena: Arena) -> bool:
        return True

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None:
        pids = dict(arena.pids())
        supervisor = pids.pop("supervisor", None)
        # Alone, the supervisor takes its parts with it: the kernel's promise is tried as well.
        doomed = [supervisor] if supervisor and chance.random() < 0.5 else [*pids.values()]
        for pid in [supervisor, *doomed]:
            if pid is not None:
                _send(pid, signal.SIGKILL)
        await arena.revive()
        return Harm("kill the whole tree")


@dataclass(frozen=True, slots=True)
class Stop(_ToOnePart):
    """SIGSTOP to one part, SIGCONT up to eight seconds later: it hangs, and others see it hang."""

    verb = "stop"

    def harm(self, victim: str, pid: int, chance: random.Random) -> Harm | None:
        return stopped(victim, pid, _some_seconds(chance))


def stopped(victim: str, pid: int, seconds: float) -> Harm | None:
    """SIGSTOP a process now; its harm goes on with SIGCONT."""
    if not _send(pid, signal.SIGSTOP):
        return None

    async def heal() -> None:
        _send(pid, signal.SIGCONT)

    return Harm(f"stop {victim} for {seconds:.1f} s", seconds, heal)


def _some_seconds(chance: random.Random) -> float:
    """0.1 to 8 seconds, mostly short."""
    return float(0.1 * (LONGEST_SECONDS / 0.1) ** chance.random())


@dataclass(frozen=True, slots=True)
class Spoil:
    """One link between two parts made slow, cut, hanging or half-open. `ends` is "from>to"."""

    ends: str
    mode: Mode

    @property
    def name(self) -> str:
        return f"{self.mode} {self.ends}"

    def _links(self, arena: Arena) -> list[str]:
        wanted = self.ends.split(">")
        return sorted(
            name
            for name in arena.links
            if [end.partition("-")[0] for end in name.split(">")] == wanted
        )

    def possible(self, arena: Arena) -> bool:
        return bool(self._links(arena))

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None:
        chosen = chance.choice(self._links(arena))
        link, seconds, reset = arena.links[chosen], _some_seconds(chance), chance.random() < 0.5
        await link.spoil(self.mode, delay_seconds=chance.uniform(0.005, 0.2))
        return Harm(
            f"{self.mode} {chosen} for {seconds:.1f} s", seconds, lambda: link.heal(reset=reset)
        )


@dataclass(frozen=True, slots=True)
class Partition:
    """One nats-server cut off from the other nodes; clients still reach it."""

    name: str = "partition a nats-server"

    def possible(self, arena: Arena) -> bool:
        return len(arena.monitors) > 1

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None:
        node = await _leader(arena, chance) or chance.choice(sorted(arena.monitors))
        cut = [
            link
            for name, link in arena.links.items()
            if node in (ends := name.split(">")) and all(end in arena.monitors for end in ends)
        ]
        mode = chance.choice((Mode.CUT, Mode.HANG))
        for link in cut:
            await link.spoil(mode)

        async def heal() -> None:
            for link in cut:
                await link.heal(reset=mode is Mode.HANG)

        seconds = _some_seconds(chance)
        return Harm(f"partition ({mode}) {node} for {seconds:.1f} s", seconds, heal)


@dataclass(frozen=True, slots=True)
class Leader:
    """The node that leads a stream killed, or stopped for some seconds."""

    kill: bool

    @property
    def name(self) -> str:
        return f"{'kill' if self.kill else 'stop'} a stream's leader"

    def possible(self, arena: Arena) -> bool:
        return len(arena.monitors) > 1

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None:
        node = await _leader(arena, chance)
        if node is None or (pid := arena.pids().get(node)) is None:
            return None
        if not self.kill:
            return stopped(f"leader {node}", pid, _some_seconds(chance))
        _send(pid, signal.SIGKILL)
        return Harm(f"kill leader {node}")


async def _leader(arena: Arena, chance: random.Random) -> str | None:
    """The node that leads some stream now, as one of the nodes believes."""
    url = f"{arena.monitors[chance.choice(sorted(arena.monitors))]}/jsz?streams=1"

    def ask() -> list[str]:
        with urllib.request.urlopen(url, timeout=1) as answer:
            account = json.load(answer).get("account_details", [{}])[0]
        streams = sorted(account.get("stream_detail", []), key=lambda stream: stream["name"])
        return [stream.get("cluster", {}).get("leader", "") for stream in streams]

    try:
        leaders = [leader for leader in await asyncio.to_thread(ask) if leader in arena.monitors]
    except (OSError, ValueError, IndexError):
        return None
    return chance.choice(leaders) if leaders else None


@dataclass(frozen=True, slots=True)
class DiskFull:
    """Not a byte left on the disk of the whole stack, for some seconds."""

    name: str = "disk full"

    def possible(self, arena: Arena) -> bool:
        return arena.disk is not None

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None:
        disk = arena.disk
        assert disk is not None
        left = chance.choice((0, 0, 64 * 1024, 4 * 1024 * 1024))
        await asyncio.to_thread(disk.fill, leave_bytes=left)

        async def heal() -> None:
            disk.free()

        seconds = _some_seconds(chance)
        return Harm(f"disk full but for {left} bytes, {seconds:.1f} s", seconds, heal)


@dataclass(frozen=True, slots=True)
class ClockJump:
    """The collector's time of day jumps by up to two hours, either way, and back again."""

    name: str = "clock jump"

    def possible(self, arena: Arena) -> bool:
        return arena.clock is not None

    async def inject(self, arena: Arena, chance: random.Random) -> Harm | None:
        clock = arena.clock
        assert clock is not None
        jump = chance.choice((-1, 1)) * chance.choice((0.5, 30.0, 600.0, 7200.0))
        clock.jump(jump)

        async def heal() -> None:
            clock.jump(0.0)

        seconds = _some_seconds(chance)
        return Harm(f"clock {jump:+.1f} s for {seconds:.1f} s", seconds, heal)


PARTS = ("collector", "rows", "archive", "store", "nats", "redis", "api")
ENDS = (
    "collector>nats",
    "rows>nats",
    "rows>store",
    "archive>nats",
    "archive>store",
    "api>redis",
    "api>nats",
    "api>store",
)
TABLE: tuple[tuple[Fault, float], ...] = (
    *((Kill(part), 3.0) for part in ("collector", "rows", "archive", "store", "nats")),
    *((Kill(part), 1.0) for part in ("redis", "api")),
    (KillAll(), 2.0),
    *((Stop(part), 1.0) for part in (*PARTS, "supervisor")),
    *((Spoil(ends, mode), 0.6) for ends in ENDS for mode in Mode if mode is not Mode.OPEN),
    (Partition(), 6.0),
    (Leader(kill=True), 6.0),
    (Leader(kill=False), 6.0),
    (DiskFull(), 8.0),
    (ClockJump(), 3.0),
)
"""Every fault, and how often it is chosen where it is possible."""
