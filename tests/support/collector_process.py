"""A real `python -m collector` before a real log, and the plainest of HTTP clients."""

import asyncio
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from nats.js.api import KeyValueConfig

from seamark.service.connections import LogSettings, connect_log
from seamark.service.registry import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    TokenRecord,
    digest,
    put_record,
)
from seamark.wire.buckets import CONFIG_BUCKET
from seamark.wire.signals import Signal, stream_name, subject
from tests.support.envelopes import ReadEnvelope, read_payload
from tests.support.servers import NatsServer, free_port

KEY = "smk_test_key"
DISABLED_KEY = "smk_disabled"
EXPIRED_KEY = "smk_expired"
ORPHAN_KEY = "smk_no_app"
FENCED_KEY = "smk_one_origin"
ADMIN_TOKEN = "sma_test_token"
ORIGIN = "https://shop.example"
ROUTE = "/v1/ingest/batch"
PARTITIONS = 2


@dataclass(frozen=True)
class Answered:
    """One HTTP answer; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        return str(self.json["error"]["reason"])


def batch(*events: dict[str, object], **outer: object) -> dict[str, object]:
    """A native batch of these events, or of one good one."""
    return {"events": list(events) or [{"ts": 1795316640000, "name": "page_view"}], **outer}


async def _prepare(url: str, *, max_bytes: int, duplicate_window_seconds: float) -> None:
    client = await connect_log(LogSettings(url=url), name="test")
    js = client.jetstream(timeout=5)
    for kind in Signal:
        for partition in range(PARTITIONS):
            await js.add_stream(
                name=stream_name(kind, partition),
                subjects=[subject(kind, partition)],
                max_bytes=max_bytes,
                discard="new",
                allow_direct=True,
                duplicate_window=duplicate_window_seconds,
            )
    bucket = await js.create_key_value(KeyValueConfig(bucket=CONFIG_BUCKET))
    await put_record(bucket, OrgRecord(org="acme", name="Acme", salt="5a" * 16))
    await put_record(bucket, AppRecord(org="acme", app="shop"))
    await put_record(bucket, AppRecord(org="acme", app="fenced", origins=[ORIGIN]))
    await put_record(
        bucket,
        TokenRecord(token_id="admin", kind="admin", org="acme", digest=digest(ADMIN_TOKEN)),
    )
    for secret, app, status, expires in (
        (KEY, "shop", "active", 0),
        (DISABLED_KEY, "shop", "disabled", 0),
        (EXPIRED_KEY, "shop", "active", 1),
        (ORPHAN_KEY, "gone", "active", 0),
        (FENCED_KEY, "fenced", "active", 0),
    ):
        await put_record(
            bucket,
            KeyRecord(
                key_id=f"id-{secret}",
                org="acme",
                app=app,
                digest=digest(secret),
                status=status,  # type: ignore[arg-type]  # one of the two
                expires_at_ms=expires,
            ),
        )
    await client.close()


def prepare(
    server: NatsServer,
    *,
    max_bytes: int = 256 * 1024 * 1024,
    duplicate_window_seconds: float = 600.0,
) -> None:
    """Streams, bucket and records, as provisioning and administration would leave them."""
    asyncio.run(
        _prepare(server.url, max_bytes=max_bytes, duplicate_window_seconds=duplicate_window_seconds)
    )


@dataclass(frozen=True)
class Stored:
    """One message of the log."""

    partition: int
    headers: dict[str, str]
    payload: bytes

    @property
    def envelopes(self) -> list[ReadEnvelope]:
        return read_payload(self.payload)


async def _messages(url: str, kind: Signal) -> list[Stored]:
    client = await connect_log(LogSettings(url=url), name="test")
    js = client.jetstream(timeout=5)
    found: list[Stored] = []
    for partition in range(PARTITIONS):
        name = stream_name(kind, partition)
        state = (await js.stream_info(name)).state
        for seq in range(max(state.first_seq, 1), state.last_seq + 1):
            message = await js.get_msg(name, seq, direct=True)
            found.append(Stored(partition, dict(message.headers or {}), message.data or b""))
    await client.close()
    return found


def messages(server: NatsServer, kind: Signal = Signal.EVENTS) -> list[Stored]:
    """Every message in the log, partition by partition."""
    return asyncio.run(_messages(server.url, kind))


def stored(server: NatsServer, kind: Signal = Signal.EVENTS) -> dict[str, ReadEnvelope]:
    """Every envelope in the log by receipt, but for those that only count refused requests."""
    return {
        envelope.receipt: envelope
        for message in messages(server, kind)
        for envelope in message.envelopes
        if not envelope.request_rejections
    }


class CollectorProcess:
    """`python -m collector` on a free port, ended by pid."""

    def __init__(self, log: NatsServer, folder: Path, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.grpc_port = int(str(settings.get("grpc_port", 0)))
        self.output = folder / f"collector-{self.port}.log"
        self.tls: ssl.SSLContext | None = None
        self.monitor_port = free_port()
        own = {
            "port": self.port,
            "monitor_port": self.monitor_port,
            "processes": 1,
            "grpc_port": 0,
            "log_style": "json",
            **settings,
        }
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("SEAMARK_")},
            "SEAMARK_LOG_URL": log.url,
            "SEAMARK_LOG_MONITOR_URL": log.monitor_url,
            "SEAMARK_LOG_PARTITIONS": str(PARTITIONS),
            **{f"SEAMARK_COLLECTOR_{name.upper()}": str(value) for name, value in own.items()},
        }
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, ready: bool = True, within_seconds: float = 20.0) -> Self:
        """Start it and wait until it answers; and, with `ready`, until it is ready."""
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "collector"], env=self.environ, stderr=output, stdout=output
            )
        deadline = time.monotonic() + within_seconds
        while True:
            try:
                if self.get("/readyz").status == 200 or not ready:
                    return self
            except OSError:
                pass
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                raise RuntimeError(f"collector: {self.output.read_text()}")
            time.sleep(0.05)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        process = self.process
        assert process is not None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        self.process = None
        return process.wait(15)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        if self.process is not None:
            self.stop()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answered:
        """One request on a connection of its own."""
        kind = http.client.HTTPSConnection if self.tls else http.client.HTTPConnection
        options: dict[str, Any] = {"context": self.tls} if self.tls else {}
        connection = kind("127.0.0.1", self.port, timeout=15, **options)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            response = connection.getresponse()
            return Answered(
                response.status,
                {name.lower(): value for name, value in response.getheaders()},
                response.read(),
            )
        finally:
            connection.close()

    def get(self, path: str) -> Answered:
        return self.request("GET", path)

    def own_metrics(self) -> str:
        """The page of its monitor port."""
        connection = http.client.HTTPConnection("127.0.0.1", self.monitor_port, timeout=15)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def send(self, document: object, *, key: str = KEY, **headers: str) -> Answered:
        """A native batch; `headers` with underscores for hyphens."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.request(
            "POST",
            ROUTE,
            body,
            {
                "Content-Type": "application/json",
                "X-API-Key": key,
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    def raw(self, data: bytes, *, half_close: bool = False, seconds: float = 15.0) -> bytes:
        """Send bytes as they are and return everything that comes back until the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as connection:
            connection.sendall(data)
            if half_close:
                connection.shutdown(socket.SHUT_WR)
            found = b""
            try:
                while part := connection.recv(65536):
                    found += part
            except ConnectionResetError:
                pass
            return found

    def raw_answer(self, data: bytes) -> Answered:
        """Send bytes as they are and return one answer, without waiting for the end."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=15) as connection:
            connection.sendall(data)
            with contextlib.closing(http.client.HTTPResponse(connection)) as response:
                response.begin()
                return Answered(
                    response.status,
                    {name.lower(): value for name, value in response.getheaders()},
                    response.read(),
                )

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def rss_bytes(self) -> int:
        """Memory of the process now."""
        text = Path(f"/proc/{self.pid}/statm").read_text()
        return int(text.split()[1]) * os.sysconf("SC_PAGE_SIZE")
