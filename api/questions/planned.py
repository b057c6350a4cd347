"""Runs questions that are not in `registry.py` yet. New questions go there: see README.md."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from api.answers import Meta, encode
from api.cache import Keep, cache_key
from api.context import Context
from api.kept import Stored, is_live, keep_for, meta_of, through_cache
from api.query.decode import from_json
from api.query.request import Plan, QueryScope, QuestionRequest
from api.scope import Scope, narrow
from api.settings import ApiSettings

Q = TypeVar("Q", bound=QuestionRequest)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Shown:
    """The fields of an answer beside its `meta`, and what `meta` has to say about them."""

    fields: dict[str, object]
    truncated: bool = False
    sampled: bool = False


@dataclass(frozen=True, slots=True)
class Question(Generic[Q, R]):
    """One kind of question. `name` tells its kept answers from those of other kinds."""

    name: str
    request: type[Q]
    plan: Callable[[Q, QueryScope], Plan]
    row: type[R]
    show: Callable[[Q, Plan, Sequence[R]], Shown]

    async def ask(self, context: Context, scope: Scope, body: bytes) -> bytes:
        """The answer (JSON) to a request (JSON). Raises Rejected, Unavailable, StoreFault."""
        return await self.answer(context, scope, from_json(body, self.request))

    async def answer(self, context: Context, scope: Scope, request: Q) -> bytes:
        """The answer (JSON). Raises Rejected, Unavailable, StoreFault."""
        fields, meta = await self.find(context, scope, request)
        return encode({**fields, "meta": meta})

    async def find(
        self, context: Context, scope: Scope, request: Q
    ) -> tuple[dict[str, msgspec.Raw], Meta]:
        """The fields of an answer, and its `meta`. Raises Rejected, Unavailable, StoreFault."""
        scope = narrow(scope, context.registry, org_id=request.org_id, app_id=request.app_id)
        query_scope = QueryScope(
            org=scope.org,
            app=scope.app,
            now_ms=context.clock_ms(),
            search_days=context.settings.search_days,
            minute_days=context.settings.minute_days,
        )
        plan = self.plan(request, query_scope)

        async def produce() -> Stored:
            answered = await context.store.ask(plan.statement, self.row)
            shown = self.show(request, plan, answered.rows)
            return Stored(
                msgspec.Raw(msgspec.json.encode(shown.fields)),
                rows_read=answered.rows_read,
                bytes_read=answered.bytes_read,
                truncated=shown.truncated,
                sampled=shown.sampled,
                from_ms=plan.range.from_ms,
                to_ms=plan.range.to_ms,
            )

        keep = self._keep(request, plan, query_scope, context.settings) if request.cache else None
        stored, kept = await through_cache(context.cache, keep, produce)
        meta = meta_of(
            stored,
            kept,
            granularity=plan.granularity or msgspec.UNSET,
            sql=plan.statement.sql if request.sql else msgspec.UNSET,
        )
        return msgspec.json.decode(stored.content, type=dict[str, msgspec.Raw]), meta

    def _keep(self, request: Q, plan: Plan, query_scope: QueryScope, settings: ApiSettings) -> Keep:
        """Equal statements have equal keys. The stale key of a live range leaves out where it
        lies, so that a dashboard's moving window still finds its last answer."""
        live = is_live(plan.range.to_ms, query_scope.now_ms)
        shape = ("live", plan.range.length_ms) if live else plan.range
        bare = msgspec.structs.replace(request, from_=0, to=0, sql=False, cache=True)
        values = sorted(plan.statement.values.items())
        return keep_for(
            settings,
            live=live,
            key=cache_key(self.name, plan.statement.sql, values),
            stale_key=cache_key(
                self.name, query_scope.org, query_scope.app, repr(bare), shape, "latest"
            ),
        )


def both(one: Meta, other: Meta) -> Meta:
    """The `meta` of an answer made of two: what was read adds up, and doubts of either remain."""
    return msgspec.structs.replace(
        one,
        rows_read=one.rows_read + other.rows_read,
        bytes_read=one.bytes_read + other.bytes_read,
        cache=one.cache if one.cache == other.cache else "miss",
        stale=one.stale or other.stale,
        truncated=one.truncated or other.truncated,
        sampled=one.sampled or other.sampled,
        sql=f"{one.sql};\n{other.sql}" if one.sql and other.sql else one.sql,
    )
