"""The NATS client protocol as far as a reader of JetStream messages needs it. Pure: bytes in.

nats-py spends 20-30 µs on each message (six regular expressions, a header parser, a queue); this
is what remains when only sequence, server time and payload are wanted.
Protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol
Reply subjects: nats-server ADR-15, `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.
<consumer sequence>.<ns>.<pending>`, or with `<domain>.<account>` after ACK and a token at the end.
"""

from typing import Final

import msgspec

from seamark.wire.frames import HEADER, WEIGHT_HEADER, Frame, parse_frames

_CRLF: Final = b"\r\n"
_FRAMES_LINE: Final = f"\r\n{HEADER}:".encode()
_WEIGHT_LINE: Final = f"\r\n{WEIGHT_HEADER}:".encode()
_SPARE_BYTES: Final = 64 * 1024
"""Room offered to the socket at least."""
_LINE_BYTES: Final = 64 * 1024
"""A control line longer than this is no NATS (INFO lines of large clusters are a few KB)."""


class ProtocolError(Exception):
    """What came is not the NATS client protocol, or the server says -ERR."""


class NatsMessage(msgspec.Struct, frozen=True, gc=False):
    """One message of a stream, as a consumer delivers it.

    `stored_ns`: server time; `pending`: how many follow it in the stream; `arrived`: when it came
    to us (s, the caller's clock); `headers`: as on the wire, b"" for none.
    """

    sequence: int
    stored_ns: int
    pending: int
    arrived: float
    payload: bytes
    headers: bytes = b""

    @property
    def weight(self) -> int:
        """What it weighs in the store's memory (`weight_of`); its size where no header says."""
        weight = self._header(_WEIGHT_LINE)
        return int(weight) if weight.isdigit() else len(self.payload)

    @property
    def frames(self) -> list[Frame]:
        """The frames that its header lists; none for most messages, and for a header not ours."""
        header = self._header(_FRAMES_LINE)
        if not header:
            return []
        try:
            return parse_frames(header.decode())
        except ValueError:
            return []

    def _header(self, line: bytes) -> bytes:
        at = self.headers.find(line)
        if at < 0:
            return b""
        start = at + len(line)
        return self.headers[start : self.headers.find(_CRLF, start)].strip()


class NatsStatus(msgspec.Struct, frozen=True):
    """An answer to a pull request that is not a message: 100, 404, 408, 409, 503."""

    code: int
    text: str


class Info(msgspec.Struct, frozen=True):
    """What the server says of itself when it greets."""

    max_payload: int = 1024 * 1024
    tls_required: bool = False
    lame_duck: bool = msgspec.field(default=False, name="ldm")


class Ping(msgspec.Struct, frozen=True):
    """The server wants a PONG."""


class Pong(msgspec.Struct, frozen=True):
    """The answer to our PING."""


Incoming = NatsMessage | NatsStatus | Info | Ping | Pong


class FrameBuffer:
    """Bytes as a socket delivers them, cut into frames. One per connection.

        view = buffer.space()             # the socket writes into it
        frames = buffer.written(n, now)   # and says how much

    Each payload is copied once, out of the buffer.
    """

    def __init__(self, capacity: int = 512 * 1024) -> None:
        self._data = bytearray(capacity)
        self._start = 0
        self._end = 0
        self._needed = 0  # nothing can be cut before _end is here

    def space(self) -> memoryview:
        """Where the next bytes go; at least 64 KB."""
        wanted = max(self._needed, self._end + _SPARE_BYTES)
        if wanted > len(self._data):
            rest = self._data[self._start : self._end]
            size = wanted - self._start
            if size > len(self._data):  # never resized in place: the socket may hold a view of it
                self._data = bytearray(2 * size)
            self._data[: len(rest)] = rest
            self._needed = max(0, self._needed - self._start)
            self._start, self._end = 0, len(rest)
        return memoryview(self._data)[self._end :]

    def written(self, count: int, now: float) -> list[Incoming]:
        """The frames completed by `count` more bytes, which arrived at `now`.

        Raises ProtocolError.
        """
        self._end += count
        if self._end < self._needed:
            return []
        try:
            return self._cut(now)
        except (ValueError, IndexError) as error:  # numbers that are none, fields that lack
            raise ProtocolError(f"unreadable frame: {error}") from error

    def _cut(self, now: float) -> list[Incoming]:
        frames: list[Incoming] = []
        data, start, end = self._data, self._start, self._end
        view = memoryview(data)  # slices of it are not copies
        self._needed = 0
        while start < end:
            eol = data.find(_CRLF, start, end)
            if eol < 0:
                if end - start > _LINE_BYTES:
                    raise ProtocolError("a control line without end")
                break
            kind = data[start]
            if kind == 72 or kind == 77:  # HMSG or MSG
                parts = bytes(view[start:eol]).split(b" ")
                body = eol + 2
                after = body + int(parts[-1])
                if after + 2 > end:
                    self._needed = after + 2
                    break
                if kind == 72:
                    headers_end = body + int(parts[-2])
                    reply = parts[3] if len(parts) == 6 else b""
                else:
                    headers_end = body
                    reply = parts[3] if len(parts) == 5 else b""
                names = reply.split(b".")
                if len(names) >= 9:
                    at = 5 if len(names) == 9 else 7
                    frames.append(
                        NatsMessage(
                            int(names[at]),
                            int(names[at + 2]),
                            int(names[at + 3]),
                            now,
                            bytes(view[headers_end:after]),
                            bytes(view[body:headers_end]),
                        )
                    )
                else:
                    frames.append(_status(bytes(view[body:headers_end])))
                start = after + 2
                continue
            frame = _other(bytes(view[start:eol]))
            if frame is not None:
                frames.append(frame)
            start = eol + 2
        if start == end:
            start = end = 0
        self._start, self._end = start, end
        return frames


def _status(headers: bytes) -> NatsStatus:
    """`NATS/1.0 409 Consumer Deleted`, the first line of a message without a body."""
    line = headers.partition(_CRLF)[0].split(b" ", 2)
    if len(line) < 2 or not line[1].isdigit():
        raise ProtocolError("a message that no consumer delivered")
    return NatsStatus(int(line[1]), line[2].decode(errors="replace") if len(line) > 2 else "")


def _other(line: bytes) -> Incoming | None:
    verb, _, rest = line.partition(b" ")
    match verb.upper():
        case b"PING":
            return Ping()
        case b"PONG":
            return Pong()
        case b"INFO":
            try:
                return msgspec.json.decode(rest, type=Info)
            except msgspec.DecodeError as error:
                raise ProtocolError(f"unreadable INFO: {error}") from None
        case b"+OK":
            return None
        case b"-ERR":
            raise ProtocolError(rest.decode(errors="replace").strip("'"))
    raise ProtocolError(f"unknown verb {verb[:16]!r}")
