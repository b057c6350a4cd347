"""Folders of backups: what counts as one, and which builds on which."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seamark.recovery.restore import EPOCH, _moved
from seamark.recovery.snapshot import (
    BackupManifest,
    Snapshot,
    chain,
    choose,
    complete_ones,
    new_snapshot,
)
from seamark.recovery.stack import RecoveryError
from seamark.wire.positions import Position

NOW = datetime(2026, 11, 22, 3, 4, tzinfo=UTC)


def taken(folder: Path, *, minutes: int, base: str = "") -> Snapshot:
    snapshot = new_snapshot(folder, NOW + timedelta(minutes=minutes))
    snapshot.write_config({"org.acme": b"{}"})
    snapshot.finish(
        BackupManifest(
            format=1,
            name=snapshot.name,
            taken_at_ms=0,
            seconds=1.0,
            paused_seconds=0.5,
            bytes=1,
            base=base,
            database="seamark",
            rows={"events": 3},
            positions={"rows.SEAMARK_events_0": Position(7, 7, "SEAMARK_events_0:1-7:5")},
        )
    )
    return snapshot


def test_a_backup_is_what_was_finished(tmp_path: Path) -> None:
    first = taken(tmp_path, minutes=0)
    new_snapshot(tmp_path, NOW + timedelta(hours=1))  # never finished
    assert [one.name for one in complete_ones(tmp_path)] == ["20261122T030400Z"]
    assert choose(tmp_path).path == first.path
    assert choose(first.path).path == first.path
    assert first.config() == {"org.acme": b"{}"}
    assert first.manifest().positions["rows.SEAMARK_events_0"].done == 7


def test_a_folder_without_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecoveryError, match="no complete backup"):
        choose(tmp_path)


def test_a_chain_and_a_missing_link(tmp_path: Path) -> None:
    first = taken(tmp_path, minutes=0)
    second = taken(tmp_path, minutes=1, base=first.name)
    third = taken(tmp_path, minutes=2, base=second.name)
    assert [one.name for one in chain(third)] == [third.name, second.name, first.name]
    first.remove()
    with pytest.raises(RecoveryError, match=r"builds on .*20261122T030400Z, which is not there"):
        chain(third)


def test_everything_in_it_is_its_owners_only(tmp_path: Path) -> None:
    snapshot = taken(tmp_path, minutes=0)
    assert snapshot.path.stat().st_mode & 0o077 == 0
    assert (snapshot.path / "config.json").stat().st_mode & 0o077 == 0
    assert (snapshot.path / "backup.json").stat().st_mode & 0o077 == 0


def test_without_the_log_no_sequence_comes_twice() -> None:
    positions = {
        "rows.SEAMARK_events_0": Position(57, 57, "SEAMARK_events_0:42-57:9"),
        "archive.SEAMARK_events_0": Position(2 * EPOCH + 3, 2 * EPOCH + 3, "t"),
        "rows.SEAMARK_events_1": Position(8, 8, "t"),
    }
    assert _moved("rows.SEAMARK_events_0", positions) == Position(3 * EPOCH, 3 * EPOCH)
    assert _moved("archive.SEAMARK_events_0", positions) == Position(3 * EPOCH, 3 * EPOCH)
    assert _moved("rows.SEAMARK_events_1", positions) == Position(EPOCH, EPOCH)
