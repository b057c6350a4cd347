"""One keep-alive connection of the generator: a non-blocking socket and at most one request."""

import enum
import errno
import os
import select
import socket
from dataclasses import dataclass
from typing import Final

from load.replies import HttpReply, parse_reply

_CHUNK: Final = 65_536
READ: Final = select.EPOLLIN
WRITE: Final = select.EPOLLOUT


class ConnectionState(enum.Enum):
    """What a connection is doing."""

    DOWN = "down"
    CONNECTING = "connecting"
    IDLE = "idle"
    BUSY = "busy"


class Lost(Exception):
    """The connection is gone; the message is the reason, from a small set."""


@dataclass(slots=True)
class SendJob:
    """One request on its way: which template, its number in the run, and its planned time."""

    template: int
    number: int
    due_ns: int
    attempt: int = 0
    sent_ns: int = 0


class HttpConnection:
    """Used from one thread. `open` before anything; after Lost it is DOWN and may be opened."""

    def __init__(self, address: tuple[str, int], poll: select.epoll) -> None:
        self._address = address
        self._poll = poll
        self._socket: socket.socket | None = None
        self._rest = b""
        self._received = b""
        self.state = ConnectionState.DOWN
        self.job: SendJob | None = None
        self.retry_at_ns = 0
        self.fd = -1

    def open(self) -> int:
        """Begin to connect; returns the file descriptor, which epoll now watches."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.fd = self._socket.fileno()
        self._poll.register(self.fd, WRITE)
        self.state = ConnectionState.CONNECTING
        code = self._socket.connect_ex(self._address)
        if code not in (0, errno.EINPROGRESS):
            raise self.lost(errno.errorcode.get(code, "connect"))
        return self.fd

    def connected(self) -> None:
        """Call on the first event after `open`. Raises Lost when it was refused."""
        assert self._socket is not None  # noqa: S101  # open() has run
        code = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise self.lost(errno.errorcode.get(code, "connect"))
        self._poll.modify(self.fd, READ)
        self.state = ConnectionState.IDLE

    def send(self, job: SendJob, data: bytearray) -> None:
        """Send a whole request on an idle connection. Raises Lost."""
        assert self._socket is not None  # noqa: S101  # idle means open
        self.job, self.state = job, ConnectionState.BUSY
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            raise self.lost(_reason(error)) from None
        if sent < len(data):
            self._rest = bytes(memoryview(data)[sent:])
            self._poll.modify(self.fd, READ | WRITE)

    def writable(self) -> None:
        """Send what did not fit before. Raises Lost."""
        assert self._socket is not None  # noqa: S101  # busy means open
        try:
            sent = self._socket.send(self._rest)
        except BlockingIOError:
            return
        except OSError as error:
            raise self.lost(_reason(error)) from None
        self._rest = self._rest[sent:]
        if not self._rest:
            self._poll.modify(self.fd, READ)

    def readable(self) -> HttpReply | None:
        """The answer, once it is whole; the connection is idle again then.

        Raises Lost when the other side closed, and Unreadable.
        """
        assert self._socket is not None  # noqa: S101  # idle or busy means open
        try:
            data = self._socket.recv(_CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            raise self.lost(_reason(error)) from None
        if not data:
            raise self.lost("closed while idle" if self.state is ConnectionState.IDLE else "closed")
        if self._received:
            data = self._received + data
        reply = parse_reply(data)
        if reply is None:
            self._received = data
            return None
        self._received = b""
        self.state = ConnectionState.IDLE
        return reply

    def lost(self, reason: str) -> Lost:
        """Close at once; returns the exception to raise. The job stays for the caller."""
        if self._socket is not None:
            self._poll.unregister(self.fd)
            self._socket.close()
        self._socket, self._rest, self._received = None, b"", b""
        self.state = ConnectionState.DOWN
        return Lost(reason)


def _reason(error: OSError) -> str:
    return errno.errorcode.get(error.errno or 0, os.strerror(error.errno or 0))
