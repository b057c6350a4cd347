"""The counts of limits that a collector has, in a file: Redis may lose them."""

import logging
import os
from pathlib import Path

import msgspec

logger = logging.getLogger(__name__)
_Sets = dict[str, dict[str, int]]


class TotalsFile:
    """`limits-<number>.json` in the folder of the spool. Both methods block."""

    def __init__(self, folder: Path, number: int) -> None:
        self._path = folder / f"limits-{number}.json"

    def read(self) -> _Sets:
        """The sets last written; empty when there is no such file, or it cannot be read."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=_Sets)
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            logger.warning("counts of limits unreadable", extra={"error": str(error)})
            return {}

    def write(self, sets: _Sets) -> None:
        """Replace the file: it has all of the old counts or all of the new. Raises OSError."""
        partial = self._path.with_suffix(".partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(msgspec.json.encode(sets))
            file.flush()
            os.fsync(descriptor)
        partial.replace(self._path)
