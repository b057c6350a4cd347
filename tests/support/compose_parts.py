"""The servers and processes of `compose.yaml` on this machine, told what the file tells them.

Only what a container would give them differs: names of hosts become loopback and free ports, and
paths of volumes become folders.
"""

import contextlib
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from provisioning.compose.__main__ import prepare
from tests.support.compose_file import CONFIGURATIONS, MOUNTED, services
from tests.support.servers import binary, free_port

ADDRESSES = ("nats:4222", "nats:8222", "redis:6379", "clickhouse:8443", "s3:7070", "collector:4318")
OWN_PORTS = (
    "COLLECTOR_PORT",
    "COLLECTOR_GRPC_PORT",
    "COLLECTOR_MONITOR_PORT",
    "ROWS_PORT",
    "ARCHIVE_PORT",
    "API_PORT",
    "API_MONITOR_PORT",
    "API_GRPC_PORT",
)


@dataclass
class Machine:
    """A folder in the place of every volume, and a port for each address."""

    root: Path
    ports: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        prepare(self.root)
        self.ports = {name: free_port() for name in (*ADDRESSES, *OWN_PORTS)}
        self.ports["collector:4318"] = self.ports["COLLECTOR_PORT"]

    def secrets(self, service: str) -> Path:
        """What the service sees as /run/seamark."""
        return self.root / "secrets" / service

    def environment(self, service: str) -> dict[str, str]:
        """Of a service of ours, as the file has it, for this machine."""
        made = {
            name: self._here(value, service)
            for name, value in services()[service].environment.items()
        }
        for name in OWN_PORTS:
            if f"SEAMARK_{name}" in made:
                made[f"SEAMARK_{name}"] = str(self.ports[name])
        return made

    def _here(self, value: str, service: str) -> str:
        for address in ADDRESSES:
            value = value.replace(address, f"127.0.0.1:{self.ports[address]}")
        value = value.replace(MOUNTED, str(self.secrets(service)))
        for folder in ("/volumes", "/var/lib/seamark"):
            value = value.replace(folder, f"{self.root}{folder}")
        return value

    def configuration(self, name: str, service: str, changed: Mapping[str, str]) -> Path:
        """A server's own file; `changed` are texts to replace, each of which is there."""
        folder = self.root / "etc" / service
        folder.mkdir(parents=True, exist_ok=True)
        text = (CONFIGURATIONS / name).read_text()
        for old, new in changed.items():
            assert old in text, old
            text = text.replace(old, new)
        # the file that NATS includes is named relative to its own
        text = text.replace(f"../..{MOUNTED}", f"../../secrets/{service}")
        written = folder / Path(name).name
        written.write_text(text.replace(f"{MOUNTED}/", f"{self.secrets(service)}/"))
        return written

    def context(self) -> ssl.SSLContext:
        """Trusts the stack's own authority, and checks names."""
        return ssl.create_default_context(cafile=str(self.secrets("api") / "ca.pem"))

    def status(self, url: str) -> int:
        """Of a GET; 0: no answer."""
        try:
            with urllib.request.urlopen(url, timeout=2, context=self.context()) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    @contextlib.contextmanager
    def running(
        self,
        name: str,
        *command: str,
        environment: Mapping[str, str],
        ready: str = "",
        says: str = "",
        within_seconds: float = 180.0,
    ) -> Iterator[Path]:
        """A process until the end of the block; gives its log.

        From when `ready` answers 200 and its log has what it `says`.
        """
        path = self.root / f"{name}.log"
        plain = {key: value for key, value in os.environ.items() if not key.startswith("SEAMARK_")}
        with path.open("wb") as log:
            process = subprocess.Popen(
                command, env=plain | dict(environment), stdout=log, stderr=log
            )
        try:
            until = time.monotonic() + within_seconds
            while (ready and self.status(ready) != 200) or says not in path.read_text():
                assert process.poll() is None, path.read_text()
                assert time.monotonic() < until, path.read_text()
                time.sleep(0.05)
            yield path
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)

    def nats(self) -> Path:
        """The log's configuration for this machine."""
        changed = {
            "0.0.0.0:4222": f"127.0.0.1:{self.ports['nats:4222']}",
            "0.0.0.0:8222": f"127.0.0.1:{self.ports['nats:8222']}",
            "/data/jetstream": f"{self.root}/volumes/log/jetstream",
        }
        return self.configuration("nats.conf", "nats", changed)

    @contextlib.contextmanager
    def log_server(self) -> Iterator[Path]:
        """nats-server with the stack's configuration; gives its log."""
        with self.running(
            "nats",
            binary("nats-server"),
            "--config",
            str(self.nats()),
            environment={"LOG_BYTES": services()["nats"].environment["LOG_BYTES"]},
            ready=f"https://127.0.0.1:{self.ports['nats:8222']}/healthz",
        ) as log:
            yield log

    @contextlib.contextmanager
    def process(
        self, service: str, *, ready: str = "", more: Mapping[str, str] | None = None
    ) -> Iterator[Path]:
        """A process of ours, told what the file tells it; gives its log."""
        _, *command = services()[service].command
        with self.running(
            service,
            sys.executable,
            "-P",
            *command,
            environment=self.environment(service) | dict(more or {}),
            ready=ready,
        ) as log:
            yield log
