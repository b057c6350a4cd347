"""The exports of this process: which to make, how often to try, when to remove them.

An export belongs to the process that holds its lock. One that says `running` and is not locked was
left by a process that died: it is begun again, from its beginning, so its rows are there once.
Files and records are moved by this process alone, so what children of a dead one
still write has no effect.
"""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from api.answers import ErrorDetail
from api.exports.folder import ExportFolder
from api.exports.job import RESULT, ExportJob, ExportProgress, StoreAccess
from api.exports.making import make
from api.exports.record import UNFINISHED, ExportRecord
from api.exports.settings import ExportSettings
from api.reasons import QuestionReason
from seamark.service.connections import StoreSettings
from seamark.wire.failures import Rejected, Unavailable

logger = logging.getLogger(__name__)
_ATTEMPTS: Final = 5
_WAITS_SECONDS: Final = (0.5, 2.0, 8.0, 30.0)
"""After each attempt that met something that may pass."""
_LOOK_SECONDS: Final = 1.0
_TELL_SECONDS: Final = 0.5


class Exports:
    """`start`, and `stop` in the end: the next process begins again what was being made."""

    def __init__(
        self,
        settings: ExportSettings,
        store: StoreSettings,
        *,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self.settings = settings
        self._store = store
        self._clock_ms = clock_ms
        self._folder = ExportFolder(Path(settings.path))
        self._making: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None

    @property
    def keep_ms(self) -> int:
        """How long an export is kept when it is over."""
        return int(self.settings.keep_seconds * 1000)

    async def start(self) -> None:
        """Make the folder and go on with what is in it. Raises OSError."""
        await asyncio.to_thread(self._folder.create)
        self._looking = asyncio.create_task(self._look(), name="exports")

    async def stop(self) -> None:
        """End what is being made; it stays queued."""
        tasks = [*self._making.values(), *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def add(self, record: ExportRecord) -> None:
        """Queue an export. Raises Rejected (TOO_MUCH), Unavailable."""
        await asyncio.to_thread(self._add, record)
        self._wake.set()

    async def find(self, id_: str, *, org: str, app: str) -> ExportRecord:
        """An export of a scope. Raises Rejected (NOT_FOUND)."""
        record = await asyncio.to_thread(self._folder.read, id_)
        if record is None or not record.seen_by(org, app):
            raise Rejected(
                QuestionReason.NOT_FOUND,
                "There is no such export here: it was removed, is another scope's, or is kept by "
                "another instance of the API.",
                field="id",
            )
        return record

    async def seen_by(self, org: str, app: str) -> list[ExportRecord]:
        """All exports of a scope, the latest first."""
        records = await asyncio.to_thread(self._folder.records)
        mine = [record for record in records if record.seen_by(org, app)]
        return sorted(mine, key=lambda record: (-record.created_ms, record.id))

    def file(self, record: ExportRecord) -> Path:
        """Where the file of an export that is done lies."""
        return self._folder.file(record.id)

    async def end(self, record: ExportRecord) -> ExportRecord | None:
        """Cancel an export that is not over, else remove it; returns what it is then, or None."""
        ended = await asyncio.to_thread(self._end, record)
        self._wake.set()
        return ended

    def _end(self, record: ExportRecord) -> ExportRecord | None:
        if record.status not in UNFINISHED:
            self._remove(record.id)
            return None
        self._folder.cancel(record.id)
        held = self._folder.claim(record.id)
        if held is not None:  # no process makes it, or its process has ended
            try:
                now = self._folder.read(record.id)
                if now is None or now.status not in UNFINISHED:
                    return now
                return self._over(record, status="cancelled")
            finally:
                os.close(held)
        # the process that makes it sees the mark within half a second
        return msgspec.structs.replace(record, status="cancelled")

    def _add(self, record: ExportRecord) -> None:
        settings = self.settings
        with self._folder.alone():
            unfinished = [
                other
                for other in self._folder.records()
                if other.org == record.org and other.status in UNFINISHED
            ]
            if len(unfinished) >= settings.org_exports:
                raise Rejected(
                    QuestionReason.TOO_MUCH,
                    f"Org {record.org} has {len(unfinished)} exports queued or running; the limit "
                    f"is {settings.org_exports} (SEAMARK_EXPORT_ORG_EXPORTS). Wait for one, or "
                    "cancel one: DELETE /v1/exports/{id}.",
                )
            used = self._folder.used_bytes()
            if used >= settings.total_bytes:
                raise Rejected(
                    QuestionReason.TOO_MUCH,
                    f"Exports take {used} bytes; the limit is {settings.total_bytes} "
                    "(SEAMARK_EXPORT_TOTAL_BYTES). Remove some: DELETE /v1/exports/{id}.",
                )
            free = self._folder.free_bytes()
            if free < settings.disk_keep_bytes:
                raise Unavailable(
                    f"The disk of the exports is nearly full: {free} bytes are free, "
                    f"{settings.disk_keep_bytes} are kept free (SEAMARK_EXPORT_DISK_KEEP_BYTES). "
                    "Remove exports, or give it room.",
                    retry_after=60.0,
                    reason=QuestionReason.UNAVAILABLE,
                )
            self._folder.add(record)

    async def _look(self) -> None:
        """Claim what is queued or was left, while there is room; remove what has expired."""
        while True:
            self._wake.clear()
            try:
                for record in await asyncio.to_thread(self._folder.records):
                    await self._consider(record)
            except OSError as error:
                logger.warning("exports cannot be read", extra={"error": str(error)})
            try:
                await asyncio.wait_for(self._wake.wait(), _LOOK_SECONDS)
            except TimeoutError:
                continue

    async def _consider(self, record: ExportRecord) -> None:
        if record.status in UNFINISHED:
            if record.id in self._making or len(self._making) >= self.settings.concurrent:
                return
            held = await asyncio.to_thread(self._folder.claim, record.id)
            if held is not None:
                task = asyncio.create_task(self._take(record.id, held), name=f"export {record.id}")
                self._making[record.id] = task
        elif self._clock_ms() >= record.finished_ms + self.keep_ms:
            await asyncio.to_thread(self._remove, record.id)

    async def _take(self, id_: str, held: int) -> None:
        """Make one export; its lock is held, and released here."""
        try:
            record = await asyncio.to_thread(self._folder.read, id_)  # as it is now it is ours
            if record is not None and record.status in UNFINISHED:
                await self._carry_on(record)
        except OSError as error:  # of the folder: it is tried again for as long as it takes
            logger.error("export", extra={"export": id_, "error": str(error)})
            await asyncio.sleep(_LOOK_SECONDS)
        finally:
            os.close(held)
            self._making.pop(id_, None)
            self._wake.set()

    async def _carry_on(self, record: ExportRecord) -> None:
        while True:
            if await self._cancelled(record.id):
                await asyncio.to_thread(self._over, record, status="cancelled")
                return
            record = msgspec.structs.replace(
                record, status="running", attempt=record.attempt + 1, rows=0, bytes=0, progress=0.0
            )
            try:
                said = await self._attempt(record)
            except OSError:
                raise
            except Exception:
                logger.exception("export failed", extra={"export": record.id})
                said = ExportProgress(
                    failure="internal", message="A reason of ours; it was logged."
                )
            except asyncio.CancelledError:  # this process ends; nothing was wrong with the attempt
                queued = msgspec.structs.replace(
                    record, status="queued", attempt=record.attempt - 1
                )
                self._folder.write(queued)
                raise
            if said is None:
                continue
            if said.failure != "unavailable" or record.attempt >= _ATTEMPTS:
                await asyncio.to_thread(self._finish, record, said)
                return
            logger.warning("export again", extra={"export": record.id, "error": said.message})
            await self._pause(record)

    async def _pause(self, record: ExportRecord) -> None:
        until = time.monotonic() + _WAITS_SECONDS[min(record.attempt, len(_WAITS_SECONDS)) - 1]
        while time.monotonic() < until:
            if await self._cancelled(record.id):  # said by another process, perhaps: by a file
                return
            await asyncio.sleep(_TELL_SECONDS)

    async def _attempt(self, record: ExportRecord) -> ExportProgress | None:
        def begin() -> ExportJob:
            self._folder.write(record)
            return self._job(record, self._folder.attempt(record))

        job = await asyncio.to_thread(begin)
        told_at = 0.0

        async def told(said: ExportProgress) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= _TELL_SECONDS:
                told_at = time.monotonic()
                now = _with(record, said)
                await asyncio.to_thread(self._folder.write, now, durable=False)

        return await make(job, told=told, cancelled=lambda: self._cancelled(record.id))

    async def _cancelled(self, id_: str) -> bool:
        return await asyncio.to_thread(self._folder.is_cancelled, id_)

    def _finish(self, record: ExportRecord, said: ExportProgress) -> None:
        if said.failure:
            error = ErrorDetail(said.failure, said.message)
            self._over(record, status="failed", error=error)
            return
        made = self._folder.root / record.id / f"attempt-{record.attempt}" / RESULT
        self._folder.keep(made, record.id)
        self._over(_with(record, said), status="done")

    def _over(self, record: ExportRecord, **fields: object) -> ExportRecord:
        """Write the final record of an export, and return it; unfinished files are removed."""
        now = msgspec.structs.replace(record, finished_ms=self._clock_ms(), **fields)
        self._folder.write(now)
        self._folder.forget_attempts(record.id)
        logger.info("export over", extra={"export": now.id, "org": now.org, "status": now.status})
        return now

    def _remove(self, id_: str) -> None:
        held = self._folder.claim(id_)
        if held is None:
            return
        try:
            self._folder.remove(id_)
        finally:
            os.close(held)

    def _job(self, record: ExportRecord, folder: Path) -> ExportJob:
        settings, store = self.settings, self._store
        return ExportJob(
            folder=str(folder),
            form=record.form,
            reading=record.reading,
            store=StoreAccess(
                url=store.url,
                user=store.user,
                password=store.password,
                database=store.database,
                tls_ca=store.tls_ca,
            ),
            most_rows=settings.rows,
            most_bytes=settings.file_bytes,
            slice_rows=settings.slice_rows,
            slice_seconds=settings.slice_seconds,
            memory_bytes=settings.memory_bytes,
            disk_keep_bytes=settings.disk_keep_bytes,
        )


def _with(record: ExportRecord, said: ExportProgress) -> ExportRecord:
    return msgspec.structs.replace(
        record, rows=said.rows, bytes=said.bytes, expected=said.expected, progress=said.progress
    )
