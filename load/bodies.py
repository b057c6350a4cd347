"""Native batches, built once and sent many times.

A `LoadRequest` is a whole HTTP request in one `bytearray`. What must differ between two sends (the
batchId) is patched in place at a fixed offset, so sending costs one slice assignment instead of
a JSON encode. In a gzip body the patched head is a stored (uncompressed) deflate block in front
of the compressed rest; its checksum is corrected with four table look-ups, because a CRC-32 is
linear: crc(head + tail) = L(crc(head)) ^ crc(0..0 + tail). Formats: RFC 1951 section 3.2.4 and
RFC 1952 section 2.3.
"""

import random
import struct
import zlib
from dataclasses import dataclass
from typing import Final, Protocol

import msgspec

EVENTS_PATH: Final = "/v1/ingest/batch"
COUNTRIES: Final = ("US", "DE", "IN", "BR", "JP", "GB")
PAGES: Final = ("/", "/search", "/product", "/cart", "/checkout", "/account", "/help", "/blog")
RELEASES: Final = ("2.3.0", "2.4.0", "2.4.1")
USER_AGENTS: Final = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like "
    "Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/142.0.0.0 Mobile Safari/537.36",
)
_KINDS: Final = ("page_view", "web_vital.lcp", "web_vital.inp", "feature_click", "api.latency")
_NUMBER_CHARS: Final = 16


class LoadRequest(Protocol):
    """One prepared request of `items` items."""

    items: int

    def wire(self, number: int, now_ns: int) -> bytearray:
        """The bytes to send as the `number`-th request of the run; valid until the next call.

        `now_ns` (epoch) is for formats that carry absolute times.
        """


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go and as whom. `host` is the Host header, with the port."""

    host: str
    key: str
    app: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What one native request holds. `run` prefixes event names and batchIds of this run."""

    run: str
    batch: int
    batch_ids: bool = True
    gzip: bool = False


