"""The store as questions see it: one statement in, typed rows out, within limits.

Every statement runs read-only and under limits of time, memory and rows. Cancelling a call closes
its HTTP connection, and with it ends the query in the store
(`cancel_http_readonly_queries_on_client_close`). A store that hangs is away (`breaker.py`).
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

import aiohttp
import msgspec
from clickhouse_connect.driver import create_async_client
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import Error, OperationalError

from api.breaker import Breaker, StoreHangs
from api.own_metrics import OwnMetrics
from api.query.statement import Statement
from api.reasons import QuestionFailure, QuestionReason
from api.settings import ApiSettings
from seamark.service.clickhouse.client import HttpClient, connect_options, connector
from seamark.service.clickhouse.errors import (
    BAD_PATTERN,
    READONLY,
    TOO_LONG,
    TOO_MUCH,
    ErrorClass,
    classify,
    code_in,
)
from seamark.service.connections import StoreSettings
from seamark.service.health import Health
from seamark.wire.failures import Rejected, Unavailable

logger = logging.getLogger(__name__)
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_TOO_LARGE: Final = frozenset({241, 396})
"""Of these, the ones that fewer rows of result avoid."""
_NARROW: Final = (
    "Narrow it: a shorter range, a coarser granularity, more filters, fewer groupBy dimensions."
)


class ResultTooLarge(Rejected[QuestionReason]):
    """The result is larger than one may be; with fewer rows it may fit."""


class StoreFault(Exception):
    """The store refused SQL of ours, or answered what cannot be read: our mistake."""


@dataclass(frozen=True, slots=True)
class Rows(Generic[R_co]):
    """What one statement gave, and what it cost."""

    rows: Sequence[R_co]
    rows_read: int
    bytes_read: int


class QuestionStore(Protocol):
    """Whatever answers statements."""

    async def ask(self, statement: Statement, row: type[R]) -> Rows[R]:
        """Run a statement; each row is decoded from a JSON array as `row`.

        Raises Rejected (TIMEOUT, TOO_MUCH, INVALID_FILTER), Unavailable when the store is away, and
        StoreFault. Does not retry.
        """


class _Statistics(msgspec.Struct):
    rows_read: int = 0
    bytes_read: int = 0


class _Result(msgspec.Struct, Generic[R]):
    data: list[R]
    statistics: _Statistics


class ClickHouseStore:
    """ClickHouse through clickhouse-connect. Connects when first asked; `close` when done."""

    def __init__(
        self, settings: StoreSettings, limits: ApiSettings, *, metrics: OwnMetrics, health: Health
    ) -> None:
        self._settings = settings
        self._limits = limits
        self._metrics = metrics
        self._health = health
        self._client: AsyncClient | None = None
        self._connecting = asyncio.Lock()
        self._turns = asyncio.Semaphore(limits.concurrent_queries)
        self._session: aiohttp.ClientSession | None = None
        self._breaker = Breaker(self._ping)
        self._query_settings: dict[str, object] = {
            "readonly": 1,
            "max_execution_time": limits.query_seconds,
            "max_memory_usage": limits.query_memory_bytes,
            "max_rows_to_read": limits.query_rows,
            "max_result_rows": 100_000,
            "max_result_bytes": limits.query_bytes,
            "result_overflow_mode": "throw",
            "cancel_http_readonly_queries_on_client_close": 1,
            "output_format_json_quote_64bit_integers": 0,
            "output_format_json_quote_denormals": 0,
            "output_format_json_named_tuples_as_objects": 0,
        }

    async def ask(self, statement: Statement, row: type[R]) -> Rows[R]:
        """See `QuestionStore.ask`."""
        started = time.perf_counter()
        try:
            async with asyncio.timeout(self._limits.query_seconds + 2.0):
                body = await self._breaker.run(self._run(statement))
        except StoreHangs as error:
            self._health.down("store", str(error)[:200])
            raise self._counted(_away()) from None
        except TimeoutError:
            raise self._counted(_too_long(self._limits.query_seconds)) from None
        except Error as error:
            raise self._counted(self._failure(error.code, error)) from error
        finally:
            self._metrics.store_seconds.observe(time.perf_counter() - started)
        self._health.up("store")
        result = self._decode(body, row)
        self._metrics.rows_read.inc(result.statistics.rows_read)
        self._metrics.bytes_read.inc(result.statistics.bytes_read)
        return Rows(result.data, result.statistics.rows_read, result.statistics.bytes_read)

    async def _run(self, statement: Statement) -> bytes:
        async with self._turns:
            client = await self._connected()
            return await client.raw_query(
                statement.sql,
                parameters=statement.values,
                settings=self._query_settings,
                fmt="JSONCompact",
            )

    async def _ping(self) -> str:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=connector(self._settings, limit=2))
        return await HttpClient(self._session, self._settings, timeout_seconds=2).ping()

    def _decode(self, body: bytes, row: type[R]) -> _Result[R]:
        try:
            return msgspec.json.decode(body, type=_Result[row])  # type: ignore[valid-type]
        except msgspec.MsgspecError as error:
            # a failure after the first bytes were sent comes as text behind them
            code = code_in(body[-4096:].decode(errors="replace"))
            raise self._counted(self._failure(code or None, error)) from error

    def _failure(self, code: int | None, error: Exception) -> QuestionFailure | StoreFault:
        if code in TOO_LONG:
            return _too_long(self._limits.query_seconds)
        if code in TOO_MUCH:
            kind = ResultTooLarge if code in _TOO_LARGE else Rejected
            return kind(
                QuestionReason.TOO_MUCH,
                f"This question reads or returns more than one question may. {_NARROW}",
            )
        if code == BAD_PATTERN:
            return Rejected(
                QuestionReason.INVALID_FILTER,
                "A pattern in filters is not a valid RE2 expression "
                "(https://github.com/google/re2/wiki/Syntax).",
                field="filters",
            )
        no_answer = code is None and isinstance(error, OperationalError)
        if no_answer or (code and code != READONLY and classify(code) is ErrorClass.AWAY):
            self._health.down("store", str(error)[:200])
            return _away()
        return StoreFault(str(error)[:2000])

    def _counted(self, failure: Exception) -> Exception:
        reason = getattr(failure, "reason", QuestionReason.INTERNAL)
        self._metrics.store_failures.labels(reason.value).inc()
        return failure

    async def _connected(self) -> AsyncClient:
        if self._client is None:
            async with self._connecting:
                if self._client is None:
                    self._client = await self._connect()
        return self._client

    async def _connect(self) -> AsyncClient:
        return await create_async_client(
            **connect_options(self._settings),
            database=self._settings.database,
            compress=False,  # the answers are small, and undoing it takes a thread each time
            connect_timeout=2,
            send_receive_timeout=self._limits.query_seconds + 2.0,
            connector_limit=self._limits.concurrent_queries + 2,
            connector_limit_per_host=self._limits.concurrent_queries + 2,
            form_encode_query_params=True,  # long values do not fit into a URL
        )

    async def probe(self) -> None:
        """Ask for nothing, so that `health` learns whether the store is there. Never raises."""
        try:
            await self.ask(Statement("SELECT 1", {}), tuple[int])
        except (Rejected, Unavailable, StoreFault) as failure:
            self._health.down("store", str(failure)[:200])

    async def close(self) -> None:
        """Close all connections."""
        await self._breaker.close()
        if self._session is not None:
            await self._session.close()
        if self._client is not None:
            await self._client.close()


def _away() -> Unavailable[QuestionReason]:
    return Unavailable(
        "The store does not answer at the moment.",
        retry_after=2.0,
        reason=QuestionReason.UNAVAILABLE,
    )


def _too_long(seconds: float) -> Rejected[QuestionReason]:
    return Rejected(QuestionReason.TIMEOUT, f"No answer within {seconds:g} s, the limit. {_NARROW}")
