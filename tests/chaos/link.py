"""A TCP link that can be made slow, cut, or half-open: a small proxy before one port.

    open   everything passes
    slow   every piece arrives `delay_seconds` later, in order
    hang   nothing passes in either direction, connections stay open: lost packets
    deaf   what the client says passes, what the server answers does not: the dangerous half
    cut    connections are reset and new ones refused

Back to `open`, held pieces are delivered, unless `heal(reset=True)`, which resets what hung.
"""

import asyncio
import contextlib
import enum
import socket
import struct
from typing import Self

_PIECE_BYTES = 64 * 1024
_NO_LINGERING = struct.pack("ii", 1, 0)


class Mode(enum.StrEnum):
    """What a link does with what passes."""

    OPEN = "open"
    SLOW = "slow"
    HANG = "hang"
    DEAF = "deaf"
    CUT = "cut"


class Link:
    """A proxy on a port of its own before `target_port` of the loopback interface."""

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._changed = asyncio.Event()
        self._delay_seconds = 0.0
        self.mode = Mode.OPEN
        # Bound now and kept, so that nobody else gets the port while the link is cut.
        self._keeper = socket.socket()
        self._keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._keeper.bind(("127.0.0.1", 0))
        self.port: int = self._keeper.getsockname()[1]

    async def start(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self.port, reuse_port=True
        )
        return self

    async def stop(self) -> None:
        """Close every connection and the port."""
        await self._shut()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what was aborted is closed in the next turn of the loop
        self._keeper.close()

    async def spoil(self, mode: Mode, *, delay_seconds: float = 0.05) -> None:
        """From now on behave as `mode`."""
        self.mode, self._delay_seconds = mode, delay_seconds
        if mode is Mode.CUT:
            await self._shut()
        self._wake()

    async def heal(self, *, reset: bool = False) -> None:
        """Be open again; with `reset`, connections that hung are reset first."""
        if reset:
            self._abort()
        self.mode = Mode.OPEN
        if self._server is None:
            await self.start()
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._abort()
        await asyncio.sleep(0)

    def _abort(self) -> None:
        for writer in list(self._writers):
            # Without lingering, closing sends a reset instead of a polite end.
            peer: socket.socket | None = writer.get_extra_info("socket")
            if peer is not None:
                with contextlib.suppress(OSError):  # it is closed already
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGERING)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        other: asyncio.StreamWriter | None = None
        try:
            await self._passes(Mode.HANG)
            try:
                back, other = await asyncio.open_connection("127.0.0.1", self._target_port)
            except OSError:
                return
            self._writers.add(other)
            await asyncio.gather(
                self._pump(reader, other, Mode.HANG),
                self._pump(back, writer, Mode.HANG, Mode.DEAF),
            )
        except asyncio.CancelledError:
            pass
        finally:
            for end in (writer, other):
                if end is not None:
                    self._writers.discard(end)
                    end.transport.abort()
            self._tasks.discard(task)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *stopped_by: Mode
    ) -> None:
        """Carry one direction until it ends; then both ends are closed, as most servers do."""
        try:
            while piece := await reader.read(_PIECE_BYTES):
                if self.mode is Mode.SLOW:
                    await asyncio.sleep(self._delay_seconds)
                await self._passes(*stopped_by)
                writer.write(piece)
                await writer.drain()
            writer.close()
        except OSError:
            writer.transport.abort()

    async def _passes(self, *stopped_by: Mode) -> None:
        while self.mode in stopped_by:
            await self._changed.wait()
