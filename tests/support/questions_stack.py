"""A store with the real schema, and the application that asks it, for tests of questions.

The store is the embedded one in a process of its own, on a free port with a folder of its own.
"""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import redis.asyncio
import zstandard
from google.protobuf.message import Message
from prometheus_client import generate_latest
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from api.admin.administration import Administration
from api.cache import AnswerCache
from api.checked_store import CheckedStore
from api.context import Context
from api.damage import DamageReport
from api.grpc.server import GrpcServer
from api.late_rows import LateRows
from api.own_metrics import OwnMetrics
from api.server import make_app, start_server
from api.settings import ApiSettings
from api.source_finder import SourceFinder
from api.store import ClickHouseStore, QuestionStore
from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from seamark.service.connections import StoreSettings
from seamark.service.health import Health
from seamark.service.registry import AppRecord, KeyRecord, Registry, TokenRecord, digest
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.signals import Signal, input_table
from tests.support.servers import free_port, wait_for_port

ROOT = Path(__file__).parents[2]
SECRETS = {"acme": "smq_acme", "shop": "smq_shop", "other": "smq_other"}
"""Query tokens: of org acme, of its app shop, of org other."""


@dataclass(frozen=True)
class RunningStore:
    """The embedded store, with the schema in place."""

    url: str
    process: "subprocess.Popen[bytes]"

    @property
    def settings(self) -> StoreSettings:
        return StoreSettings(url=self.url)

    async def run(self, sql: str, body: bytes = b"", **settings: str) -> str:
        """Run a statement as the owner of the store."""
        parameters = {"query": sql, **settings} if body else dict(settings)
        headers = {"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": ""}
        if body:
            headers["Content-Encoding"] = "zstd"
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                self.url, params=parameters, headers=headers, data=body or sql.encode()
            ) as response,
        ):
            text = await response.text()
            assert response.status == 200, text
            return text

    async def provision(self) -> None:
        """Put the schema in place."""
        await self.run("CREATE DATABASE IF NOT EXISTS seamark ENGINE = Atomic")
        values = placeholders(Variant.EMBEDDED, database="seamark")
        for file in read_migrations():
            for statement in statements(file.text, values):
                await self.run(statement)

    async def insert(self, signal: Signal, envelopes: Sequence[bytes]) -> None:
        """Insert envelopes as the processor does: zstd frames, joined."""
        compressor = zstandard.ZstdCompressor(level=1)
        await self.run(
            f"INSERT INTO seamark.{input_table(signal)} FORMAT Protobuf",
            b"".join(compressor.compress(envelope) for envelope in envelopes),
            format_schema="seamark_envelope:Envelope",
        )


