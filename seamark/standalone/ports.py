"""The ports of the one-machine stack, and whether they are free."""

import errno
import socket
import time
from dataclasses import dataclass
from typing import Final

_HIGHEST: Final = 65535
_TRIED: Final = 50


@dataclass(frozen=True, slots=True)
class Ports:
    """Every port that `seamark up` listens on: the usual numbers, moved by one offset."""

    offset: int = 0

    @property
    def nats(self) -> int:
        return 4222 + self.offset

    @property
    def nats_monitor(self) -> int:
        return 8222 + self.offset

    @property
    def redis(self) -> int:
        return 6379 + self.offset

    @property
    def store(self) -> int:
        return 8123 + self.offset

    @property
    def collector_http(self) -> int:
        return 4318 + self.offset

    @property
    def collector_grpc(self) -> int:
        return 4317 + self.offset

    @property
    def rows(self) -> int:
        return 4321 + self.offset

    @property
    def archive(self) -> int:
        return 4322 + self.offset

    @property
    def api(self) -> int:
        return 4320 + self.offset

    @property
    def api_grpc(self) -> int:
        return 4319 + self.offset

    @property
    def collector_monitor(self) -> int:
        return 4323 + self.offset

    @property
    def api_monitor(self) -> int:
        return 4324 + self.offset

    def listed(self, host: str) -> list[tuple[str, int, str]]:
        """(address, port, what listens there) of each; only the public listeners are on `host`."""
        loopback = "127.0.0.1"
        return [
            (host, self.collector_http, "collector HTTP"),
            (host, self.collector_grpc, "collector gRPC"),
            (host, self.api, "API"),
            (host, self.api_grpc, "API gRPC"),
            (loopback, self.collector_monitor, "collector monitor"),
            (loopback, self.api_monitor, "API monitor"),
            (loopback, self.rows, "rows processor"),
            (loopback, self.archive, "archive processor"),
            (loopback, self.store, "store"),
            (loopback, self.nats, "NATS"),
            (loopback, self.nats_monitor, "NATS monitor"),
            (loopback, self.redis, "Redis"),
        ]


def reachable(host: str) -> str:
    """Where to reach on this machine what listens on `host`, as URLs write it."""
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def busy(ports: Ports, host: str, *, patience_seconds: float) -> str | None:
    """A sentence about the first port that cannot be had, or None. Blocks.

    Waits up to `patience_seconds` for taken ones: after a supervisor was killed, the kernel may
    still be tearing its children down.
    """
    if not 0 <= ports.offset <= _HIGHEST - Ports().nats_monitor:
        return f"--port-offset {ports.offset} is not between 0 and {_HIGHEST - 8222}"
    until = time.monotonic() + patience_seconds
    while (problem := _first_problem(ports, host)) and time.monotonic() < until:
        time.sleep(0.1)
    return problem


def _first_problem(ports: Ports, host: str) -> str | None:
    for address, port, name in ports.listed(host):
        try:
            _bind(address, port)
        except PermissionError:
            return f"port {port} ({name}) may not be used by this user; {_proposed(ports, host)}"
        except OSError as error:
            if isinstance(error, socket.gaierror):
                return f"--host {address}: {error.strerror}"
            if error.errno == errno.EADDRINUSE:
                return (
                    f"port {port} ({name}) is in use by another program; "
                    f"stop it, or {_proposed(ports, host)}"
                )
            return f"port {port} ({name}) on {address}: {error.strerror}"
    return None


def _proposed(ports: Ports, host: str) -> str:
    """An offset whose ports are all free now, the next hundreds first."""
    for offset in range(ports.offset + 100, ports.offset + 100 * _TRIED, 100):
        other = Ports(offset)
        if other.nats_monitor <= _HIGHEST and all(map(_free, other.listed(host))):
            return f"choose --port-offset {offset}, whose ports are free"
    return "choose another --port-offset"


def _free(listed: tuple[str, int, str]) -> bool:
    try:
        _bind(listed[0], listed[1])
    except OSError:
        return False
    return True


def _bind(address: str, port: int) -> None:
    family, kind, protocol, _, target = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do: sockets still in TIME_WAIT are no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(target)
