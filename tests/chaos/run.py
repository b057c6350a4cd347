"""Chaos: `python -m tests.chaos.run --faults 1000 --seed 2026`. See docs/chaos.md.

Chapters of a hundred tries to do harm, each in a new arena and compared at its end; the arenas take
turns, until so many faults were done (some tries find nothing to harm).
The seed is printed first, and decides what is done in every chapter: the same `--seed`, `--rounds`
and `--chapter` do the same again.
"""

import argparse
import asyncio
import contextlib
import itertools
import logging
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.chaos.arena import Arena, OneMachine
from tests.chaos.campaign import Chapter, chapter
from tests.chaos.clock import Clock, ClockMissing
from tests.chaos.cluster import Cluster
from tests.chaos.disk import Disk, DiskMissing
from tests.chaos.oracle import Kind
from tests.chaos.report import report
from tests.chaos.workload import Mix

DISK_BYTES = 1536 * 1024 * 1024
ROUNDS = 100
"""Faults in a chapter."""
QUICK = {
    "SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS": "2",
    "SEAMARK_ARCHIVE_MERGE_AFTER_SECONDS": "1",
    "SEAMARK_ARCHIVE_MERGE_EVERY_SECONDS": "2",
}
"""Small archive files, written and merged soon: more moments at which a fault can hit."""


@contextlib.contextmanager
def one_machine(folder: Path, skipped: Callable[[str], None]) -> Iterator[Arena]:
    """`seamark up` on the machine's own disk, with two collector processes."""
    yield OneMachine(folder / "data", {**QUICK, "SEAMARK_COLLECTOR_PROCESSES": "2"})


@contextlib.contextmanager
def small_disk(folder: Path, skipped: Callable[[str], None]) -> Iterator[Arena]:
    """`seamark up` on a small disk that can be filled."""
    disk = None
    try:
        disk = Disk(folder / "disk", size_bytes=DISK_BYTES)
    except DiskMissing as missing:
        skipped(f"disk full: {missing}")
    try:
        yield OneMachine(folder / "disk" / "data", QUICK, disk, name="small disk")
    finally:
        if disk is not None:
            disk.unmount()


@contextlib.contextmanager
def cluster(folder: Path, skipped: Callable[[str], None]) -> Iterator[Arena]:
    """One of each server, rivals of each processor, links between all, a clock that jumps."""
    clock = None
    try:
        clock = Clock(folder)
    except ClockMissing as missing:
        skipped(f"clock jump: {missing}")
    yield Cluster(folder / "data", clock=clock, environment=QUICK)


@contextlib.contextmanager
def three_nodes(folder: Path, skipped: Callable[[str], None]) -> Iterator[Arena]:
    """Three nats-servers, three copies of each stream."""
    yield Cluster(folder / "data", nodes=3, environment=QUICK, name="three nats-servers")


ARENAS = {
    "one": one_machine,
    "cluster": cluster,
    "three": three_nodes,
    "disk": small_disk,
}
TURNS = ("one", "cluster", "one", "three", "cluster", "disk", "one", "cluster", "three", "one")


async def run_chapter(
    arena: str,
    *,
    faults: int,
    seed: str,
    mix: Mix | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> Chapter:
    """One chapter in a new arena of this name, in a folder that is removed afterwards."""
    skipped: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="seamark-chaos-", ignore_cleanup_errors=True) as folder,
        ARENAS[arena](Path(folder), skipped.append) as made,
    ):
        found = await chapter(made, faults=faults, seed=seed, mix=mix, progress=progress)
    found.comparison.left_out += skipped
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--faults", type=int, default=1000, help="do so many faults, or a few more (1000)")
    add("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    add("--rounds", type=int, default=ROUNDS, help=f"faults in a chapter ({ROUNDS})")
    add("--chapter", type=int, help="only this chapter, counted from 1")
    add("--arena", choices=ARENAS, help="only this arena (default: by turns)")
    add("--rate", type=float, default=40.0, help="requests a second (40)")
    add("--without", nargs="*", type=Kind, default=[], help="kinds of requests to leave out")
    add("--report", type=Path, help="write the report here, as Markdown")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)  # that connections come and go is the point here
    print(f"seed {chosen.seed}", flush=True)
    chapters: list[Chapter] = []
    began = time.monotonic()
    done = 0
    for number in itertools.count(chosen.chapter or 1):
        arena = chosen.arena or TURNS[(number - 1) % len(TURNS)]
        found = asyncio.run(
            run_chapter(
                arena,
                faults=min(chosen.rounds, (chosen.faults - done) * 5 // 4 + 1),
                seed=f"{chosen.seed}.{number}",
                mix=Mix(rate=chosen.rate, without=frozenset(chosen.without)),
                progress=_progress(f"chapter {number}, {done}/{chosen.faults} {arena}"),
            )
        )
        chapters.append(found)
        print(f"\n{found.account()}\n", flush=True)
        done += found.injected.total()
        if done >= chosen.faults or chosen.chapter or found.injected.total() == 0:
            break
    text = report(chapters, seed=chosen.seed, seconds=time.monotonic() - began)
    if chosen.report:
        chosen.report.write_text(text)
    print(text)
    return 1 if any(found.differences for found in chapters) else 0


def _progress(where: str) -> Callable[[str], None]:
    def show(said: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{where} {said}"[:110], end="", file=sys.stderr, flush=True)

    return show


if __name__ == "__main__":
    sys.exit(main())
