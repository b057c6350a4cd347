"""Where the archive's files are kept: a folder, or a bucket behind S3's protocol.

A file is there whole under its name, or it is not there: a folder gets it by rename, a bucket by
the last request of an upload. All calls block, and raise OSError (pyarrow's errors are OSErrors).
"""

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

_PRIVATE_FOLDER: Final = 0o700
_INCOMING: Final = ".incoming"


class Objects(Protocol):
    """Files under paths relative to the archive's root."""

    @property
    def work(self) -> Path:
        """A folder of this process for files that are being made; emptied when a process starts."""

    def check(self) -> None:
        """Whether files could be written now; raises OSError saying why not."""

    def put(self, file: Path, path: str) -> None:
        """Keep a file of the work folder under `path`, in place of what was there; durable."""

    def local(self, path: str, folder: Path) -> Path:
        """The file as one that can be read: itself, or a copy in `folder`."""

    def delete(self, path: str) -> None:
        """Remove a file; one that is not there is removed already."""


class FolderObjects:
    """Files in a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        self.work = own_folder(root / _INCOMING)

    def check(self) -> None:
        """See `Objects.check`."""
        probe = self.work / "check"
        probe.write_bytes(b"")
        probe.unlink()

    def put(self, file: Path, path: str) -> None:
        """See `Objects.put`."""
        target = self._root / path
        target.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
        _sync(file)
        file.replace(target)
        for folder in (target.parent, *target.parent.parents):
            _sync(folder)
            if folder == self._root:
                break

    def local(self, path: str, folder: Path) -> Path:  # noqa: ARG002  # nothing has to be copied
        """See `Objects.local`."""
        return self._root / path

    def delete(self, path: str) -> None:
        """See `Objects.delete`."""
        (self._root / path).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """How to reach a bucket. An empty key takes the machine's own credentials."""

    endpoint: str
    region: str
    key: str
    secret: str
    timeout_seconds: float
    tls_ca: str = ""


class BucketObjects:
    """Files in `bucket/prefix`. An upload that is broken off is never completed by anybody.

    Give the bucket a lifecycle rule that aborts incomplete uploads, or their parts stay.
    """

    def __init__(self, root: str, access: BucketAccess, *, work: Path) -> None:
        self._root = root.strip("/")
        self._access = access
        self._opened: Any = None
        self.work = own_folder(work)

    def check(self) -> None:
        """See `Objects.check`."""
        bucket = self._root.partition("/")[0]
        if self._files().get_file_info(bucket).type.name == "NotFound":
            raise OSError(f"there is no bucket {bucket}")

    def put(self, file: Path, path: str) -> None:
        """See `Objects.put`."""
        import pyarrow  # see _files

        # Mapped and written in one call: a stream that fails half-way would be closed, and that
        # completes an upload. What can fail here is the server alone, and then nothing completes.
        with pyarrow.memory_map(str(file)) as source:
            content = source.read_buffer()
            stream = self._files().open_output_stream(f"{self._root}/{path}")
            stream.write(content)
            stream.close()
        file.unlink()

    def local(self, path: str, folder: Path) -> Path:
        """See `Objects.local`."""
        copy = folder / path.rpartition("/")[2]
        with (
            self._files().open_input_stream(f"{self._root}/{path}") as source,
            copy.open("wb") as target,
        ):
            shutil.copyfileobj(source, target, 1024 * 1024)
        return copy

    def delete(self, path: str) -> None:
        """See `Objects.delete`."""
        with contextlib.suppress(FileNotFoundError):
            self._files().delete_file(f"{self._root}/{path}")

    def paths(self) -> list[str]:
        """Every file there is. For recovery: the processor goes by the manifest."""
        from pyarrow import fs  # see _files

        selector = fs.FileSelector(self._root, recursive=True, allow_not_found=True)
        found = self._files().get_file_info(selector)
        return [
            info.path.removeprefix(f"{self._root}/") for info in found if info.type.name == "File"
        ]

    def _files(self) -> Any:
        """The client; imported when it is needed, for a folder needs none of its 60 MB."""
        if self._opened is None:
            from pyarrow import fs

            access = self._access
            scheme, _, endpoint = access.endpoint.rpartition("://")
            self._opened = fs.S3FileSystem(
                access_key=access.key or None,
                secret_key=access.secret or None,
                region=access.region or None,
                scheme=scheme or "https",
                endpoint_override=endpoint or None,
                tls_ca_file_path=access.tls_ca or None,
                connect_timeout=min(5.0, access.timeout_seconds),
                request_timeout=access.timeout_seconds,
                allow_delayed_open=True,  # a small file is one request
                retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=2),
            )
        return self._opened


def open_objects(url: str, access: BucketAccess, *, state: Path) -> Objects:
    """The archive at `url`: `s3://bucket/prefix`, or a folder. Raises OSError, ValueError."""
    parts = urlsplit(url)
    if parts.scheme == "s3":
        if not parts.netloc:
            raise ValueError(f"{url!r} names no bucket")
        return BucketObjects(f"{parts.netloc}{parts.path}", access, work=state / "incoming")
    if parts.scheme and "://" in url:
        raise ValueError(f"{url!r} is neither a folder nor s3://bucket/prefix")
    if set(url) & set("*?{}"):  # the engine would take them for a pattern
        raise ValueError(f"{url!r} has a character in it that stands for others")
    return FolderObjects(Path(url).absolute())


def own_folder(parent: Path) -> Path:
    """A new folder in `parent` for this process alone; those of processes that died are removed."""
    parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    for other in parent.iterdir():
        if not _alive(other.name):
            shutil.rmtree(other, ignore_errors=True)
    own = parent / str(os.getpid())
    own.mkdir(mode=_PRIVATE_FOLDER)
    return own


def _alive(name: str) -> bool:
    if not name.isdigit() or int(name) == os.getpid():
        return False
    try:
        os.kill(int(name), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
