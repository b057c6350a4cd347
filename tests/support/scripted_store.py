"""A store for tests of the API that does as it is told."""

import asyncio
import contextlib
from typing import Any, TypeVar

import msgspec

from api.query.statement import Statement
from api.reasons import QuestionReason
from api.store import Rows
from seamark.wire.failures import Unavailable
from tests.support.questions_stack import Asking

R = TypeVar("R")


class Scripted:
    """A store that answers as told, counts what it was asked, and can hang."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False
        self.late_ms = 0
        self.now_ms = 1_795_343_040_123
        self.hang: asyncio.Event | None = None
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def ask(self, statement: Statement, row: type[R]) -> Rows[R]:
        if "events_1d WHERE" in statement.sql:  # where a name lives
            return Rows(msgspec.convert([["events"]], list[row]), 1, 1)  # type: ignore[valid-type]
        if "FROM late_rows" in statement.sql:
            if self.away:
                raise Unavailable("away", reason=QuestionReason.UNAVAILABLE, retry_after=2.0)
            row_ = [self.late_ms, self.now_ms]
            return Rows(msgspec.convert([row_], list[row]), 1, 1)  # type: ignore[valid-type]
        if "AS sent_attrs" in statement.sql:  # what events of a type look like
            sent = ['{"n":1}', "{}", None, "", 0, 1, 0]
            return Rows(msgspec.convert([sent], list[row]), 1, 1)  # type: ignore[valid-type]
        self.asked += 1
        self.started.set()
        if self.away:
            raise Unavailable("away", retry_after=2.0, reason=QuestionReason.UNAVAILABLE)
        if self.hang is not None:
            try:
                await self.hang.wait()
            except asyncio.CancelledError:
                self.cancelled.set()
                raise
        data = b"[[[],[[1795343040000,%d]],1,0]]" % self.asked
        return Rows(msgspec.json.decode(data, type=list[row]), 10, 100)  # type: ignore[valid-type]


async def hang_up(ask: Asking, store: Scripted, path: str, question: dict[str, Any]) -> None:
    """Ask, and hang up while the store is at it. Raises TimeoutError unless its query ends, too."""
    store.hang = asyncio.Event()
    asked = asyncio.create_task(ask.post(path, question))
    async with asyncio.timeout(5):
        await store.started.wait()
        asked.cancel()
        await store.cancelled.wait()
    with contextlib.suppress(asyncio.CancelledError):
        await asked
