"""One store with three databases, all tenants, one org, one app, and the application over each.

What a token is told over everybody's rows has to be what it is told over its own rows alone.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import zstandard
from yarl import URL

from api.exports.exports import Exports
from api.exports.settings import ExportSettings
from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from seamark.service.connections import StoreSettings
from seamark.service.registry import AppRecord, Registry, TokenRecord, digest
from seamark.wire.signals import Signal, input_table
from tests.support.isolation_rows import (
    APP,
    MINE,
    NOW,
    ORG,
    OTHER_TENANTS,
    OTHERS,
    SIBLING_TENANTS,
    SIBLINGS,
    Tenant,
    envelopes,
    manifest,
)
from tests.support.ledger import Judge, QuietLog
from tests.support.questions_stack import (
    RunningStore,
    asking,
    running_store,
)
from tests.support.servers import running_cache

ORG_QUERY, APP_QUERY, ORG_ADMIN, APP_ADMIN = "smq_acme", "smq_shop", "sma_admin", "sma_shop"
OTHER_QUERY, OTHER_ADMIN = "smq_other", "sma_other"
_COST = frozenset({"rowsRead", "bytesRead", "cache"})
_UNFINISHED = ("queued", "running")
_NUMBERS = re.compile(r"2002000\d\d|9009001\d\d")


@dataclass(frozen=True)
class Request:
    """One request to the API, as a client writes it. `path` has its parameters filled in."""

    method: str
    path: str
    body: Any = None
    query: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Everything the asker wrote."""
        return repr(self)


@dataclass(frozen=True)
class Answer:
    """A status, and the body as it was sent."""

    status: int
    body: str

    def comparable(self) -> object:
        """Without what it cost."""
        try:
            decoded = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return self.status, self.body
        if isinstance(decoded, dict) and isinstance(decoded.get("meta"), dict):
            decoded["meta"] = {k: v for k, v in decoded["meta"].items() if k not in _COST}
        return self.status, decoded

    def secrets(self, request: Request, *, app_only: bool) -> set[str]:
        """What it holds of others, without what the asker wrote himself."""
        marks = [OTHERS, SIBLINGS] if app_only else [OTHERS]
        found = {mark for mark in marks if mark in self.body and mark not in request.text}
        numbers = set(_NUMBERS.findall(self.body)) - set(_NUMBERS.findall(request.text))
        return found | {n for n in numbers if app_only or n.startswith("9")}


@dataclass(frozen=True)
class Ids:
    """What the stored rows are known by: of the asker's org, of its other apps, of others."""

    dead_letters: Sequence[str]
    records: Sequence[dict[str, str]]
    """`id`, `time` and `service` of log records."""


@dataclass
class Told:
    """The application over one database."""

    url: str
    session: aiohttp.ClientSession
    judge: Judge

    async def ask(self, request: Request, token: str) -> Answer:
        data = None if request.body is None else msgspec.json.encode(request.body)
        url = URL(self.url + request.path, encoded=True).update_query(request.query)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with self.session.request(
            request.method, url, data=data, headers=headers
        ) as response:
            return Answer(response.status, await response.text(errors="replace"))

    async def follow(self, request: Request, token: str) -> Answer:
        """What a tail tells at once: up to its first heartbeat."""
        headers = {"Authorization": f"Bearer {token}"}
        data = msgspec.json.encode(request.body)
        async with (
            asyncio.timeout(60),
            self.session.post(self.url + request.path, data=data, headers=headers) as response,
        ):
            told = b""
            async for line in response.content:
                told += line
                if line.startswith(b"event: heartbeat"):
                    break
            return Answer(response.status, told.decode())

    async def export(self, request: Request, token: str) -> tuple[str, Answer]:
        """The id of an export, and its file once it is made; or the refusal."""
        begun = await self.ask(request, token)
        if begun.status != 202:
            return "", begun
        id_ = msgspec.json.decode(begun.body)["id"]
        shown = Request("GET", f"/v1/exports/{id_}")
        async with asyncio.timeout(120):
            while True:  # it is another process that works
                status = msgspec.json.decode((await self.ask(shown, token)).body)["status"]
                if status not in _UNFINISHED:
                    break
                await asyncio.sleep(0.05)
        return id_, await self.ask(Request("GET", f"{shown.path}/file"), token)


