"""Asking a part whether it is ready: one small request over loopback, answered within seconds.

Written on plain streams, because the supervisor asks every part every second and shall stay small.
"""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Collection
from pathlib import Path
from typing import Final

from seamark.standalone.folder import Secrets
from seamark.standalone.ports import Ports

Probe = Callable[[], Awaitable[bool]]
"""Asks once; False when the part cannot be reached, answers no, or takes too long."""
_PATIENCE_SECONDS: Final = 2.0
_LOOPBACK: Final = "127.0.0.1"
_WHOLE: Final = 0
_DISK_FULL: Final = (b"no space left on device", b"disk quota exceeded")
_ROOM_BYTES: Final = 256 * 1024 * 1024


def http(host: str, port: int, path: str, *, tls: bool = False) -> Probe:
    """Ready when `GET path` is answered with 200.

    With `tls` the certificate is not checked: it names the machine, and we ask over loopback.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n"

    context = _unchecked() if tls else None

    async def ask() -> bool:
        words = (await _exchange(host, port, request.encode(), tls=context)).split()
        return len(words) > 1 and words[1] == b"200"

    return ask


def redis(port: int, password: str) -> Probe:
    """Ready when it takes the password and answers PING."""
    request = f"AUTH {password}\r\nPING\r\n".encode()

    async def ask() -> bool:
        return await _exchange(_LOOPBACK, port, request, lines=2) == b"+PONG\r\n"

    return ask


def froze_on_full_disk(port: int, folder: Path) -> Probe:
    """Whether nats-server has stopped writing because its disk was full, and there is room now.

    A stream that met a full disk takes nothing more until the server is started again, whatever
    is freed (seen with 2.15.1); `/healthz` then says so in the words of the system.
    """
    request = f"GET /healthz HTTP/1.1\r\nHost: {_LOOPBACK}:{port}\r\nConnection: close\r\n\r\n"

    async def ask() -> bool:
        answer = await _exchange(_LOOPBACK, port, request.encode(), lines=_WHOLE)
        full = b"write error" in answer and any(word in answer for word in _DISK_FULL)
        return full and _has_room(folder)

    return ask


def _has_room(folder: Path) -> bool:
    """Whether more is free than a few messages would fill at once."""
    disk = os.statvfs(folder)
    room = min(_ROOM_BYTES, disk.f_blocks * disk.f_frsize // 20)
    return disk.f_bavail * disk.f_frsize >= room


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def of_parts(
    host: str, ports: Ports, secrets: Secrets, *, encrypted: Collection[str]
) -> dict[str, Probe]:
    """How each part is asked whether it is ready. `host` is where the public listeners are reached.

    `encrypted` names the public listeners that speak TLS.
    """
    bare = host.strip("[]")
    listeners = {"collector": ports.collector_http, "api": ports.api}
    return {
        "nats": http(_LOOPBACK, ports.nats_monitor, "/healthz"),
        "redis": redis(ports.redis, secrets.redis),
        "store": http(_LOOPBACK, ports.store, "/ping"),
        "rows": http(_LOOPBACK, ports.rows, "/readyz"),
        "archive": http(_LOOPBACK, ports.archive, "/readyz"),
    } | {
        name: http(bare, port, "/readyz", tls=name in encrypted) for name, port in listeners.items()
    }


async def _exchange(
    host: str, port: int, request: bytes, *, lines: int = 1, tls: ssl.SSLContext | None = None
) -> bytes:
    """Send `request` and return the `lines`-th line of the answer, or all of it (`_WHOLE`).

    b"" on any failure.
    """
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            try:
                writer.write(request)
                if lines == _WHOLE:
                    return await reader.read()
                answer = b""
                for _ in range(lines):
                    answer = await reader.readline()
                return answer
            finally:
                writer.close()
    except (OSError, TimeoutError, ValueError):
        return b""
