"""What is said to, and by, the process that reads files of the archive for an export. Pure.

One `Extraction` comes first, then one `Wanted` a file, each a line of JSON; each `Wanted` is
answered by one `Extracted`. Two processes speak it, so that the asking one needs neither the
archive's files nor the engine that reads them.
"""

from typing import Literal

import msgspec

Trouble = Literal["", "gone", "corrupt", "away", "too_much", "invalid_filter", "failed"]
"""`gone`: a merge has taken the file's place. `away`: it may work later."""


class Extraction(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done to each file.

    `sql` is a SELECT from `table`, whose columns are `structure`; `values` are its parameters.
    `folder` is for this process alone.
    """

    folder: str
    table: str
    structure: str
    sql: str
    values: dict[str, str | int | float]
    memory_bytes: int


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the manifest, and where to put what the statement gives of it, as Parquet.

    Without a path: what the statement gives of nothing. `most`: rows that are wanted still.
    """

    part: str
    most: int
    path: str = ""
    sha256: str = ""


class Extracted(msgspec.Struct, frozen=True, kw_only=True):
    """Done, or what was in the way."""

    trouble: Trouble = ""
    message: str = ""