@dataclass(frozen=True)
class Database(RunningStore):
    """One database of the running store."""

    name: str

    @property
    def settings(self) -> StoreSettings:
        return StoreSettings(url=self.url, database=self.name)

    async def provision(self) -> None:
        await self.run(f"CREATE DATABASE {self.name} ENGINE = Atomic")
        values = placeholders(Variant.EMBEDDED, database=self.name)
        for file in read_migrations():
            for statement in statements(file.text, values):
                await self.run(statement)

    async def fill(self, tenants: Sequence[Tenant]) -> None:
        """Insert what the tenants sent, one block a signal, and the archive's manifest."""
        blocks: dict[Signal, list[bytes]] = {}
        for tenant in tenants:
            for signal, envelope in envelopes(tenant):
                blocks.setdefault(signal, []).append(zstandard.compress(envelope, 1))
        for signal, frames in blocks.items():
            await self.run(
                f"INSERT INTO {self.name}.{input_table(signal)} FORMAT Protobuf",
                b"".join(frames),
                format_schema="seamark_envelope:Envelope",
            )
        for statement in manifest(tenants, self.name):
            await self.run(statement)

    async def mark_dead_letters(self, by: Sequence[tuple[str, str]]) -> None:
        """Others say that every dead letter of the app was replayed by them."""
        if not by:
            return
        who = ", ".join(f"('{org}', '{app}')" for org, app in by)
        await self.run(
            f"INSERT INTO {self.name}.dead_letter_replays SELECT o.1, o.2, dead_letter_id, "
            f"fromUnixTimestamp64Milli({NOW}, 'UTC'), receipt FROM {self.name}.dead_letters "
            f"ARRAY JOIN [{who}] AS o WHERE org = '{ORG}' AND app = '{APP}'"
        )

    async def dead_letters(self) -> list[str]:
        listed = await self.run(
            f"SELECT dead_letter_id FROM {self.name}.dead_letters ORDER BY dead_letter_id "
            "FORMAT TabSeparatedRaw"
        )
        return listed.split()


@dataclass
class World:
    """Everybody's rows, those of the org and those of the app; and everybody's with no store."""

    crowd: Told
    org: Told
    app: Told
    away: Told
    ids: Ids

    def alone(self, token: str) -> Told:
        """Where there are only the rows that a token may see."""
        return self.app if token in (APP_QUERY, APP_ADMIN) else self.org


def add_tokens(registry: Registry) -> None:
    """All apps of the org, and an admin of each scope."""
    for tenant in (*SIBLING_TENANTS, *OTHER_TENANTS):
        registry.apps[tenant.org, tenant.app] = AppRecord(org=tenant.org, app=tenant.app)
    for secret, org, app in ((APP_ADMIN, ORG, APP), (OTHER_ADMIN, "other", "")):
        registry.tokens[digest(secret)] = TokenRecord(
            token_id=secret[:6], kind="admin", digest=digest(secret), org=org, app=app
        )


@contextlib.asynccontextmanager
async def told(
    store: RunningStore, cache_url: str, folder: Path, **settings: Any
) -> AsyncIterator[Told]:
    """The application over a database, with its own part of the cache, and its exports."""
    judge = Judge()
    exports = Exports(ExportSettings(path=str(folder), disk_keep_bytes=0), store.settings)
    await exports.start()
    parts = {"log": QuietLog(NOW), "ingest": judge, "exports": exports}
    try:
        async with asking(
            store, cache_url=cache_url, clock_ms=lambda: NOW, parts=parts, **settings
        ) as ask:
            add_tokens(ask.context.registry)
            yield Told(ask.url, ask.session, judge)
    finally:
        await exports.stop()


async def _ids(crowd: Told, database: Database) -> Ids:
    records = []
    for token in (ORG_QUERY, OTHER_QUERY):
        request = Request("POST", "/v1/query/logs", {"from": NOW - 86_400_000, "limit": 100})
        answer = await crowd.ask(request, token)
        assert answer.status == 200, answer
        for record in msgspec.json.decode(answer.body)["logs"]:
            records.append({key: record[key] for key in ("id", "time", "service")})
    return Ids(await database.dead_letters(), records)


@contextlib.contextmanager
def world(folder: Path) -> Iterator[tuple[World, asyncio.Runner]]:
    """All of it, and what to run coroutines with."""
    with running_store(folder) as store, running_cache(folder) as cache, asyncio.Runner() as runner:
        stack = contextlib.AsyncExitStack()

        async def start() -> World:
            made = []
            for place, tenants in enumerate(
                ([*OTHER_TENANTS, MINE, *SIBLING_TENANTS], [MINE, *SIBLING_TENANTS], [MINE])
            ):
                database = Database(store.url, store.process, ("everybody", "org", "app")[place])
                await database.provision()
                await database.fill(tenants)
                marks = [("acme", "blog"), ("other", APP), ("acm", APP), ("", "")]
                await database.mark_dead_letters((marks, marks[:1], [])[place])
                enter = told(database, f"{cache}/{place}", folder / f"exports-{place}")
                made.append((database, await stack.enter_async_context(enter)))
            nobody = RunningStore("http://127.0.0.1:1", store.process)
            away = await stack.enter_async_context(
                told(
                    nobody,
                    f"{cache}/0",
                    folder / "exports-away",
                    live_cache_seconds=0.0,
                    past_cache_seconds=0.0,
                )
            )
            (database, crowd), (_, org), (_, app) = made
            return World(crowd, org, app, away, await _ids(crowd, database))

        yield runner.run(start()), runner
        runner.run(stack.aclose())


def placed(path: str, value: str) -> str:
    """A path with its one parameter, whatever is in it."""
    return re.sub(r"\{[a-z]+\}", lambda _: quote(value, safe=""), path)