def http_head(
    target: Target, path: str, *, content_type: str, length: int, agent: str, coding: str = ""
) -> bytes:
    """The head of a keep-alive POST, ending in the empty line."""
    lines = [
        f"POST {path} HTTP/1.1",
        f"Host: {target.host}",
        f"User-Agent: {agent}",
        f"X-API-Key: {target.key}",
        f"Content-Type: {content_type}",
        f"Content-Length: {length}",
    ]
    if coding:
        lines.append(f"Content-Encoding: {coding}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def batch_id(run: str, number: int) -> str:
    """The batchId of the `number`-th request of a run."""
    return f"{run}-{number:0{_NUMBER_CHARS}x}"


def event_names(run: str) -> tuple[str, ...]:
    """The names that the events of a run carry."""
    return tuple(f"load.{run}.{kind}" for kind in _KINDS)


def _event(rng: random.Random, run: str, *, ts: int, session: str, user: str) -> dict[str, object]:
    kind = rng.randrange(len(_KINDS))
    return {
        "ts": ts,
        "name": f"load.{run}.{_KINDS[kind]}",
        "value": round(rng.lognormvariate(5.5, 0.8), 3),
        "unit": "ms",
        "attrs": {
            "url.path": rng.choice(PAGES),
            "country": rng.choice(COUNTRIES),
            "release": rng.choice(RELEASES),
            "browser.web_vital.rating": rng.choice(("good", "needs-improvement", "poor")),
        },
        "sessionId": session,
        "userAnonId": user,
        "device": {"type": rng.choice(("desktop", "mobile")), "language": "en"},
    }


def native_batch(rng: random.Random, shape: Shape, *, app: str, now_ms: int) -> tuple[bytes, bytes]:
    """A batch as (head, tail): the head ends in the patchable batchId, or is empty without one."""
    session, user = f"s-{rng.getrandbits(48):012x}", f"u-{rng.getrandbits(48):012x}"
    events = [
        _event(rng, shape.run, ts=now_ms - rng.randrange(2_000), session=session, user=user)
        for _ in range(shape.batch)
    ]
    rest = msgspec.json.encode(
        {
            "sdk": {"name": "seamark-load", "version": "1"},
            "appId": app,
            "sentAt": now_ms,
            "events": events,
        }
    )
    if not shape.batch_ids:
        return b"", rest
    return f'{{"batchId":"{batch_id(shape.run, 0)}'.encode(), b'",' + rest[1:]


class PlainRequest:
    """An uncompressed native batch."""

    def __init__(self, target: Target, shape: Shape, *, seed: int, now_ms: int) -> None:
        rng = random.Random(seed)
        head, tail = native_batch(rng, shape, app=target.app, now_ms=now_ms)
        start = http_head(
            target,
            EVENTS_PATH,
            content_type="application/json",
            length=len(head) + len(tail),
            agent=rng.choice(USER_AGENTS),
        )
        self.items = shape.batch
        self._buffer = bytearray(start + head + tail)
        self._end = len(start) + len(head)
        self._numbered = shape.batch_ids

    def wire(self, number: int, now_ns: int) -> bytearray:  # noqa: ARG002  # carries no absolute time
        """See `LoadRequest`."""
        if self._numbered:
            self._buffer[self._end - _NUMBER_CHARS : self._end] = b"%016x" % number
        return self._buffer


class GzipRequest:
    """A gzip native batch whose batchId can still be patched."""

    def __init__(self, target: Target, shape: Shape, *, seed: int, now_ms: int) -> None:
        rng = random.Random(seed)
        head, tail = native_batch(rng, shape, app=target.app, now_ms=now_ms)
        deflate = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = deflate.compress(tail) + deflate.flush()
        stored = struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) if head else b""
        body = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stored + head + packed
        size = struct.pack("<I", len(head) + len(tail))
        start = http_head(
            target,
            EVENTS_PATH,
            content_type="application/json",
            length=len(body) + 8,
            agent=rng.choice(USER_AGENTS),
            coding="gzip",
        )
        self.items = shape.batch
        self._numbered = shape.batch_ids
        self._constant = zlib.crc32(tail, 0)
        self._shift = _shift_tables(tail)
        self._buffer = bytearray(start + body + struct.pack("<I", self._constant) + size)
        self._end = len(start) + 10 + len(stored) + len(head)
        self._head_start = len(start) + 10 + len(stored)

    def wire(self, number: int, now_ns: int) -> bytearray:  # noqa: ARG002  # carries no absolute time
        """See `LoadRequest`."""
        buffer = self._buffer
        if self._numbered:
            buffer[self._end - _NUMBER_CHARS : self._end] = b"%016x" % number
            crc = zlib.crc32(memoryview(buffer)[self._head_start : self._end])
            one, two, three, four = self._shift
            whole = (
                one[crc & 255]
                ^ two[crc >> 8 & 255]
                ^ three[crc >> 16 & 255]
                ^ four[crc >> 24]
                ^ self._constant
            )
            buffer[-8:-4] = whole.to_bytes(4, "little")
        return buffer


def _shift_tables(tail: bytes) -> tuple[tuple[int, ...], ...]:
    """Per byte of a head's CRC, what it adds to the CRC of head + tail."""
    zero = zlib.crc32(tail, 0)
    basis = [zlib.crc32(tail, 1 << bit) ^ zero for bit in range(32)]
    tables = []
    for byte in range(4):
        row = []
        for value in range(256):
            folded = 0
            for bit in range(8):
                if value >> bit & 1:
                    folded ^= basis[8 * byte + bit]
            row.append(folded)
        tables.append(tuple(row))
    return tuple(tables)


def native_requests(
    target: Target, shape: Shape, *, count: int, seed: int, now_ms: int
) -> list[LoadRequest]:
    """`count` different native requests, the same for the same seed and time."""
    kind = GzipRequest if shape.gzip else PlainRequest
    return [kind(target, shape, seed=seed * 10_007 + n, now_ms=now_ms) for n in range(count)]
