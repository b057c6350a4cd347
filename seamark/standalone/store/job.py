"""One request on its way: carried out in a thread, delivered by the loop, cancellable."""

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from seamark.standalone.store.failures import CANCELLED, own_error
from seamark.standalone.store.request import StoreRequest
from seamark.standalone.store.roles import OWNER, ROLES, StoreRole

_PIECES_AHEAD: Final = 4


@dataclass(frozen=True, slots=True)
class StoreReply:
    """A whole answer."""

    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Streamed:
    """What is left to say after a streamed answer: whether it broke off."""

    failed: bool


@dataclass(slots=True)
class StoreJob:
    """The two ends of one request. Made on the loop.

    `kind` is None until the statement has been looked at; a "write" is never cancelled for its
    client's sake. `tag` marks what the request runs in the engine.
    """

    request: StoreRequest
    role: StoreRole = ROLES[OWNER]
    tag: str = field(default_factory=lambda: uuid.uuid4().hex)
    kind: Literal["read", "write"] | None = None
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _pieces: "asyncio.Queue[bytes | None]" = field(default_factory=asyncio.Queue)
    _room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_PIECES_AHEAD))
    _cancelled: threading.Event = field(default_factory=threading.Event)
    begun: "asyncio.Future[Mapping[str, str]]" = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self._loop.create_future()

    # In the thread

    def check(self) -> None:
        """Raises StoreError QUERY_WAS_CANCELLED once the job is cancelled."""
        if self._cancelled.is_set():
            raise own_error(CANCELLED, "Query was cancelled")

    def begin(self, headers: Mapping[str, str]) -> None:
        """Say that the answer comes in pieces, and its headers."""
        self._loop.call_soon_threadsafe(self.begun.set_result, headers)

    def send(self, piece: bytes) -> None:
        """Hand a piece on; waits while the client is slow. Raises StoreError when cancelled."""
        self.check()  # first, because `cancel` wakes only one that is waiting already
        self._room.acquire()
        self.check()
        self._loop.call_soon_threadsafe(self._pieces.put_nowait, piece)

    def finish(self) -> None:
        """Say that no more pieces come. Nothing may follow."""
        self._loop.call_soon_threadsafe(self._pieces.put_nowait, None)

    # On the loop

    def cancel(self) -> None:
        """Ask the thread to stop; what runs in the engine has to be killed as well."""
        self._cancelled.set()
        self._room.release()  # it may be waiting for a client that went away

    async def pieces(self) -> AsyncIterator[bytes]:
        """The pieces, until the last."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
            self._room.release()
