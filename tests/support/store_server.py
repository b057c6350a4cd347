"""The embedded store as a process of its own, for tests: started on a free port, ended by pid."""

import base64
import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tests.support.servers import free_port

PASSWORD = "open sesame"
BREAKS_LATE = (
    "SELECT number, toString(cityHash64(number)), throwIf(number = 590000) FROM numbers(600000)"
)
"""Fails when most of its rows have been sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """ClickHouse's error code; empty for none."""
        return self.headers.get("X-ClickHouse-Exception-Code", "")


def authorization(user: str = "seamark", password: str = PASSWORD) -> dict[str, str]:
    """HTTP basic authentication."""
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class StoreServer:
    """`python -m seamark.standalone.store` on a folder."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.log = folder.with_name(f"{folder.name}.log")
        self._environ = os.environ | {
            "SEAMARK_STORE_SERVER_PORT": str(self.port),
            "SEAMARK_STORE_SERVER_PATH": str(folder),
            "SEAMARK_STORE_SERVER_PASSWORD": PASSWORD,
            "SEAMARK_PARENT_PID": str(os.getpid()),
            **{f"SEAMARK_STORE_SERVER_{name.upper()}": text for name, text in settings.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> "subprocess.Popen[bytes]":
        """Start the process and do not wait for it."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "seamark.standalone.store"], env=self._environ, stderr=log
            )
        return self.process

    def start(self, *, within_seconds: float = 30.0) -> Self:
        """Start the process and wait until it answers /ping."""
        process = self.launch()
        deadline = time.monotonic() + within_seconds
        while True:
            try:
                if self.request("GET", "/ping").status == 200:
                    return self
            except OSError as error:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise RuntimeError(f"store: {self.log.read_text()}") from error
                time.sleep(0.02)

    def request(
        self, method: str, target: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, body or None, dict(headers or {}))
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.headers.items()), answer.read())
        finally:
            connection.close()

    def ask(self, sql: str, **arguments: str) -> Answer:
        """POST a statement as its body, with URL arguments."""
        target = "/?" + urllib.parse.urlencode(arguments)
        return self.request("POST", target, sql.encode(), authorization())

    def run(self, *statements: str) -> None:
        """Statements that must succeed, one after the other."""
        for sql in statements:
            answer = self.ask(sql)
            assert answer.status == 200, answer.body

    def rows(self, sql: str, **arguments: str) -> list[list[str]]:
        """The rows of a statement that must succeed, as text."""
        answer = self.ask(sql, **arguments)
        assert answer.status == 200, answer.body
        return [line.split("\t") for line in answer.body.decode().splitlines()]

    def insert(self, sql: str, data: bytes, *, encoding: str = "", **arguments: str) -> Answer:
        """POST data for an INSERT that stands in the URL."""
        target = "/?" + urllib.parse.urlencode({"query": sql, **arguments})
        headers = authorization() | ({"Content-Encoding": encoding} if encoding else {})
        return self.request("POST", target, data, headers)

    def own_metrics(self) -> str:
        """Its metrics, in Prometheus' text format."""
        answer = self.request("GET", "/metrics", headers=authorization())
        assert answer.status == 200, answer.body
        return answer.body.decode()

    def metric(self, name: str) -> float:
        """The value of a metric without labels."""
        text = self.own_metrics()
        lines = [line for line in text.splitlines() if line.startswith(f"{name} ")]
        return float(lines[0].rpartition(" ")[2])

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self, *, within_seconds: float = 10.0) -> int:
        """SIGTERM, and wait until it is gone; returns its exit code."""
        return self._end(signal.SIGTERM, within_seconds)

    def _end(self, number: signal.Signals, within_seconds: float = 10.0) -> int:
        if self.process is None:
            return 0
        self.process.send_signal(number)
        code = self.process.wait(within_seconds)
        self.process = None
        return code

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
