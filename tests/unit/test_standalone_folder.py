"""The data folder: who holds it, its secrets, its modes, what survives."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from seamark.service.settings import SettingsError
from seamark.standalone.folder import Folder, write

HOLDER = """
import sys
from pathlib import Path
from seamark.standalone.folder import Folder
folder = Folder(Path(sys.argv[1]))
folder.lock(host="127.0.0.1", port_offset=7, patience_seconds=0)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.create()
    return made


def test_everything_is_private(folder: Folder) -> None:
    folder.secrets()

    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert folder.logs.stat().st_mode & 0o777 == 0o700
    assert (folder.path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SettingsError, match=r"file/data cannot be made: Not a directory"):
        Folder(tmp_path / "file" / "data").create()


def test_secrets_are_made_once_and_differ(folder: Folder) -> None:
    first = folder.secrets()

    assert folder.secrets() == first
    assert len({first.nats, first.redis, first.store}) == 3
    assert len(first.nats) >= 32


def test_the_room_for_the_log_is_decided_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = folder.log_bytes()
    usage = os.statvfs(folder.path)
    assert 0 < first <= 0.8 * usage.f_bfree * usage.f_frsize

    (folder.path / "log.json").write_text(json.dumps({"max_file_store": 12345}))
    assert folder.log_bytes() == 12345


def test_a_log_that_was_brought_here_has_the_room_of_its_streams(folder: Folder) -> None:
    for name, size in (("SEAMARK_events_0", 95), ("SEAMARK_logs_0", 95), ("KV_SEAMARK_CONFIG", -1)):
        stream = folder.part("nats") / "jetstream" / "$G" / "streams" / name
        stream.mkdir(parents=True)
        (stream / "meta.inf").write_text(json.dumps({"name": name, "max_bytes": size * 10**12}))
    (folder.path / "log.json").write_text(json.dumps({"max_file_store": 12345}))
    room = folder.log_bytes()
    assert room >= 190 * 10**12
    assert folder.log_bytes() == room  # and does not grow with each start


def test_one_holder_at_a_time_and_death_lets_go(folder: Folder) -> None:
    assert folder.holder() is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"

        holder = folder.holder()
        assert holder is not None
        assert (holder.pid, holder.port_offset) == (other.pid, 7)
        with pytest.raises(
            SettingsError, match=rf"data is in use by another seamark \(pid {other.pid}\)"
        ):
            folder.lock(host="h", port_offset=0, patience_seconds=0)

        began = time.monotonic()
        other.kill()
        other.wait(10)
        lock = folder.lock(host="h", port_offset=0, patience_seconds=5)
        assert time.monotonic() - began < 5
        os.close(lock)


def test_looking_at_the_lock_does_not_take_it(folder: Folder) -> None:
    (folder.path / "lock").write_text('{"pid": 1, "host": "h", "port_offset": 0}')

    assert folder.holder() is None
    os.close(folder.lock(host="h", port_offset=0, patience_seconds=0))


def test_a_damaged_file_is_named(folder: Folder) -> None:
    (folder.path / "secrets.json").write_text("{")

    with pytest.raises(SettingsError, match=r"secrets\.json is not readable"):
        folder.secrets()


def test_writing_replaces_whole_files(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o644)

    write(path, "new")

    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
