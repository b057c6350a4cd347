"""The store over HTTP, as the recovery commands need it: statements, rows, inserts of files."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import msgspec

from seamark.recovery.stack import RecoveryError
from seamark.service.clickhouse.client import Body, HttpClient, RequestFailed, connector
from seamark.service.clickhouse.quoting import parameter
from seamark.service.connections import StoreSettings

_LONGEST_SECONDS: Final = 24 * 3600.0


class StoreFailed(RecoveryError):
    """The store did not do it; the message is its own."""


class RecoveryStore:
    """One store. `database` is where the tables are."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: StoreSettings, *, local: bool = False
    ) -> None:
        """`local`: it is the embedded one, on this machine, and can read our files."""
        self.session = session
        self.settings = settings
        self.local = local
        self._client = HttpClient(session, settings, timeout_seconds=_LONGEST_SECONDS)
        self.database = settings.database

    async def command(self, sql: str, *, settings: Mapping[str, str] | None = None) -> str:
        """Carry out a statement; returns its text. Raises StoreFailed."""
        return (await self._post(sql.encode(), settings or {})).decode()

    async def rows(
        self,
        sql: str,
        *,
        params: Mapping[str, object] | None = None,
        upload: aiohttp.FormData | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> list[dict[str, Any]]:
        """The rows of a query by column name; `{name:Type}` is filled from `params`.

        `upload`: external tables; `settings` has their structures.
        """
        given = {f"param_{name}": parameter(value) for name, value in (params or {}).items()}
        given |= {"output_format_json_quote_64bit_integers": "0", **(settings or {})}
        text = f"{sql} FORMAT JSONEachRow"
        if upload is None:
            answer = await self._post(text.encode(), given)
        else:
            answer = await self._post(upload, given | {"query": text})
        return [msgspec.json.decode(line) for line in answer.splitlines()]

    async def value(self, sql: str, *, params: Mapping[str, object] | None = None) -> Any:
        """The only value of a query's only row."""
        [row] = await self.rows(sql, params=params)
        [value] = row.values()
        return value

    async def structure(self, table: str) -> str:
        """Names and types of a table's columns, as `file()` wants them."""
        database, _, name = table.rpartition(".")
        rows = await self.rows(
            "SELECT name, type FROM system.columns WHERE database = {d:String}"
            " AND table = {t:String} ORDER BY position",
            params={"d": database, "t": name},
        )
        return ", ".join(f"`{row['name']}` {row['type']}" for row in rows)

    async def insert(
        self,
        statement: str,
        data: bytes | AsyncIterator[bytes],
        *,
        settings: Mapping[str, str],
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`INSERT … FORMAT …` with its data. Raises StoreFailed."""
        await self._post(data, {**settings, "query": statement}, headers)

    async def _post(
        self, body: Body, arguments: Mapping[str, str], headers: Mapping[str, str] | None = None
    ) -> bytes:
        try:
            return await self._client.post(body, arguments, headers=headers)
        except RequestFailed as error:
            raise StoreFailed(f"the store at {self.settings.url}: {error}") from error


@asynccontextmanager
async def open_store(
    settings: StoreSettings, *, local: bool = False
) -> AsyncIterator[RecoveryStore]:
    """A client for as long as the context lasts."""
    async with aiohttp.ClientSession(connector=connector(settings)) as session:
        yield RecoveryStore(session, settings, local=local)


def listed(names: Sequence[str]) -> str:
    """Names in a sentence, no more than a few."""
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
