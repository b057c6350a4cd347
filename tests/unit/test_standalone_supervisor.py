"""The supervisor with small made-up parts: order, restarts, failures, stops."""

import asyncio
import dataclasses
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from seamark.standalone import child
from seamark.standalone.folder import Folder
from seamark.standalone.parts import StackPart
from seamark.standalone.supervisor import Report, Supervisor

SLEEPER = "import time; time.sleep(60)"
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


def part(
    name: str,
    script: str,
    *arguments: str,
    probe: Callable[[], Awaitable[bool]] | None = yes,
    once: bool = False,
) -> StackPart:
    command = (sys.executable, "-S", "-c", script, *arguments)
    return StackPart(name, command, lambda: os.environ, f"test://{name}", probe, once)


def exists(path: Path) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return os.path.exists(path)  # noqa: ASYNC240  # a test's mark, looked for once in a while

    return ask


class Run:
    """A supervisor at work, and everything it said."""

    def __init__(self, tmp_path: Path, *stages: list[StackPart]) -> None:
        self.folder = Folder(tmp_path / "data")
        self.folder.create()
        self.ready: list[str] = []
        self.said: list[str] = []
        self.stop, self.hurry, self.is_up = asyncio.Event(), asyncio.Event(), asyncio.Event()
        report = Report(
            ready=lambda name, _address, _seconds: self.ready.append(name),
            up=self.is_up.set,
            say=self.said.append,
        )
        self.supervisor = Supervisor(stages, folder=self.folder, report=report)
        self.task = asyncio.create_task(self.supervisor.run(self.stop, self.hurry))

    async def up(self) -> "Run":
        waiting = asyncio.create_task(self.is_up.wait())
        await asyncio.wait({waiting, self.task}, timeout=10, return_when=asyncio.FIRST_COMPLETED)
        assert self.is_up.is_set(), (self.said, self.task)
        return self

    def state(self) -> dict[str, dict[str, object]]:
        rows: list[dict[str, object]] = json.loads(self.folder.state.read_text())
        return {str(row["name"]): row for row in rows}

    def pid(self, name: str) -> int:
        pid = self.state()[name]["pid"]
        assert isinstance(pid, int)
        return pid

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110  # what is waited for is another process
                await asyncio.sleep(0.02)

    async def end(self) -> int:
        self.stop.set()
        return await asyncio.wait_for(self.task, 12)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_stages_come_up_in_order_and_nothing_is_left_after(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    touch = f"import pathlib; pathlib.Path({str(mark)!r}).touch()"
    run = Run(
        tmp_path,
        [part("first", f"{touch}; {SLEEPER}", probe=exists(mark))],
        [part("once", "pass", once=True)],
        [part("last", SLEEPER, probe=None)],
    )
    await run.up()

    assert run.ready == ["first", "once", "last"]
    assert list(run.state()) == ["first", "last"]
    assert set(run.state()["first"]) == {"name", "pid", "address", "ready", "since"}
    assert run.folder.state.stat().st_mode & 0o777 == 0o600
    pids = [run.pid("first"), run.pid("last")]
    assert await run.end() == 0
    assert all(map(gone, pids))
    assert not run.folder.state.exists()


async def test_parts_not_yet_started_are_listed_as_not_ready(tmp_path: Path) -> None:
    never = tmp_path / "never"
    run = Run(tmp_path, [part("a", SLEEPER, probe=exists(never))], [part("b", SLEEPER)])
    await run.until(lambda: run.folder.state.exists() and run.state()["a"]["pid"] is not None)

    assert run.state()["b"]["pid"] is None
    assert not run.state()["a"]["ready"]
    assert not run.state()["b"]["ready"]
    assert await run.end() == 0


async def test_what_dies_comes_back_and_the_others_do_not_notice(tmp_path: Path) -> None:
    run = await Run(tmp_path, [part("dies", SLEEPER), part("stays", SLEEPER)]).up()
    before = {name: run.pid(name) for name in ("dies", "stays")}

    os.kill(before["dies"], signal.SIGKILL)
    await run.until(lambda: run.state()["dies"]["pid"] not in (None, before["dies"]))

    await run.until(lambda: bool(run.state()["dies"]["ready"]))
    assert run.pid("stays") == before["stays"]
    assert "dies was killed by SIGKILL" in run.said[0]
    assert "0.2 s" in run.said[0]
    assert await run.end() == 0


async def test_what_a_dead_part_left_behind_is_ended_too(tmp_path: Path) -> None:
    mark = tmp_path / "grandchild"
    script = (
        "import pathlib, subprocess, sys, time; "
        f"child = subprocess.Popen([sys.executable, '-S', '-c', {SLEEPER!r}]); "
        f"pathlib.Path({str(mark)!r}).write_text(str(child.pid)); time.sleep(60)"
    )
    run = await Run(tmp_path, [part("forks", script, probe=exists(mark))]).up()
    await run.until(lambda: bool(mark.read_text()))
    grandchild = int(mark.read_text())

    os.kill(run.pid("forks"), signal.SIGKILL)

    await run.until(lambda: state_of(grandchild) in ("gone", "Z"))
    assert await run.end() == 0


def state_of(pid: int) -> str:
    """The kernel's dead letter for a process; a container without an init may keep zombies."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "gone"


async def test_readiness_is_followed_while_it_runs(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    mark.touch()
    run = await Run(tmp_path, [part("moody", SLEEPER, probe=exists(mark))]).up()
    since = run.state()["moody"]["since"]

    mark.unlink()
    await run.until(lambda: not run.state()["moody"]["ready"])
    assert run.state()["moody"]["since"] != since
    mark.touch()
    await run.until(lambda: bool(run.state()["moody"]["ready"]))
    assert await run.end() == 0


async def test_a_configuration_error_stops_everything_with_its_sentence(tmp_path: Path) -> None:
    log_line = json.dumps({"level": "error", "message": "SEAMARK_X: 'y' is not a number"})
    mark = tmp_path / "mark"
    fine = (
        f"import os, pathlib; pathlib.Path({str(mark)!r}).write_text(str(os.getpid())); {SLEEPER}"
    )
    wrong = (
        "import pathlib, sys, time\n"
        f"while not pathlib.Path({str(mark)!r}).exists(): time.sleep(0.01)\n"
        f"print({log_line!r}, file=sys.stderr); sys.exit(2)"
    )
    run = Run(tmp_path, [part("fine", fine), part("wrong", wrong, probe=no)])

    assert await asyncio.wait_for(run.task, 10) == 2
    assert run.said == ["wrong: SEAMARK_X: 'y' is not a number"]
    assert gone(int(mark.read_text()))


async def test_a_part_that_only_crashes_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_CRASHES_AT_FIRST", 2)
    run = Run(tmp_path, [part("crashes", "raise SystemExit('no such thing')", probe=no)])

    assert await asyncio.wait_for(run.task, 10) == 1
    assert "crashes ended with exit code 1" in run.said[0]
    assert "crashes does not start: ended with exit code 1, 2 times" in run.said[-1]
    assert "no such thing" in run.said[-1]


async def test_a_program_that_cannot_be_executed_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "_CRASHES_AT_FIRST", 1)
    missing = StackPart("missing", (str(tmp_path / "nothing"),), dict)

    run = Run(tmp_path, [missing])

    assert await asyncio.wait_for(run.task, 10) == 1
    assert "cannot be started: No such file or directory" in run.said[-1]


async def test_hurry_kills_what_does_not_stop(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    stubborn = part("stubborn", STUBBORN, str(mark), probe=exists(mark))
    run = await Run(tmp_path, [stubborn]).up()
    pid = run.pid("stubborn")

    run.stop.set()
    done, _ = await asyncio.wait({run.task}, timeout=0.3)
    assert not done
    run.hurry.set()

    assert await asyncio.wait_for(run.task, 5) == 0
    assert gone(pid)


async def test_the_deadline_kills_what_does_not_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("seamark.standalone.supervisor.STOP_SECONDS", 0.6)
    monkeypatch.setattr("seamark.standalone.supervisor._LAST_STAGE_SECONDS", 0.3)
    mark = tmp_path / "mark"
    stubborn = part("stubborn", STUBBORN, str(mark), probe=exists(mark))
    run = await Run(tmp_path, [part("last", SLEEPER)], [stubborn]).up()
    pids = [run.pid("stubborn"), run.pid("last")]

    assert await run.end() == 0
    assert run.said == ["stubborn did not stop in time; killed"]
    assert all(map(gone, pids))


async def test_a_stop_during_the_start_ends_it(tmp_path: Path) -> None:
    never = tmp_path / "never"
    run = Run(tmp_path, [part("slow", SLEEPER, probe=exists(never))], [part("next", SLEEPER)])
    await run.until(lambda: run.folder.state.exists() and run.state()["slow"]["pid"] is not None)
    pid = run.pid("slow")

    assert await run.end() == 0
    assert gone(pid)
    assert run.ready == []


async def test_what_is_stuck_is_started_again_once_that_helps(tmp_path: Path) -> None:
    well, room = tmp_path / "well", tmp_path / "room"
    well.touch()
    frozen = dataclasses.replace(part("log", SLEEPER, probe=exists(well)), stuck=exists(room))
    run = await Run(tmp_path, [frozen]).up()
    before = run.pid("log")
    well.unlink()
    await run.until(lambda: not run.state()["log"]["ready"])

    assert run.pid("log") == before
    room.touch()
    await run.until(lambda: run.state()["log"]["pid"] not in (None, before))
    assert "log does not go on by itself; ending it" in run.said
    well.touch()
    await run.until(lambda: bool(run.state()["log"]["ready"]))
    assert await run.end() == 0
