"""Merges small files into large ones, one merge at a time, and finishes what a crash left.

    record the merge → write the new file → manifest, one insert: the new file live, the old ones
    replaced → delete the old files → clear the record

After a crash the record names the merge. Until the manifest has the new file everything is done
again, over the same name; from then on only the deleting is. Nothing is ever deleted but what the
manifest says has been replaced: a manifest that was lost or restored can cost no row.

Damaged inputs are left alone: a merge would put good checksums on bad rows.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from processors.archive import metrics
from processors.archive.engine_threads import EngineThreads, digest
from processors.archive.files import (
    LIVE,
    REPLACED,
    ArchiveFile,
    Facts,
    ledger_of,
    merge_counts,
    merge_ledgers,
)
from processors.archive.footer import NotParquet, read_metadata
from processors.archive.intents import Intent, Intents
from processors.archive.layout import hour_of
from processors.archive.manifest import Manifest
from processors.archive.plan import Merge, MergeProgress, by_hour, complete, plan
from seamark.wire.signals import Signal

logger = logging.getLogger(__name__)
_LOOK_AT = 5000
"""Files looked at when a merge is chosen: some hours of the busiest signal."""


class Damaged(Exception):
    """A file is not what the manifest says of it."""


class ArchiveProgress(Protocol):
    """How far the archive has come in the log."""

    async def progress(self, signal: Signal) -> Sequence[MergeProgress]:
        """Every stream of a signal. Raises PositionsUnavailable, LogLost, StreamMissing."""


@dataclass(frozen=True, slots=True)
class MergeLimits:
    """When an hour is merged, and into files of what size."""

    target_bytes: int
    slack_ms: int


@dataclass(slots=True)
class Merger:
    """Everything a merge needs. `damaged`: outputs that were given up, until a restart."""

    engine_threads: EngineThreads
    manifest: Manifest
    intents: Intents
    progress: ArchiveProgress
    limits: MergeLimits
    damaged: set[str] = field(default_factory=set)

    async def step(self) -> bool:
        """One merge: the one that is recorded, else the next that is due; False: there is none.

        Raises SinkUnavailable, PositionsUnavailable, Fenced, LogLost, StreamMissing, OSError,
        EngineFailed; after any of them, call again later.
        """
        intent = await self.intents.read()
        if intent.merge is None:
            merge = await self._next()
            if merge is None:
                return False
            intent = await self.intents.write(merge, revision=intent.revision)
        await self._finish(intent)
        return True

    async def _next(self) -> Merge | None:
        files = await self.manifest.small(below_bytes=self.limits.target_bytes // 2, limit=_LOOK_AT)
        streams: dict[Signal, Sequence[MergeProgress]] = {}
        for hour, live in by_hour(files).items():
            if hour.signal not in streams:
                streams[hour.signal] = await self.progress.progress(hour.signal)
            if complete(hour, streams[hour.signal], slack_ms=self.limits.slack_ms):
                for merge in plan(live, target_bytes=self.limits.target_bytes):
                    if merge.output not in self.damaged:
                        return merge
        return None

    async def _finish(self, intent: Intent) -> None:
        merge = intent.merge
        assert merge is not None  # noqa: S101  # `step` has seen to it
        signal = hour_of(merge.output).signal
        if not await self._is_written(merge, signal):
            await self.intents.write(None, revision=intent.revision)
            return
        for path in merge.inputs:
            await self._delete(path)
        await self.intents.write(None, revision=intent.revision)
        metrics.MERGES.labels(signal).inc()
        metrics.MERGED_FILES.labels(signal).inc(len(merge.inputs))
        logger.info("merged", extra={"output": merge.output, "files": len(merge.inputs)})

    async def _is_written(self, merge: Merge, signal: Signal) -> bool:
        """Have the new file in the manifest; False: it cannot be made and is given up."""
        paths = [merge.output, *merge.inputs]
        known = {file.path: file for file in await self.manifest.files(signal, paths)}
        if merge.output in known:
            return True
        inputs = [known[path] for path in merge.inputs if path in known]
        try:
            if [file.state for file in inputs] != [LIVE] * len(merge.inputs):
                raise Damaged("the manifest no longer has all of its files")
            await self._write(merge, inputs)
        except Damaged as error:
            if await self.manifest.files(signal, [merge.output]):
                return True  # another process was at it, and has finished
            self._give_up(merge, signal, error)
            return False
        return True

    async def _write(self, merge: Merge, inputs: Sequence[ArchiveFile]) -> None:
        """The new file, and the manifest. Raises Damaged."""
        with metrics.STEP_SECONDS.labels("merge").time(), self.engine_threads.folder() as folder:
            merged = await self._file(merge, inputs, folder)
        await self.manifest.add(
            [merged, *(_replaced(file, merged) for file in inputs)],
            token=f"archive:{merge.output}",
        )
        metrics.MERGED_BYTES.labels(merged.signal).inc(merged.bytes)

    async def _file(self, merge: Merge, inputs: Sequence[ArchiveFile], folder: Path) -> ArchiveFile:
        signal = inputs[0].signal
        objects = self.engine_threads.objects
        local = []
        ledger = []
        for file in inputs:
            path, ledger_rows = await self.engine_threads.move(partial(self._read, file, folder))
            local.append(path)
            ledger += ledger_rows
        output = folder / "merged.parquet"
        rows = await self.engine_threads.merge(signal, local, output)
        if rows != sum(file.rows for file in inputs):
            raise Damaged(f"{rows} rows came of {sum(file.rows for file in inputs)}")
        facts = Facts(
            rows=rows,
            min_received=min(file.min_received for file in inputs),
            max_received=max(file.max_received for file in inputs),
            ledger=merge_ledgers(ledger),
            replaces=merge.inputs,
        )
        size, sha256 = await self.engine_threads.finish(output, facts)
        await self.engine_threads.move(lambda: objects.put(output, merge.output))
        now_ms = time.time_ns() // 1_000_000
        return ArchiveFile(
            path=merge.output,
            signal=signal,
            rows=rows,
            bytes=size,
            sha256=sha256,
            min_received=facts.min_received,
            max_received=facts.max_received,
            min_time=min(file.min_time for file in inputs),
            max_time=max(file.max_time for file in inputs),
            written_at=now_ms,
            version=now_ms,
            replaces=merge.inputs,
            counts=merge_counts(count for file in inputs for count in file.counts),
        )

    def _read(self, file: ArchiveFile, folder: Path) -> tuple[Path, list[dict[str, object]]]:
        """A file that is what the manifest says, and its ledger rows. Blocks. Raises Damaged."""
        try:
            path = self.engine_threads.objects.local(file.path, folder)
            if path.stat().st_size != file.bytes or digest(path) != file.sha256:
                raise Damaged(f"{file.path} is not what the manifest says")
            return path, ledger_of(read_metadata(path))
        except (NotParquet, ValueError, FileNotFoundError) as error:
            raise Damaged(f"{file.path}: {error}") from error

    async def _delete(self, path: str) -> None:
        await self.engine_threads.move(lambda: self.engine_threads.objects.delete(path))

    def _give_up(self, merge: Merge, signal: Signal, error: Damaged) -> None:
        self.damaged.add(merge.output)
        metrics.DAMAGED.labels(signal).inc()
        logger.error("a merge is given up", extra={"output": merge.output, "error": str(error)})


def _replaced(file: ArchiveFile, by: ArchiveFile) -> ArchiveFile:
    return msgspec.structs.replace(
        file, state=REPLACED, version=max(file.version + 1, by.version), written_at=by.written_at
    )
