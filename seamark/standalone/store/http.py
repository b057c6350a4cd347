"""The collector: ClickHouse's HTTP interface.

Statements run in threads and never hold up the loop: inserts in their own, so that slow questions
cannot keep data out. When a client goes away, what it asked is killed in the engine and what it
changes is left to finish, as a server does with `cancel_http_readonly_queries_on_client_close`.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from seamark.standalone.store import metrics
from seamark.standalone.store.engine import StoreEngine
from seamark.standalone.store.execution import Execution, use
from seamark.standalone.store.failures import (
    ABORTED,
    AUTHENTICATION_FAILED,
    LIMIT_EXCEEDED,
    TOO_MANY_QUERIES,
    UNKNOWN,
    StoreError,
    own_error,
)
from seamark.standalone.store.job import StoreJob, StoreReply, Streamed
from seamark.standalone.store.messages import read_form, refusal
from seamark.standalone.store.parts.watch import PartWatch
from seamark.standalone.store.request import Upload, read_request, role_of
from seamark.standalone.store.sessions import Sessions
from seamark.standalone.store.settings import StoreServerSettings
from seamark.standalone.store.statement import starts_insert

logger = logging.getLogger(__name__)
_KILL_EVERY_SECONDS: Final = (0.02, 0.05, 0.1, 0.25, 0.5, 1.0)
_AFTER_KILL_SECONDS: Final = 1.0

Outcome = StoreReply | Streamed | StoreError


class StoreService:
    """All requests of the process. Made, used and drained on one loop.

    `doubt` is set when the engine has to be opened anew, which takes a new process.
    """

    def __init__(
        self, engine: StoreEngine, settings: StoreServerSettings, parts: PartWatch
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.doubt = asyncio.Event()
        self._engine = engine
        self._settings = settings
        self.sessions = Sessions(lambda: use(engine.handle()))
        self._execution = Execution(
            engine,
            self.sessions,
            folder=settings.path,
            max_unpacked_bytes=settings.max_unpacked_bytes,
            keep_bytes=settings.disk_keep_bytes,
            doubted=self._doubted,
            removing=parts.removing,
        )
        self._parts = parts
        self._queries = ThreadPoolExecutor(settings.threads, "query")
        self._inserts = ThreadPoolExecutor(settings.insert_threads, "insert")
        self._control = ThreadPoolExecutor(1, "control")
        self._watching = ThreadPoolExecutor(1, "parts")
        self._most = settings.threads + settings.insert_threads + settings.waiting
        self._running: dict[asyncio.Future[Outcome], StoreJob] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._draining = False

    def _doubted(self) -> None:
        """Called from the thread of a request."""
        self._loop.call_soon_threadsafe(self.doubt.set)

    def application(self) -> web.Application:
        """Routes: /ping for anyone, /metrics and / for who knows the password."""
        application = web.Application(client_max_size=self._settings.max_body_bytes)
        application.router.add_get("/ping", self._ping)
        application.router.add_get("/metrics", self._metrics)
        application.router.add_route("*", "/", self._answer)
        return application

    async def _ping(self, _: web.Request) -> web.Response:
        if self._draining:
            return web.Response(status=503, text="Stopping.\n")
        return web.Response(text="Ok.\n")

    async def _metrics(self, http: web.Request) -> web.Response:
        if role_of(http.headers, dict(http.query), self._settings.password) is None:
            return web.Response(status=401, text="own metrics need the store's password\n")
        metrics.SESSIONS.set(len(self.sessions))
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _answer(self, http: web.Request) -> web.StreamResponse:
        query_id = http.query.get("query_id") or str(uuid.uuid4())
        headers = {
            "X-ClickHouse-Query-Id": query_id,
            "X-ClickHouse-Server-Display-Name": "seamark",
            "X-ClickHouse-Timezone": self._engine.timezone,
        }
        try:
            job = await self._job(http, query_id)
            outcome = self._start(job)
            return await self._deliver(http, job, outcome, headers)
        except StoreError as error:
            metrics.ERRORS.labels(str(error.code)).inc()
            return refusal(error, headers, close=self._draining)

    async def _job(self, http: web.Request, query_id: str) -> StoreJob:
        arguments = dict(http.query)
        role = role_of(http.headers, arguments, self._settings.password)
        if role is None:
            raise own_error(
                AUTHENTICATION_FAILED,
                "Authentication failed: password is incorrect, or there is no such user",
            )
        if self._draining:
            raise own_error(ABORTED, "The store is stopping")
        uploads: tuple[Upload, ...] = ()
        body = b""
        try:
            if http.content_type == "multipart/form-data":
                fields, uploads = await read_form(http)
                arguments |= fields
            else:
                body = await http.read()
        except web.HTTPRequestEntityTooLarge as error:
            raise own_error(
                LIMIT_EXCEEDED, f"The body is larger than {self._settings.max_body_bytes} bytes"
            ) from error
        return StoreJob(
            read_request(
                method=http.method,
                headers=http.headers,
                arguments=arguments,
                query_id=query_id,
                body=body,
                uploads=uploads,
            ),
            role,
        )

    def _start(self, job: StoreJob) -> "asyncio.Future[Outcome]":
        if len(self._running) >= self._most:
            raise own_error(TOO_MANY_QUERIES, "Too many simultaneous queries")
        insert = bool(job.request.body) and starts_insert(job.request.query)
        outcome = asyncio.get_running_loop().run_in_executor(
            self._inserts if insert else self._queries, self._carry_out, job
        )
        self._running[outcome] = job
        metrics.RUNNING.set(len(self._running))
        outcome.add_done_callback(self._done)
        return outcome

    def _done(self, outcome: "asyncio.Future[Outcome]") -> None:
        del self._running[outcome]
        metrics.RUNNING.set(len(self._running))

    def _carry_out(self, job: StoreJob) -> Outcome:
        try:
            return self._execution.carry_out(job)
        except StoreError as error:
            return error
        except Exception as error:
            logger.exception("a request failed in the store itself")
            return own_error(UNKNOWN, f"{type(error).__name__} in the store")

    async def _deliver(
        self,
        http: web.Request,
        job: StoreJob,
        outcome: "asyncio.Future[Outcome]",
        headers: Mapping[str, str],
    ) -> web.StreamResponse:
        try:
            first: set[asyncio.Future[Any]] = {outcome, job.begun}
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if job.begun.done():
                return await _send_pieces(http, job, outcome, {**headers, **job.begun.result()})
        except (asyncio.CancelledError, ConnectionError):
            metrics.CANCELLED.inc()
            self._end(job, outcome)
            raise
        match outcome.result():
            case StoreError() as error:
                raise error
            case StoreReply() as reply:
                return web.Response(body=reply.body, headers={**headers, **reply.headers})
            case Streamed():
                raise AssertionError("pieces without a beginning")

    def _end(self, job: StoreJob, outcome: "asyncio.Future[Outcome]") -> None:
        job.cancel()
        task = asyncio.create_task(self._kill(job, outcome), name=f"kill-{job.tag}")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _kill(self, job: StoreJob, outcome: "asyncio.Future[Outcome]") -> None:
        """Kill until it is dead: the first time it may not have reached the engine yet."""
        loop = asyncio.get_running_loop()
        tries = 0
        while not outcome.done():
            if job.kind == "read":
                await loop.run_in_executor(self._control, self._engine.kill, job.tag)
            seconds = _KILL_EVERY_SECONDS[min(tries, len(_KILL_EVERY_SECONDS) - 1)]
            await asyncio.wait({outcome}, timeout=seconds)
            tries += 1

    async def sweep(self, every_seconds: float = 5.0) -> None:
        """Close sessions whose time is over, and see what merges met, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(every_seconds)
            await loop.run_in_executor(self._control, self.sessions.sweep)
            with contextlib.suppress(StoreError):  # it is in doubt now, and `doubt` says so
                await loop.run_in_executor(self._control, self._execution.check_writes)

    async def watch_parts(self) -> None:
        """Look at the parts on disk, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await loop.run_in_executor(self._watching, self._parts.look)
            await asyncio.sleep(self._parts.every_seconds)

    async def drain(self) -> int:
        """Refuse what comes, kill what reads, let what writes finish for `stop_seconds`.

        Returns how many requests would not end; the engine cannot be closed then.
        """
        self._draining = True
        for outcome, job in list(self._running.items()):
            if job.kind != "write":
                self._end(job, outcome)
        if self._running:
            await asyncio.wait(set(self._running), timeout=self._settings.stop_seconds)
        if self._running:
            logger.warning("killing what is left", extra={"requests": len(self._running)})
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._control, self._engine.kill, "")
        if self._running:
            await asyncio.wait(set(self._running), timeout=_AFTER_KILL_SECONDS)
        for task in list(self._ending):
            task.cancel()
        await asyncio.gather(*self._ending, return_exceptions=True)
        return len(self._running)

    def close(self) -> None:
        """End the threads and the sessions. Nothing may be running. Blocks."""
        for pool in (self._watching, self._queries, self._inserts, self._control):
            pool.shutdown()
        self.sessions.close()


async def _send_pieces(
    http: web.Request,
    job: StoreJob,
    outcome: "asyncio.Future[Outcome]",
    headers: Mapping[str, str],
) -> web.StreamResponse:
    response = web.StreamResponse(headers=headers)
    await response.prepare(http)
    async for piece in job.pieces():
        await response.write(piece)
    if await outcome != Streamed(failed=False) and http.transport is not None:
        http.transport.close()  # without the last chunk, so that nobody takes it for whole
    return response
