"""Parts of an export from the archive: one file of it each, read by a process of their own.

The manifest names the files in one answer, so each row is in one of them. Blocks.
"""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec

from api.exports.job import BAD_PATTERN, BEYOND, ExportJob, Failed
from api.query.export import FileRow
from seamark.service.lifecycle import PARENT_VARIABLE
from seamark.wire.extraction import Extracted, Extraction, Wanted

_COMMAND = (sys.executable, "-P", "-m", "processors.archive.extract")
_RANGE_ENDS = ("since", "until")


class ArchiveParts:
    """The reader of the archive's files. Raises Failed."""

    def __init__(self, job: ExportJob, structure: str) -> None:
        reading = job.reading
        self._process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {PARENT_VARIABLE: str(os.getpid())},
        )
        values = dict(reading.rows.values)
        values |= dict(zip(_RANGE_ENDS, (reading.since_ms, reading.until_ms), strict=True))
        self._say(
            Extraction(
                folder=job.folder,
                table=reading.table,
                structure=structure,
                sql=reading.rows.sql,
                values=values,
                memory_bytes=job.memory_bytes,
            )
        )

    def fetch(self, wanted: FileRow | None, most: int, part: Path) -> None:
        """What the export takes of a file (None: of nothing) into `part`."""
        path, sha256 = (wanted.path, wanted.sha256) if wanted else ("", "")
        self._say(Wanted(path=path, sha256=sha256, part=str(part), most=most))
        assert self._process.stdout is not None  # noqa: S101  # it is a pipe
        line = self._process.stdout.readline()
        if not line:
            raise Failed(
                "unavailable",
                "The archive's reader ended. It needs the archive's own settings "
                "(SEAMARK_ARCHIVE_*) where the API runs; the API's log says more.",
            )
        found = msgspec.json.decode(line, type=Extracted)
        match found.trouble:
            case "":
                return
            case "gone" | "away":
                raise Failed("unavailable", found.message)
            case "too_much":
                raise Failed("too_much", BEYOND)
            case "invalid_filter":
                raise Failed("invalid_filter", BAD_PATTERN)
            case "corrupt":
                raise Failed("corrupt", found.message)
            case _:
                raise Failed("internal", found.message)

    def close(self) -> None:
        """End the reader."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

    def _say(self, what: msgspec.Struct) -> None:
        assert self._process.stdin is not None  # noqa: S101  # it is a pipe
        with contextlib.suppress(BrokenPipeError):  # the answer that does not come says so
            self._process.stdin.write(msgspec.json.encode(what) + b"\n")
            self._process.stdin.flush()
