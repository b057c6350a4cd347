"""A certificate that was replaced on disk is used from the next connection on, without a stop.

Both files are looked at every few seconds at most, when somebody connects, and never on the event
loop. A pair that cannot be used, as when only one of the two was written yet, is left alone: the
old one is kept, and the new one tried again at the next look.
"""

import logging
import os
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

logger = logging.getLogger(__name__)
LOOK_SECONDS: Final = 5.0
FileState = tuple[tuple[int, int, int], ...]


def state_of(*paths: str) -> FileState:
    """What changes when one of the files is replaced or written. Blocks. Raises OSError."""
    found = (os.stat(path) for path in paths)
    return tuple((one.st_mtime_ns, one.st_size, one.st_ino) for one in found)


@dataclass(slots=True)
class RenewedContext:
    """The newest context of a certificate's files; to be set as `sni_callback` of the first one.

    `make` reads the files; it raises what is wrong with them.
    """

    newest: ssl.SSLContext
    paths: tuple[str, str]
    make: Callable[[], ssl.SSLContext]
    look_seconds: float = LOOK_SECONDS
    _known: FileState = field(init=False)
    _next: float = field(init=False, default=0.0)
    _looking: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._known = state_of(*self.paths)

    def __call__(self, connection: ssl.SSLObject, _: str | None, __: ssl.SSLContext) -> None:
        """Called within each handshake."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self.look_seconds
            threading.Thread(target=self.look, daemon=True, name="certificate").start()
        connection.context = self.newest

    def look(self) -> None:
        """Use the files when they have changed. Blocks; raises nothing."""
        with self._looking:
            try:
                found = state_of(*self.paths)
                if found == self._known:
                    return
                self.newest = self.make()
            except Exception as error:  # whatever it is, connections go on with the old one
                logger.warning(
                    "the new certificate cannot be used; the old one is kept",
                    extra={"certificate": self.paths[0], "error": str(error)[:300]},
                )
                return
            self._known = found
            logger.info("the certificate was replaced", extra={"certificate": self.paths[0]})
