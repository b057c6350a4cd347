"""The repair of deduplication logs: what goes, what stays, and that it happens whole."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamark.standalone.store.dedup_repair import existing, prune, repair

RANGES = existing(["all_1_4_1", "all_6_6_0", "20260101_1_1_0", "20260102_3_9_2_11"])


@pytest.mark.parametrize(
    "part", ["all_1_1_0", "all_2_3_1", "all_6_6_0", "20260101_1_1_0", "20260102_9_9_0"]
)
def test_records_of_parts_that_exist_stay(part: str) -> None:
    line = f"1\t{part}\ttoken_1\n".encode()

    assert prune(line, RANGES).data == line


@pytest.mark.parametrize(
    "part", ["all_5_5_0", "all_4_5_1", "all_7_7_0", "20260101_2_2_0", "20260103_1_1_0", "strange"]
)
def test_records_of_parts_that_do_not_go(part: str) -> None:
    line = f"1\t{part}\ttoken_1\n".encode()

    pruned = prune(b"1\tall_1_1_0\tother\n" + line, RANGES)

    assert pruned.data == b"1\tall_1_1_0\tother\n"
    assert pruned.dangling == (part,)


def test_drops_stay_whether_or_not_their_part_does() -> None:
    data = b"2\tall_5_5_0\ttoken\n2\tall_1_1_0\ttoken\n"

    assert prune(data, RANGES).data == data


@pytest.mark.parametrize("torn", [b"1\tall_1_", b"1\tall_1_1_0\ttok", b"\0\0\0\0", b"x\ty\tz\n"])
def test_a_torn_line_goes(torn: bytes) -> None:
    pruned = prune(b"1\tall_1_1_0\ttoken\n" + torn, RANGES)

    assert pruned.data == b"1\tall_1_1_0\ttoken\n"
    assert (pruned.unreadable, pruned.dangling) == (1, ())


def test_unfinished_and_detached_folders_are_no_parts() -> None:
    names = ["tmp_insert_all_1_1_0", "detached", "deduplication_logs", "delete_tmp_all_2_2_0"]

    assert existing(names) == {}


@given(st.binary(max_size=200))
def test_pruning_twice_is_pruning_once(data: bytes) -> None:
    once = prune(data, RANGES).data

    assert prune(once, RANGES).data == once


def table(root: Path, *parts: str) -> Path:
    folder = root / "store" / "abc" / "abc-1"
    for part in parts:
        (folder / part).mkdir(parents=True)
    logs = folder / "deduplication_logs"
    logs.mkdir()
    return logs


def test_every_log_of_every_table_is_repaired(tmp_path: Path) -> None:
    logs = table(tmp_path, "all_1_1_0", "tmp_insert_all_2_2_0")
    (logs / "deduplication_log_1.txt").write_bytes(b"1\tall_1_1_0\ta\n")
    (logs / "deduplication_log_2.txt").write_bytes(b"1\tall_2_2_0\tb\n1\tall_1_1_0\ta\n1\tal")
    untouched = (logs / "deduplication_log_1.txt").stat().st_mtime_ns

    [repaired] = repair(tmp_path)

    assert repaired.path == logs / "deduplication_log_2.txt"
    assert (repaired.dangling, repaired.unreadable) == (("all_2_2_0",), 1)
    assert repaired.path.read_bytes() == b"1\tall_1_1_0\ta\n"
    assert (logs / "deduplication_log_1.txt").stat().st_mtime_ns == untouched
    assert {path.name for path in logs.iterdir()} == {
        "deduplication_log_1.txt",
        "deduplication_log_2.txt",
    }
    assert repair(tmp_path) == []


def test_a_new_folder_needs_nothing(tmp_path: Path) -> None:
    assert repair(tmp_path) == []


def test_what_a_repair_left_half_done_is_no_log(tmp_path: Path) -> None:
    logs = table(tmp_path, "all_1_1_0")
    (logs / "deduplication_log_1.new").write_bytes(b"1\tall_9_9_0\tb\n")

    assert repair(tmp_path) == []
