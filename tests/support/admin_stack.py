"""The API over a real log, with an operator, two orgs, three apps, and an admin of each scope."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from nats.aio.client import Client as NatsClient
from nats.js.errors import NotFoundError

from api.admin.administration import Administration
from provisioning.jetstream.apply import apply
from seamark.service.connections import LogSettings, connect_log
from seamark.service.registry import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    Record,
    Registry,
    SchemaRecord,
    TokenKind,
    TokenRecord,
    digest,
)
from seamark.service.registry.records import SchemaVersion
from seamark.service.registry.store import RecordStore
from seamark.wire.buckets import ADMIN_BUCKET, AUDIT_STREAM, CONFIG_BUCKET
from tests.support.questions_stack import Asking, asking
from tests.support.scripted_store import Scripted
from tests.support.servers import NatsServer

OPERATOR, ORG_ADMIN, APP_ADMIN = "smo_operator", "sma_acme", "sma_shop"
OTHER_ADMIN, QUERY = "sma_other", "smq_acme"
_TOKENS: tuple[tuple[str, TokenKind, str, str], ...] = (
    (OPERATOR, "operator", "", ""),
    (ORG_ADMIN, "admin", "acme", ""),
    (APP_ADMIN, "admin", "acme", "shop"),
    (OTHER_ADMIN, "admin", "other", ""),
    (QUERY, "query", "acme", ""),
)


def records() -> list[Record]:
    """What is there at the beginning. Each app has the key `smk_<org>_<app>`."""
    made: list[Record] = [OrgRecord(org=org, name=org, salt="5a" * 16) for org in ("acme", "other")]
    for org, app in (("acme", "shop"), ("acme", "blog"), ("other", "shop")):
        made.append(AppRecord(org=org, app=app))
        hashed = digest(f"smk_{org}_{app}")
        made.append(KeyRecord(key_id=f"key_{org}_{app}", org=org, app=app, digest=hashed))
        first = SchemaVersion(version=1, schema="{}")
        made.append(
            SchemaRecord(
                org=org, app=app, event_type="paid", versions=(first,), compatibility="none"
            )
        )
    for secret, kind, org, app in _TOKENS:
        made.append(
            TokenRecord(
                token_id=f"tok_{secret}",
                kind=kind,
                org=org,
                app=app,
                digest=digest(secret),
            )
        )
    return made


@dataclass(frozen=True)
class Answered:
    """An answer, decoded, with its headers."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def problem(self) -> tuple[int, str, str]:
        """Status, reason and field of a refusal."""
        error = self.body["error"]
        return self.status, error["reason"], error.get("field", "")

    @property
    def text(self) -> str:
        return repr(self.body)


@dataclass
class Administered:
    """The running API, its registry, and a connection to the log."""

    api: Asking
    registry: Registry
    client: NatsClient
    log: NatsServer

    async def __call__(
        self, method: str, path: str, body: Any = None, *, token: str = OPERATOR, **headers: str
    ) -> Answered:
        """Ask; `headers` with underscores for hyphens."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        async with self.api.session.request(
            method, self.api.url + path, data=data, headers=sent
        ) as response:
            return Answered(
                response.status, msgspec.json.decode(await response.read()), response.headers
            )

    async def made(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """Ask, and be answered with 2xx."""
        answered = await self(method, path, body, **more)
        assert answered.status in (200, 201), answered
        return answered.body


async def lay_out(log: NatsServer) -> None:
    """Streams, buckets and records, as provisioning and administration would leave them."""
    client = await connect_log(LogSettings(url=log.url), name="test")
    await apply(client, LogSettings(url=log.url, max_bytes=8 * 1024 * 1024))
    store = RecordStore(await client.jetstream(timeout=2).key_value(CONFIG_BUCKET))
    for record in records():
        await store.create_first(record)
    await client.close()


@contextlib.asynccontextmanager
async def administered(log: NatsServer) -> AsyncIterator[Administered]:
    """All of it, on a log that is laid out if it is not."""
    await lay_out(log)
    client = await connect_log(LogSettings(url=log.url), name="test")
    registry = Registry()
    await registry.start(client)
    admin = Administration(registry, store=Scripted())
    admin.connect(client)
    parts = {"registry": registry, "admin": admin}
    try:
        async with asking(Scripted(), parts=parts) as api:
            yield Administered(api, registry, client, log)
    finally:
        await registry.stop()
        await client.close()


async def everything_stored(ask: Administered) -> str:
    """All that lies in the buckets and in the record of changes."""
    js = ask.client.jetstream()
    stored = ""
    for stream in (f"KV_{CONFIG_BUCKET}", f"KV_{ADMIN_BUCKET}", AUDIT_STREAM):
        state = (await js.stream_info(stream)).state
        for sequence in range(max(state.first_seq, 1), state.last_seq + 1):
            with contextlib.suppress(NotFoundError):  # replaced since
                stored += ((await js.get_msg(stream, sequence)).data or b"").decode()
    return stored
