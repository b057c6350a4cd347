"""The archive as recovery reads it: which files are live, and what their footers say.

The manifest in the store says which files are live. Without it (the store is what was lost) the
archive's own listing does: every file there is, but those that another file there names as
replaced. A file is whole under its name or not there, so a merged file that no manifest ever heard
of counts just as well as what it was made of.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from processors.archive.files import ledger_of
from processors.archive.footer import NotParquet, read_metadata
from processors.archive.layout import Hour, hour_of
from processors.archive.objects import BucketAccess, BucketObjects
from seamark.recovery.stack import RecoveryError, Stack
from seamark.recovery.store import RecoveryStore

MANIFEST: Final = "archive_files"
_MOST_AT_ONCE: Final = 256


@dataclass(frozen=True, slots=True)
class Footer:
    """What a file says of itself."""

    stream: str
    first: int
    last: int
    rows: int
    min_received: int
    max_received: int
    replaces: tuple[str, ...]
    ledger: Sequence[Mapping[str, Any]]


class Archive:
    """The files, read only."""

    def __init__(self, root: Path | None, bucket: BucketObjects | None = None) -> None:
        self._root = root
        self._bucket = bucket
        self._copies = tempfile.TemporaryDirectory(prefix="seamark-replay-") if bucket else None

    def paths(self) -> list[str]:
        """Every file there is, sorted. Blocks. Raises RecoveryError."""
        try:
            found = self._bucket.paths() if self._bucket else self._in_folder()
        except OSError as error:
            raise RecoveryError(f"the archive cannot be listed: {error}") from error
        return sorted(path for path in found if _is_ours(path))

    def local(self, path: str) -> Path:
        """A file that can be read; of a bucket a copy, to be given to `done`. Blocks."""
        try:
            if self._bucket is not None and self._copies is not None:
                return self._bucket.local(path, Path(self._copies.name))
            assert self._root is not None  # noqa: S101  # one of them is given
            return self._root / path
        except OSError as error:
            raise RecoveryError(f"{path} of the archive cannot be read: {error}") from error

    def done(self, file: Path) -> None:
        """Give back what `local` made."""
        if self._bucket is not None:
            file.unlink(missing_ok=True)

    def footer(self, path: str) -> Footer:
        """A file's footer. Blocks. Raises RecoveryError."""
        file = self.local(path)
        try:
            return footer_of(file)
        finally:
            self.done(file)

    def _in_folder(self) -> list[str]:
        assert self._root is not None  # noqa: S101  # one of them is given
        root = self._root
        return [str(path.relative_to(root)) for path in root.glob("signal=*/**/*.parquet")]


def footer_of(file: Path) -> Footer:
    """The footer of a local file. Raises RecoveryError."""
    try:
        said = read_metadata(file)
        return Footer(
            stream=said.get("seamark.stream", ""),
            first=int(said.get("seamark.first", "0")),
            last=int(said.get("seamark.last", "0")),
            rows=int(said["seamark.rows"]),
            min_received=int(said.get("seamark.min_received_ms", "0")),
            max_received=int(said.get("seamark.max_received_ms", "0")),
            replaces=tuple(json.loads(said.get("seamark.replaces", "[]"))),
            ledger=ledger_of(said),
        )
    except FileNotFoundError as error:
        raise RecoveryError(
            f"{file} is gone: the archive has merged it since the replay was begun. Begin anew "
            "(seamark replay --rebuild --drop)"
        ) from error
    except (OSError, NotParquet, KeyError, ValueError) as error:
        raise RecoveryError(f"{file} is not a file of the archive: {error!r}") from error


def open_archive(stack: Stack) -> Archive:
    """The archive of a stack. Raises RecoveryError when there is none."""
    from processors.archive.settings import ArchiveSettings
    from seamark.service.settings import load

    settings = load(ArchiveSettings, prefix="SEAMARK_ARCHIVE", environ=stack.environ)
    if settings.url.startswith("s3://"):
        access = BucketAccess(
            endpoint=settings.s3_endpoint,
            region=settings.s3_region,
            key=settings.s3_key,
            secret=settings.s3_secret,
            timeout_seconds=60,
            tls_ca=settings.s3_tls_ca,
        )
        work = Path(tempfile.mkdtemp(prefix="seamark-archive-"))
        return Archive(None, BucketObjects(settings.url.removeprefix("s3://"), access, work=work))
    root = Path(settings.url).absolute()
    if not root.is_dir():
        raise RecoveryError(f"there is no archive in {root} (SEAMARK_ARCHIVE_URL)")
    return Archive(root)


async def has_manifest(store: RecoveryStore) -> bool:
    """Whether the store knows of an archive at all: the table is there, and something is in it."""
    exists = await store.value(
        "SELECT count() AS n FROM system.tables WHERE database = {d:String} AND name = {t:String}",
        params={"d": store.database, "t": MANIFEST},
    )
    if not exists:
        return False
    return bool(await store.value(f"SELECT count() AS n FROM {store.database}.{MANIFEST}"))


async def manifest_rows(store: RecoveryStore) -> dict[str, int]:
    """Path -> rows of the live files, as the manifest has them; nothing without a manifest."""
    if not await has_manifest(store):
        return {}
    found = await store.rows(
        f"SELECT path, rows FROM {store.database}.{MANIFEST} FINAL WHERE state = 'live'"
    )
    return {row["path"]: row["rows"] for row in found}


async def listed_live(archive: Archive) -> dict[str, int]:
    """The same from the archive itself: its listing, and every footer."""
    paths = await asyncio.to_thread(archive.paths)
    footers: dict[str, Footer] = {}
    for path in paths:
        footers[path] = await asyncio.to_thread(archive.footer, path)
    gone = replaced(footers)
    return {path: footer.rows for path, footer in footers.items() if path not in gone}


def replaced(footers: Mapping[str, Footer]) -> set[str]:
    """Paths that some file there says it was made of, themselves or through one in between. Pure.

    What is in between may be deleted already: a merged file names its inputs, and the file made of
    it names it; the first inputs can only be there still if the one in between is, too.
    """
    return {path for footer in footers.values() for path in footer.replaces}


def in_range(paths: Iterable[str], signals: Sequence[str], first: int, end: int) -> list[str]:
    """Those of `signals` whose hour (since the epoch) is in [first, end), oldest first. Pure."""
    found: list[tuple[Hour, str]] = []
    for path in paths:
        hour = hour_of(path)
        if hour.signal.value in signals and first <= hour.number < end:
            found.append((hour, path))
    return [path for hour, path in sorted(found, key=lambda one: (one[0].number, one[1]))]


def _is_ours(path: str) -> bool:
    try:
        hour_of(path)
    except ValueError:
        return False
    return True
