"""`python -m processors.archive.extract`: rows of the archive's files, for an export of the API.

`seamark.wire.extraction` says what is on stdin and stdout. Each file is shown to the engine as the
raw table that it is an archive of, so the very statement that reads the store reads it; what comes
out is written by the engine, row group by row group. It only reads the archive. SEAMARK_ARCHIVE_*
says where that is, as it does for the processor.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from processors.archive.codec import ArchiveCodec, merging
from processors.archive.connection import EngineConnection, EngineFailed, connect_in
from processors.archive.layout import hour_of
from processors.archive.objects import BucketObjects
from processors.archive.settings import ArchiveSettings
from seamark.service import lifecycle
from seamark.service.clickhouse.quoting import literal
from seamark.service.settings import load
from seamark.wire.extraction import Extracted, Extraction, Trouble, Wanted

_DATABASE: Final = "archived"
_TROUBLES: Final[dict[int, Trouble]] = {241: "too_much", 427: "invalid_filter"}
"""MEMORY_LIMIT_EXCEEDED, CANNOT_COMPILE_REGEXP."""
_BUCKET: Final = "s3://"


class Files:
    """The archive's files, read only: of a folder themselves, of a bucket a copy."""

    def __init__(self, settings: ArchiveSettings, folder: Path) -> None:
        self._root = Path(settings.url).absolute()
        self._bucket: BucketObjects | None = None
        self._copies = folder / "copies"
        if settings.url.startswith(_BUCKET):
            self._copies.mkdir(mode=0o700)
            self._bucket = BucketObjects(
                settings.url.removeprefix(_BUCKET), settings.access, work=folder / "incoming"
            )

    def local(self, path: str) -> Path:
        """A file that can be read. Raises OSError, and ValueError for what is not the archive's."""
        hour_of(path)
        if self._bucket is not None:
            return self._bucket.local(path, self._copies)
        return self._root / path

    def done(self, file: Path) -> None:
        """Give back what `local` made."""
        if self._bucket is not None:
            file.unlink(missing_ok=True)


class Extractor:
    """One statement, put to one file after the other."""

    def __init__(self, asked: Extraction, files: Files) -> None:
        self._asked = asked
        self._files = files
        self._engine = EngineConnection(connect_in(Path(asked.folder) / "engine"))
        given = {
            **merging(ArchiveCodec("snappy")),
            "max_memory_usage": str(asked.memory_bytes),
            "date_time_output_format": "iso",
            "output_format_json_quote_denormals": "1",
            "output_format_json_escape_forward_slashes": "0",
        }
        listed = ", ".join(f"{name} = {literal(value)}" for name, value in given.items())
        self._engine.command(f"SET {listed}")
        self._engine.command(f"CREATE DATABASE {_DATABASE} ENGINE = Memory")
        self._engine.command(f"USE {_DATABASE}")

    def extract(self, wanted: Wanted) -> Extracted:
        """One part. Never raises for what can be in the way of it."""
        try:
            if not wanted.path:
                self._write(f"null({literal(self._asked.structure)})", wanted)
                return Extracted()
            file = self._files.local(wanted.path)
            try:
                return self._from(file, wanted)
            finally:
                self._files.done(file)
        except FileNotFoundError:
            return Extracted(trouble="gone", message=f"{wanted.path} was merged into another.")
        except OSError as error:
            return Extracted(trouble="away", message=f"The archive cannot be read: {error}"[:500])
        except (EngineFailed, ValueError) as error:
            code = error.code if isinstance(error, EngineFailed) else 0
            return Extracted(trouble=_TROUBLES.get(code, "failed"), message=str(error))

    def _from(self, file: Path, wanted: Wanted) -> Extracted:
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
            if found != wanted.sha256:
                return Extracted(
                    trouble="corrupt",
                    message=f"{wanted.path} of the archive is not what the manifest says it is "
                    f"(SHA-256 {found}, not {wanted.sha256}); `seamark verify` says more.",
                )
            # by its descriptor: a merge may take the file's name away, not the file
            source = f"/dev/fd/{opened.fileno()}"
            structure = literal(self._asked.structure)
            self._write(f"file({literal(source)}, 'Parquet', {structure})", wanted)
        return Extracted()

    def _write(self, source: str, wanted: Wanted) -> None:
        table = self._asked.table
        # names of our own; what an asker wrote goes as parameters
        view = f"CREATE OR REPLACE VIEW {table} AS SELECT * FROM {source}"  # noqa: S608
        self._engine.command(view)
        values = {**self._asked.values, "most": wanted.most}
        self._engine.query(
            f"INSERT INTO FUNCTION file({literal(wanted.part)}, 'Parquet') {self._asked.sql}",
            "TabSeparated",
            params={name: _parameter(value) for name, value in values.items()},
        )


def _parameter(value: str | int | float) -> str:
    """A parameter's text; parameters are read as TabSeparated."""
    return str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def serve(lines: Callable[[], bytes], say: Callable[[bytes], object]) -> None:
    """Answer until there are no more lines."""
    asked = msgspec.json.decode(lines(), type=Extraction)
    settings = load(ArchiveSettings, prefix="SEAMARK_ARCHIVE", environ=os.environ)
    extractor = Extractor(asked, Files(settings, Path(asked.folder)))
    while line := lines():
        done = extractor.extract(msgspec.json.decode(line, type=Wanted))
        say(msgspec.json.encode(done) + b"\n")


def main() -> int:
    """Whatever the engine prints goes to standard error: standard output is for answers."""
    lifecycle.die_with_parent()
    answers = os.dup(1)
    os.dup2(2, 1)
    serve(sys.stdin.buffer.readline, lambda line: os.write(answers, line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
