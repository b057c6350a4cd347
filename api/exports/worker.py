"""`python -m api.exports.worker`: one export. `ExportJob` on stdin, `ExportProgress` on stdout.

A process of its own, so that no export can stall the questions, a cancel is a kill, and memory
is given back. It writes into the folder it was given and nowhere else.
"""

import errno
import logging
import os
import shutil
import sys
from pathlib import Path
from typing import Final

import msgspec

from api.exports.archive_parts import ArchiveParts
from api.exports.job import RESULT, ExportJob, ExportProgress, Failed
from api.exports.result import Broken, ExportResult
from api.exports.slices import Slice
from api.exports.store_parts import StoreParts, TooLarge
from api.query.export import FileRow
from seamark.service import lifecycle, logs

logger = logging.getLogger("api.exports")
_NO_LIMIT: Final = 1 << 40


class ExportWorker:
    """One job, part by part. Raises Failed, OSError."""

    def __init__(self, job: ExportJob) -> None:
        self._job = job
        self._folder = Path(job.folder)
        self._result = ExportResult(self._folder / RESULT, job.form)
        self._limit = job.reading.limit or _NO_LIMIT
        self._expected = -1

    def run(self) -> ExportProgress:
        """Make the file; returns its last progress."""
        try:
            self._read()
        except BaseException:
            self._result.abandon()
            raise
        self._result.close()
        rows, size = self._result.rows, (self._folder / RESULT).stat().st_size
        return ExportProgress(rows=rows, bytes=size, expected=rows, progress=1.0, done=True)

    def _read(self) -> None:
        store = StoreParts(self._job)
        try:
            if self._job.reading.source == "archive":
                self._from_archive(store)
            else:
                self._from_store(store)
        finally:
            store.close()

    def _from_store(self, store: StoreParts) -> None:
        slices = store.slices()
        counted = sum(one.rows for one in slices)
        self._expect(counted, exact=True)
        waiting, behind = slices[::-1], 0
        while waiting and self._left():
            wanted = waiting.pop()
            part = self._part()
            try:
                store.fetch(wanted, self._left(), part)
            except TooLarge as error:
                halves = wanted.halves()
                if halves == [wanted]:
                    raise Failed("too_much", str(error)) from error
                waiting += halves[::-1]
                continue
            self._add(part)
            behind += wanted.rows
            self._tell(self._share(behind, counted, wanted))

    def _share(self, behind: int, counted: int, wanted: Slice) -> float:
        if counted:
            return behind / counted
        reading = self._job.reading
        return (wanted.until_ms - reading.since_ms) / (reading.until_ms - reading.since_ms)

    def _from_archive(self, store: StoreParts) -> None:
        reading = self._job.reading
        found = store.ask(reading.files, since=reading.since_ms, until=reading.until_ms)
        files: list[FileRow | None] = [FileRow(*row) for row in found]
        counted = sum(row.rows for row in files if row)
        self._expect(counted, exact=False)
        reader = ArchiveParts(self._job, store.structure(reading.table))
        behind = 0
        try:
            for wanted in files or [None]:
                if not self._left():
                    break
                part = self._part()
                reader.fetch(wanted, self._left(), part)
                self._add(part)
                behind += wanted.rows if wanted else 0
                self._tell(behind / counted if counted else 1.0)
        finally:
            reader.close()

    def _expect(self, rows: int, *, exact: bool) -> None:
        """`exact`: the filters have been applied. Else only what is written can be too much."""
        self._expected = min(rows, self._limit)
        if exact and self._expected > self._job.most_rows:
            raise self._too_many(rows)
        self._tell(0.0)

    def _left(self) -> int:
        """Rows that may still come; one more than the export may have shows that it has more."""
        most = min(self._limit, self._job.most_rows + 1)
        return most - self._result.rows

    def _part(self) -> Path:
        free = shutil.disk_usage(self._folder).free
        if free < self._job.disk_keep_bytes:
            raise _disk_full(f"{free} bytes are free")
        return self._folder / "part"

    def _add(self, part: Path) -> None:
        try:
            self._result.add(part)
        except Broken as error:
            raise Failed("unavailable", f"A part broke off: {error}") from error
        finally:
            part.unlink(missing_ok=True)
        if self._result.rows > self._job.most_rows:
            raise self._too_many(self._result.rows)
        if self._result.bytes > self._job.most_bytes:
            raise Failed(
                "too_much",
                f"The file is larger than {self._job.most_bytes} bytes, the limit "
                "(SEAMARK_EXPORT_FILE_BYTES). Narrow the range, the filters or the columns, or "
                "take Parquet, which is smaller.",
            )

    def _too_many(self, rows: int) -> Failed:
        return Failed(
            "too_much",
            f"There are {rows} rows and more; one export has at most {self._job.most_rows} "
            "(SEAMARK_EXPORT_ROWS). Narrow the range or the filters, or say a limit.",
        )

    def _tell(self, progress: float) -> None:
        rows, size = self._result.rows, self._result.bytes
        # all is written before anything is whole: 1 is for what is done
        progress = min(round(progress, 4), 0.999)
        say(ExportProgress(rows=rows, bytes=size, expected=self._expected, progress=progress))


def say(what: ExportProgress) -> None:
    """One line for the process that started this one."""
    os.write(1, msgspec.json.encode(what) + b"\n")


def _disk_full(what: str) -> Failed:
    return Failed(
        "disk_full",
        f"The disk of the exports is nearly full: {what} (SEAMARK_EXPORT_DISK_KEEP_BYTES). Delete "
        "exports that are not needed, or narrow this one.",
    )


def main() -> int:
    """Read the job and do it. Progress and every failure go to stdout."""
    lifecycle.die_with_parent()
    logs.configure("api.exports", level="info")
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=ExportJob)
    try:
        said = ExportWorker(job).run()
    except Failed as failure:
        said = ExportProgress(failure=failure.reason, message=failure.message)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        full = _disk_full(str(error))
        said = ExportProgress(failure=full.reason, message=full.message)
    say(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
