"""Which files of an hour are merged, and when an hour is complete."""

import random

import pytest

from processors.archive.files import ArchiveFile
from processors.archive.layout import Hour
from processors.archive.plan import MOST_FILES, MergeProgress, by_hour, complete, plan
from seamark.wire.signals import Signal

HOUR = Hour(Signal.EVENTS, 498_699)
TARGET = 1000


def file(number: int, size: int, *, hour: Hour = HOUR) -> ArchiveFile:
    return ArchiveFile(
        path=f"{hour.folder}/part-{number:04d}.parquet",
        signal=hour.signal,
        rows=1,
        bytes=size,
        sha256="",
        min_received=number,
        max_received=number,
        min_time=0,
        max_time=0,
        written_at=0,
        version=0,
    )


def sizes(files: list[ArchiveFile]) -> list[int]:
    known = {one.path: one.bytes for one in files}
    return [sum(known[path] for path in merge.inputs) for merge in plan(files, target_bytes=TARGET)]


def test_small_files_are_filled_into_groups_oldest_first() -> None:
    files = [file(number, 300) for number in range(7)]
    merges = plan(list(reversed(files)), target_bytes=TARGET)
    assert [merge.inputs for merge in merges] == [
        tuple(one.path for one in files[:3]),
        tuple(one.path for one in files[3:6]),
    ]
    assert len({merge.output for merge in merges}) == 2


def test_one_file_alone_and_large_ones_are_left() -> None:
    assert plan([], target_bytes=TARGET) == []
    assert plan([file(1, 10)], target_bytes=TARGET) == []
    assert plan([file(1, 600), file(2, 700)], target_bytes=TARGET) == []
    assert sizes([file(1, 600), file(2, 10), file(3, 10)]) == [20]


def test_a_trickle_does_not_rewrite_a_larger_file() -> None:
    large = file(0, 400)
    assert plan([large, file(1, 5)], target_bytes=TARGET) == []
    assert sizes([large, file(1, 5), file(2, 5)]) == [10]
    assert sizes([large, file(1, 100), file(2, 100)]) == [600]
    assert sizes([large, *(file(n, 5) for n in range(1, 20))]) == [495]


def test_a_merge_has_so_many_files_at_most() -> None:
    merges = plan([file(n, 1) for n in range(MOST_FILES + 10)], target_bytes=10**9)
    assert [len(merge.inputs) for merge in merges] == [MOST_FILES, 10]


@pytest.mark.parametrize("seed", range(20))
def test_merging_to_the_end_rewrites_each_byte_a_handful_of_times(seed: int) -> None:
    rng = random.Random(seed)
    live: dict[str, ArchiveFile] = {}
    arrived = written = 0
    for number in range(400):
        new = file(number, rng.choice((1, 5, 50)))
        live[new.path] = new
        arrived += new.bytes
        for merge in plan(list(live.values()), target_bytes=TARGET):
            size = sum(live.pop(path).bytes for path in merge.inputs)
            written += size
            live[merge.output] = file(number, size)
            live[merge.output] = ArchiveFile(
                **{
                    name: getattr(live[merge.output], name)
                    for name in ArchiveFile.__struct_fields__
                }
                | {"path": merge.output}
            )
    assert sum(one.bytes for one in live.values()) == arrived
    assert written < 12 * arrived
    assert len(live) < 40


def test_an_hour_is_complete_when_every_stream_is_past_it() -> None:
    end = HOUR.end_ms
    past, behind = MergeProgress("a", end + 900), MergeProgress("b", end + 899)
    assert complete(HOUR, [past, past], slack_ms=900)
    assert not complete(HOUR, [past, behind], slack_ms=900)
    assert not complete(HOUR, [], slack_ms=0)


def test_hours_are_taken_oldest_first() -> None:
    later = Hour(Signal.LOGS, HOUR.number + 1)
    found = by_hour([file(1, 1, hour=later), file(2, 1), file(3, 1)])
    assert list(found) == [HOUR, later]
    assert len(found[HOUR]) == 2
