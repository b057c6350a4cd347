"""What the archive asks of the place its files go to: a folder and a bucket, one suite for both."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from processors.archive.objects import (
    BucketAccess,
    BucketObjects,
    FolderObjects,
    Objects,
    open_objects,
    own_folder,
)
from tests.support.s3_server import BUCKET, KEY, SECRET, S3Server
from tests.support.servers import free_port

pytestmark = pytest.mark.integration
PATH = "signal=events/year=2026/month=11/day=22/hour=03/part-SEAMARK_events_0-1-9-17.parquet"


def access(endpoint: str) -> BucketAccess:
    return BucketAccess(endpoint, "us-east-1", KEY, SECRET, timeout_seconds=3.0)


@pytest.fixture(params=["folder", "bucket"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Objects]:
    if request.param == "folder":
        yield FolderObjects(tmp_path / "archive")
        return
    with S3Server(tmp_path / "s3") as server:
        root = f"{BUCKET}/some/prefix"
        yield BucketObjects(root, access(server.endpoint), work=tmp_path / "work")


def made(objects: Objects, content: bytes) -> Path:
    file = objects.work / "made"
    file.write_bytes(content)
    return file


def test_a_file_is_put_read_replaced_and_deleted(objects: Objects, tmp_path: Path) -> None:
    objects.check()
    objects.put(made(objects, b"first"), PATH)
    assert objects.local(PATH, tmp_path).read_bytes() == b"first"
    objects.put(made(objects, b"second"), PATH)
    assert objects.local(PATH, tmp_path).read_bytes() == b"second"
    objects.delete(PATH)
    with pytest.raises(FileNotFoundError):
        objects.local(PATH, tmp_path).read_bytes()
    objects.delete(PATH)
    assert not list(objects.work.iterdir())


def test_a_large_file_arrives_whole(objects: Objects, tmp_path: Path) -> None:
    content = os.urandom(1024 * 1024) * 25  # several parts of an upload
    objects.put(made(objects, content), PATH)
    assert objects.local(PATH, tmp_path).read_bytes() == content


def test_a_file_that_is_not_there_is_not_found(objects: Objects, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        objects.local(PATH, tmp_path).read_bytes()


def test_nothing_is_seen_of_an_upload_that_the_server_broke_off(tmp_path: Path) -> None:
    with S3Server(tmp_path / "s3") as server:
        proxy = _Cut(server.port, after_bytes=15 * 1024 * 1024)
        objects = BucketObjects(BUCKET, access(proxy.endpoint), work=tmp_path / "work")
        with pytest.raises(OSError, match="part-SEAMARK"):
            objects.put(made(objects, os.urandom(1024 * 1024) * 25), PATH)
        proxy.close()
        assert not server.objects()


def test_a_server_that_is_away_and_a_bucket_that_is_missing_are_os_errors(tmp_path: Path) -> None:
    away = BucketObjects(BUCKET, access(f"http://127.0.0.1:{free_port()}"), work=tmp_path / "a")
    for action in (away.check, lambda: away.put(made(away, b"x"), PATH)):
        with pytest.raises(OSError, match=r".+"):
            action()
    with S3Server(tmp_path / "s3") as server:
        other = BucketObjects("other", access(server.endpoint), work=tmp_path / "b")
        with pytest.raises(OSError, match="no bucket other"):
            other.check()


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path / "archive")
    objects.work.rmdir()
    with pytest.raises(OSError, match="check"):
        objects.check()


def test_work_of_processes_that_died_is_removed(tmp_path: Path) -> None:
    alive, dead = tmp_path / str(os.getppid()), tmp_path / "4194399"
    for folder in (alive, dead):
        folder.mkdir()
        (folder / "left").touch()
    own = own_folder(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([alive.name, own.name])


@pytest.mark.parametrize("url", ["s3://", "gs://bucket/x", "folder*"])
def test_an_address_that_is_none_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r".+"):
        open_objects(url, access(""), state=tmp_path)


class _Cut:
    """A connection to a server that breaks for good after so many bytes have gone through."""

    def __init__(self, port: int, *, after_bytes: int) -> None:
        self._port = port
        self._left = after_bytes
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            if self._left <= 0:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self._port))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while self._left > 0 and (data := source.recv(65536)):
                self._left -= len(data)
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            with_errors = one.fileno() >= 0
            if with_errors:
                one.close()

    def close(self) -> None:
        self._left = 0
        self._listening.close()
