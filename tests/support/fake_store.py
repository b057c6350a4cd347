"""A store that speaks just enough of ClickHouse's HTTP to take blocks, and to fail on demand.

Like the real one it keeps a token once: a block whose token it knows is acknowledged and dropped.
Payloads are `<id>,<id>;` lists instead of zstd, so that a test can see which message arrived how
often. A message containing `POISON` makes the whole insert fail with code 444, as ClickHouse does.
Notices of dead letters are envelopes, and kept apart.
"""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from typing import Self

from aiohttp import web

Answer = tuple[int, int, str]
"""HTTP status, ClickHouse code (0: none), text."""


class FakeStore:
    """In this process, on a free loopback port."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.tokens: dict[str, int] = {}
        self.notices: dict[str, bytes] = {}
        self.repeats = 0
        self.requests: list[dict[str, str]] = []
        self.fail: Callable[[str], Answer | None] = lambda _: None
        self.delay: Callable[[], float] = lambda: 0.0
        self.changed = asyncio.Event()
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self) -> Self:
        """Listen."""
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_get("/ping", self._ping)
        app.router.add_post("/", self._insert)
        # The payloads are no zstd, whatever their header says.
        self._runner = web.AppRunner(app, access_log=None, auto_decompress=False)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        """Stop listening; inserts in progress are cut off."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def holds(self, count: int, *, within_seconds: float) -> None:
        """Wait until `count` different ids are stored. Raises TimeoutError."""
        async with asyncio.timeout(within_seconds):
            while len(self.ids) < count:
                self.changed.clear()
                await self.changed.wait()

    async def _ping(self, _: web.Request) -> web.Response:
        return web.Response(text="Ok.\n")

    def _answer(self, sql: str, stream: str) -> web.Response:
        """The questions of the sink: lost parts, a stream's last block, rows with receipts."""
        if "damaged_parts" in sql:
            return web.Response(text="")
        if "stored_blocks" not in sql:
            return web.Response(text="0\n")
        tokens = [token for token in self.tokens if token.startswith(f"{stream}:")]
        return web.Response(text=f"{tokens[-1] if tokens else ''}\t0\n")

    async def _insert(self, request: web.Request) -> web.Response:
        token = request.query.get("insert_deduplication_token", "")
        raw = await request.read()
        if not token:
            return self._answer(raw.decode(), request.query.get("param_stream", ""))
        if token.endswith("/notice"):
            self.notices[token] = raw
            return web.Response(text="")
        body = raw.decode()
        self.requests.append({**request.query, "length": str(len(body)), **request.headers})
        answer = self.fail(token)
        if answer is None and "POISON" in body:
            answer = (500, 444, "Code: 444. DB::Exception: Protobuf messages are corrupted")
        await asyncio.sleep(self.delay())
        if answer is not None:
            status, code, text = answer
            headers = {"X-ClickHouse-Exception-Code": str(code)} if code else {}
            return web.Response(status=status, text=text, headers=headers)
        if token in self.tokens:
            self.repeats += 1
        else:
            ids = re.findall(r"[^;]+", body)
            self.tokens[token] = len(ids)
            self.ids.update(ids)
            self.changed.set()
        return web.Response(text="")