@contextlib.contextmanager
def running_store(folder: Path) -> Iterator[RunningStore]:
    """Start the store and wait until it answers; kill it afterwards."""
    port = free_port()
    environment = {
        **os.environ,
        "SEAMARK_STORE_SERVER_PORT": str(port),
        "SEAMARK_STORE_SERVER_PATH": str(folder / "store"),
        "SEAMARK_STORE_SERVER_FSYNC": "false",
    }
    with (folder / "store.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "seamark.standalone.store"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for_port(port, process)
        yield RunningStore(f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.wait()


def envelope(
    signal: Signal,
    body: bytes,
    *,
    org: str,
    app: str,
    received_ms: int,
    sent_ms: int | None = None,
    weight: float = 1.0,
    **sender: str,
) -> bytes:
    """One envelope of a sender."""
    return encode_envelope(
        Sender(org=org, app=app, **sender).encode(),
        receipt="019ad000-0000-7000-8000-000000000000",
        received_ns=received_ms * 1_000_000,
        sent_ms=sent_ms,
        outcome=Outcome(offered=1, accepted=1),
        signal=signal,
        body=body,
        weight=weight,
    )


def grouped_envelopes(
    signal: Signal, groups: Mapping[tuple[str, str, float], Message], *, received_ms: int
) -> list[bytes]:
    """One envelope for each org, app and weight, with the OTLP request of that group."""
    return [
        envelope(
            signal,
            request.SerializeToString(),
            org=org,
            app=app,
            received_ms=received_ms,
            weight=weight,
        )
        for (org, app, weight), request in groups.items()
    ]


def registry() -> Registry:
    """Orgs acme (apps shop, blog) and other (app shop); tokens of SECRETS, an admin, a key."""
    made = Registry()
    for org, app in (("acme", "shop"), ("acme", "blog"), ("other", "shop")):
        made.apps[org, app] = AppRecord(org=org, app=app)
    for org, app, secret in (
        ("acme", "", SECRETS["acme"]),
        ("acme", "shop", SECRETS["shop"]),
        ("other", "", SECRETS["other"]),
    ):
        _token(made, secret, org=org, app=app)
    _token(made, "sma_admin", kind="admin", org="acme")
    _token(made, "smq_disabled", org="acme", status="disabled")
    key = digest("smk_ingest")
    made.keys[key] = KeyRecord(key_id="k", org="acme", app="shop", digest=key)
    return made


def _token(
    made: Registry,
    secret: str,
    *,
    org: str,
    app: str = "",
    kind: Any = "query",
    status: Any = "active",
) -> None:
    made.tokens[digest(secret)] = TokenRecord(
        token_id=secret[:6], kind=kind, digest=digest(secret), status=status, org=org, app=app
    )


def cache_client(url: str) -> "redis.asyncio.Redis":
    """As `connect_cache`, with a port where perhaps nobody listens."""
    return redis.asyncio.Redis.from_url(
        url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)
    )


@dataclass
class Asking:
    """The running application, and ways to ask it; `rpc` is its gRPC address, if it has one."""

    url: str
    session: aiohttp.ClientSession
    metrics: OwnMetrics
    health: Health
    context: Context
    rpc: str = ""

    async def post(
        self, path: str, body: Any, *, token: str = SECRETS["acme"], status: int = 200
    ) -> Any:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        headers = {"Authorization": f"Bearer {token}"}
        async with self.session.post(self.url + path, data=data, headers=headers) as response:
            return await self._read(response, status)

    async def get(
        self,
        path: str,
        query: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        *,
        token: str = SECRETS["acme"],
        status: int = 200,
    ) -> Any:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.get(
            self.url + path, params=query or {}, headers=headers
        ) as response:
            return await self._read(response, status)

    def own_metrics(self) -> str:
        """What its monitor port would show."""
        return generate_latest(self.metrics.registry).decode()

    @staticmethod
    async def _read(response: aiohttp.ClientResponse, status: int) -> Any:
        text = await response.text()
        assert response.status == status, (response.status, text)
        return msgspec.json.decode(text) if "json" in response.content_type else text


@contextlib.asynccontextmanager
async def asking(
    store: RunningStore | QuestionStore,
    *,
    cache_url: str = "redis://127.0.0.1:1/0",
    clock_ms: Callable[[], int] | None = None,
    parts: Mapping[str, Any] | None = None,
    grpc: bool = False,
    **settings: Any,
) -> AsyncIterator[Asking]:
    """Serve the application in this process; without `cache_url` there is no cache.

    `parts`: other parts of its context (`log`, `ingest`, `registry`).
    """
    metrics, health = OwnMetrics(), Health()
    limits = ApiSettings(host="127.0.0.1", port=0, grpc_port=0, **settings)
    redis_client = cache_client(cache_url)
    client = (
        ClickHouseStore(store.settings, limits, metrics=metrics, health=health)
        if isinstance(store, RunningStore)
        else store
    )
    late_rows = LateRows(client, shared_seconds=limits.live_cache_seconds)
    known = registry()
    given: dict[str, Any] = {
        "registry": known,
        "admin": Administration(known),
        "late_rows": late_rows,
        "damage": DamageReport(client, health),
        **(parts or {}),
    }
    if clock_ms:
        given["clock_ms"] = clock_ms
    context = Context(
        store=CheckedStore(client),
        cache=AnswerCache(redis_client, metrics=metrics),
        settings=limits,
        sources=SourceFinder(client),
        **given,
    )
    app = make_app(context, health=health, optional=Health(), metrics=metrics)
    runner, port = await start_server(app, limits)
    scheme = "https" if limits.tls_cert else "http"
    rpc = GrpcServer(context, health=health, metrics=metrics) if grpc else None
    address = f"127.0.0.1:{await rpc.start()}" if rpc else ""
    try:
        async with aiohttp.ClientSession() as session:
            yield Asking(f"{scheme}://127.0.0.1:{port}", session, metrics, health, context, address)
    finally:
        if rpc:
            await rpc.stop(0)
        await runner.cleanup()
        await redis_client.aclose()
        if isinstance(client, ClickHouseStore):
            await client.close()


@dataclass
class Answers:
    """Asks the running application, from tests that are not asynchronous."""

    ask: Asking
    runner: asyncio.Runner
    store: RunningStore

    def __call__(self, path: str, token: str, body: dict[str, Any]) -> Any:
        return self.runner.run(self.ask.post(path, body, token=SECRETS[token]))


@contextlib.contextmanager
def answering(
    folder: Path, envelopes: Iterable[tuple[Signal, Sequence[bytes]]], *, now_ms: int
) -> Iterator[Answers]:
    """The application over a store of its own with `envelopes`; its clock stands at `now_ms`."""
    with running_store(folder) as store, asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()

        async def start() -> Asking:
            await store.provision()
            for signal, sent in envelopes:
                await store.insert(signal, sent)
            return await stack.enter_async_context(asking(store, clock_ms=lambda: now_ms))

        yield Answers(runner.run(start()), runner, store)
        runner.run(stack.aclose())
