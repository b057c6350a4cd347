"""`Upstreams` of one request: over the store, the log and the collector of the process."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from api.answers import Meta
from api.context import Context
from api.log_tail import LogAway
from api.query.request import Plan
from api.questions.question import AnswerPart
from api.questions.upstreams import LookedThrough, Taken, Turned
from api.reasons import QuestionReason
from api.scope import Scope
from seamark.wire.failures import Unavailable

R = TypeVar("R")


class RequestUpstreams:
    """Adds up what the statements read. `token` is the asker's."""

    def __init__(self, context: Context, scope: Scope, *, now_ms: int, token: str) -> None:
        self._context = context
        self._scope = scope
        self._now_ms = now_ms
        self._token = token
        self._plans: list[Plan] = []
        self._rows_read = 0
        self._bytes_read = 0

    async def rows(self, plan: Plan, row: type[R]) -> Sequence[R]:
        """See `Upstreams.rows`."""
        self._plans.append(plan)
        answered = await self._context.store.ask(plan.statement, row)
        self._rows_read += answered.rows_read
        self._bytes_read += answered.bytes_read
        return answered.rows

    async def settled_ms(self, sink: str) -> int | None:
        """See `Upstreams.settled_ms`."""
        try:
            return await self._context.log.settled_ms(sink, now_ms=self._now_ms)
        except LogAway:
            return None

    async def find_in_log(self, receipt: str) -> LookedThrough | None:
        """See `Upstreams.find_in_log`."""
        scope = self._scope
        try:
            return await self._context.log.find(org=scope.org, app=scope.app, receipt=receipt)
        except LogAway:
            return None

    async def replay(self, body: bytes, *, dry_run: bool) -> Taken | Turned:
        """See `Upstreams.replay`."""
        if self._context.ingest is None:
            raise Unavailable(
                "This API was not told where the collector is (SEAMARK_API_INGEST_URL).",
                reason=QuestionReason.UNAVAILABLE,
            )
        return await self._context.ingest.replay(body, token=self._token, dry_run=dry_run)

    def _damaged(self) -> bool:
        about = self._context.damage.about
        return any(about(plan.statement.sql, plan.range).missing for plan in self._plans)

    def meta(self, part: AnswerPart, *, sql: bool) -> Meta:
        """The `meta` of the answer: the range is that of the first statement that has one."""
        ranged = next((plan for plan in self._plans if plan.range.to_ms), None)
        texts = dict.fromkeys(plan.statement.sql for plan in self._plans)
        return Meta(
            rows_read=self._rows_read,
            bytes_read=self._bytes_read,
            truncated="damaged" if self._damaged() else part.truncated,
            sampled=part.sampled,
            granularity=(ranged.granularity if ranged else "") or msgspec.UNSET,
            from_=ranged.range.from_ms if ranged else msgspec.UNSET,
            to=ranged.range.to_ms if ranged else msgspec.UNSET,
            sql=";\n".join(texts) if sql else msgspec.UNSET,
        )
