"""The sink `archive`: a block becomes Parquet files, then rows of the manifest.

Files first, then the manifest in one insert under the block's token, then the session records the
position. So whatever the manifest names is there, and a block that is sent again either finds
its files named (and leaves them: a merge may have replaced them already) or writes the same names
again. Either way the insert is made again under its token: the one before may have been broken off
between the manifest and the ledger, which a view fills from it.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final

from processors.archive import metrics
from processors.archive.connection import EngineFailed
from processors.archive.engine import Made
from processors.archive.engine_threads import EngineThreads
from processors.archive.files import LIVE, ArchiveFile, Facts
from processors.archive.inflate import UnreadableFrame
from processors.archive.layout import block_name, sequences
from processors.archive.manifest import Manifest
from processors.blocks.proof import LastBlock
from processors.blocks.reasons import SinkReason
from processors.blocks.sink import Block, SinkRejected, SinkUnavailable

logger = logging.getLogger(__name__)


class ArchiveSink:
    """Writes blocks. Several may be under way at once; they are converted one by one."""

    name: Final = "archive"
    notices: Final = True
    """The footers hold the ledger, from which a store can be rebuilt: it has to be whole."""

    def __init__(self, engine_threads: EngineThreads, manifest: Manifest) -> None:
        self._engine_threads = engine_threads
        self._manifest = manifest

    async def write(self, block: Block) -> None:
        """See `Sink.write`."""
        with metrics.STEP_SECONDS.labels("look_up").time():
            known = await self._manifest.named(block.signal, block_name(block.token))
        if known:
            metrics.ALREADY.labels(block.signal).inc()
            if all(file.state == LIVE for file in known):  # else it was whole when it was merged
                await self._manifest.add(known, token=block.token)
            return
        try:
            files = await self._write_files(block)
        except UnreadableFrame as error:
            raise SinkRejected(SinkReason.BYTES, f"{error.reason}: {error}") from error
        except EngineFailed as error:
            raise SinkUnavailable(str(error), reason=error.reason) from error
        except OSError as error:
            text = f"{type(error).__name__}: {error}"[:500]
            raise SinkUnavailable(text, reason=SinkReason.FILES) from error
        if files:
            with metrics.STEP_SECONDS.labels("manifest").time():
                await self._manifest.add(files, token=block.token)
        _count(block, files)

    async def untouched(self, block: Block) -> bool:
        """See `Sink.untouched`: files count from the moment the manifest names them."""
        return not await self._manifest.named(block.signal, block_name(block.token))

    async def last_block(self, stream: str) -> LastBlock | None:
        """See `Sink.last_block`."""
        return await self._manifest.last_block(stream)

    async def _write_files(self, block: Block) -> list[ArchiveFile]:
        # Asked first: converting costs more than asking, and an outage may last.
        await self._engine_threads.move(self._engine_threads.objects.check)
        with self._engine_threads.folder() as folder:
            with metrics.STEP_SECONDS.labels("convert").time():
                payloads = [message.payload for message in block.messages]
                made = await self._engine_threads.make(block.signal, payloads, folder)
            return [await self._keep(block, one) for one in made]

    async def _keep(self, block: Block, made: Made) -> ArchiveFile:
        """Give a file its footer and put it where it belongs."""
        first, last = sequences(block.token)
        facts = Facts(
            stream=block.stream,
            first_sequence=first,
            last_sequence=last,
            rows=made.rows,
            min_received=made.min_received,
            max_received=made.max_received,
            ledger=made.ledger,
        )
        path = f"{made.hour.folder}/{block_name(block.token)}"
        size, sha256 = await self._engine_threads.finish(made.file, facts)
        with metrics.STEP_SECONDS.labels("upload").time():
            await self._engine_threads.move(
                lambda: self._engine_threads.objects.put(made.file, path)
            )
        now_ms = time.time_ns() // 1_000_000
        return ArchiveFile(
            path=path,
            signal=block.signal,
            stream=block.stream,
            first_sequence=first,
            last_sequence=last,
            rows=made.rows,
            bytes=size,
            sha256=sha256,
            min_received=made.min_received,
            max_received=made.max_received,
            min_time=made.min_time,
            max_time=made.max_time,
            written_at=now_ms,
            version=now_ms,
            counts=made.counts,
        )


def _count(block: Block, files: Sequence[ArchiveFile]) -> None:
    metrics.FILES.labels(block.signal).inc(len(files))
    metrics.ROWS.labels(block.signal).inc(sum(file.rows for file in files))
    metrics.BYTES.labels(block.signal).inc(sum(file.bytes for file in files))
    logger.debug("archived", extra={"token": block.token, "files": [file.path for file in files]})
