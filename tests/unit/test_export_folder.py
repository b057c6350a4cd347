"""The folder of exports: whole records, one holder, nothing left behind."""

import os
import stat
from pathlib import Path

import msgspec
import pytest

from api.exports.folder import ExportFolder
from api.exports.record import ExportRecord, Reading, answer
from api.query.statement import Statement
from seamark.wire.signals import Signal

NOTHING = Statement("SELECT 1", {})
RECORD = ExportRecord(
    id="0" * 32,
    org="acme",
    app="shop",
    form="csv",
    created_ms=1,
    reading=Reading(
        signal=Signal.LOGS, table="logs", source="store", since_ms=1_795_343_040_123,
        until_ms=1_795_343_040_124, limit=0, rows=Statement("SELECT {p0:String}", {"p0": "é\n"}),
        counts=NOTHING, files=NOTHING,
    ),
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> ExportFolder:
    made = ExportFolder(tmp_path / "exports")
    made.create()
    made.add(RECORD)
    return made


def test_a_record_comes_back_as_it_was(folder: ExportFolder) -> None:
    assert folder.read(RECORD.id) == RECORD
    assert folder.records() == [RECORD]
    now = msgspec.structs.replace(RECORD, status="running", rows=3)
    folder.write(now, durable=False)
    assert folder.read(RECORD.id) == now


def test_only_its_owner_may_read_it(folder: ExportFolder) -> None:
    record = folder.root / RECORD.id / "export.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert stat.S_IMODE(record.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("id_", ["", "..", "../x", "0" * 31, "0" * 33, "G" * 32, "0" * 31 + "/"])
def test_what_is_no_id_is_no_export(folder: ExportFolder, id_: str) -> None:
    assert folder.read(id_) is None


def test_what_cannot_be_read_is_no_export(folder: ExportFolder) -> None:
    (folder.root / RECORD.id / "export.json").write_bytes(b"{")
    assert folder.records() == []


def test_one_holds_it_at_a_time(folder: ExportFolder) -> None:
    held = folder.claim(RECORD.id)
    assert held is not None
    assert ExportFolder(folder.root).claim(RECORD.id) is None
    os.close(held)
    again = folder.claim(RECORD.id)
    assert again is not None
    folder.remove(RECORD.id)
    os.close(again)
    assert folder.claim(RECORD.id) is None
    assert folder.records() == []
    assert folder.used_bytes() == 0


def test_an_attempt_begins_with_nothing(folder: ExportFolder) -> None:
    first = folder.attempt(msgspec.structs.replace(RECORD, attempt=1))
    (first / "result").write_bytes(b"half")
    second = folder.attempt(msgspec.structs.replace(RECORD, attempt=2))
    assert list(second.iterdir()) == []
    assert not first.exists()
    (second / "result").write_bytes(b"whole")
    folder.keep(second / "result", RECORD.id)
    folder.forget_attempts(RECORD.id)
    assert folder.file(RECORD.id).read_bytes() == b"whole"
    assert not second.exists()


def test_a_cancel_is_seen_by_others(folder: ExportFolder) -> None:
    assert not folder.is_cancelled(RECORD.id)
    ExportFolder(folder.root).cancel(RECORD.id)
    assert folder.is_cancelled(RECORD.id)
    folder.cancel("1" * 32)  # removed in the meantime


@pytest.mark.parametrize(
    ("org", "app", "seen"),
    [("acme", "", True), ("acme", "shop", True), ("acme", "blog", False), ("other", "", False)],
)
def test_whose_it_is(org: str, app: str, seen: bool) -> None:
    assert RECORD.seen_by(org, app) is seen
    of_the_org = msgspec.structs.replace(RECORD, app="")
    assert of_the_org.seen_by(org, app) is (org == "acme" and not app)


def test_an_answer_names_when_it_expires() -> None:
    shown = answer(RECORD, keep_ms=1000)
    assert (shown.expires_at, shown.expected_rows, shown.archived_until) == (None, None, None)
    over = msgspec.structs.replace(RECORD, status="done", finished_ms=5, expected=7)
    assert answer(over, keep_ms=1000).expires_at == 1005
    assert answer(over, keep_ms=1000).expected_rows == 7
    assert answer(over, keep_ms=1000, removed=True).status == "removed"
    assert shown.file_name == "logs-20261122T102400Z-00000000.csv"
