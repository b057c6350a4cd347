"""The file that is made: parts, each a small Parquet file, put one after the other.

A part that broke off has no footer, so it is never taken for a whole one; and the footer says how
many rows it has. pyarrow does the writing, a few thousand rows at a time. Blocks.
"""

import os
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow.csv
import pyarrow.parquet

from api.query.export_columns import Form

_BATCH_ROWS: Final = 8192


class Broken(Exception):
    """A part is not whole."""


class _Into(Protocol):
    def add(self, part: pyarrow.parquet.ParquetFile) -> None: ...

    def close(self) -> None: ...


class ExportResult:
    """The file at `path`. The first part gives its columns; `close` makes it whole and durable."""

    def __init__(self, path: Path, form: Form) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self._sink: Any = os.fdopen(self._descriptor, "wb")
        self._form = form
        self._into: _Into | None = None
        self.rows = 0

    @property
    def bytes(self) -> int:
        """Written so far."""
        return int(os.fstat(self._descriptor).st_size)

    def add(self, part: Path) -> int:
        """Append a part; returns its rows. Raises Broken before anything is written, OSError."""
        try:
            opened = pyarrow.parquet.ParquetFile(part)
        except (pyarrow.ArrowInvalid, pyarrow.ArrowException) as error:
            raise Broken(str(error)) from error
        with opened:
            if self._into is None:
                into = _Csv if self._form == "csv" else _Parquet
                self._into = into(self._sink, opened.schema_arrow)
            self._into.add(opened)
            rows = int(opened.metadata.num_rows)
        self._sink.flush()
        self.rows += rows
        return rows

    def abandon(self) -> None:
        """Leave the file as it is."""
        if self._into is not None:
            self._into.close()
        self._sink.close()

    def close(self) -> None:
        """Complete the file, and sync it to the disk."""
        if self._into is not None:
            self._into.close()
        self._sink.flush()
        os.fsync(self._descriptor)
        self._sink.close()


class _Csv:
    """RFC 4180: a header, text in quotes, lines that end in CR LF; what is null is nothing."""

    def __init__(self, sink: Any, schema: Any) -> None:
        options = pyarrow.csv.WriteOptions(eol="\r\n", batch_size=_BATCH_ROWS)
        self._writer = pyarrow.csv.CSVWriter(sink, schema, write_options=options)

    def add(self, part: pyarrow.parquet.ParquetFile) -> None:
        for batch in part.iter_batches(batch_size=_BATCH_ROWS):
            self._writer.write_batch(batch)

    def close(self) -> None:
        self._writer.close()


class _Parquet:
    """The row groups of the parts, one after the other."""

    def __init__(self, sink: Any, schema: Any) -> None:
        self._writer = pyarrow.parquet.ParquetWriter(sink, schema, compression="zstd")

    def add(self, part: pyarrow.parquet.ParquetFile) -> None:
        for place in range(part.num_row_groups):
            self._writer.write_table(part.read_row_group(place))

    def close(self) -> None:
        self._writer.close()
