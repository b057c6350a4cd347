"""Where a sink's dedup indexes are: one file a stream, opened when it is first needed."""

from pathlib import Path
from typing import Final

from processors.blocks.dedup.index import DedupIndex
from seamark.wire.frames import DUPLICATE_WINDOW_NS

_PRIVATE_FOLDER: Final = 0o700


class DedupFolder:
    """The indexes of one sink. Every sink has a folder of its own, and every process.

    `path` "": temporary files of SQLite that last as long as this object, so the indexes are built
    from the log at every start. The folder needs no backup: all of it stands in the log.
    """

    def __init__(self, path: str = "", *, window_ns: int = DUPLICATE_WINDOW_NS) -> None:
        """`window_ns` is for tests: every sink of a log must use the same. Raises OSError."""
        self._path = path
        self._window_ns = window_ns
        self._indexes: dict[str, DedupIndex] = {}
        if path:
            Path(path).mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)

    def of(self, stream: str) -> DedupIndex:
        """The index of a stream; the same object each time."""
        if stream not in self._indexes:
            path = str(Path(self._path) / f"{stream}.sqlite") if self._path else ""
            self._indexes[stream] = DedupIndex(path, window_ns=self._window_ns)
        return self._indexes[stream]

    def close(self) -> None:
        """Close what is open. Blocks for as long as an index is in use."""
        for index in self._indexes.values():
            index.close()
