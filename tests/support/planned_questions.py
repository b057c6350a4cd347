"""The questions of the registry: requests, plans and answers, by their name in documents."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec

from api.query.decode import from_json
from api.query.request import Plan, QueryScope
from api.query.sources import SourceName
from api.query.statement import Statement
from api.questions.question import Question
from api.questions.registry import QUESTIONS as REGISTERED
from api.questions.upstreams import LookedThrough, Taken, Turned
from seamark.wire.failures import Rejected

NOW = 1_795_343_040_123
R = TypeVar("R")


@dataclass(frozen=True)
class Planned:
    """A kind of question: `plans` give its statements."""

    request: type[Any]
    plans: tuple[Callable[[Any, QueryScope], Statement], ...]
    answer: type[Any]


@dataclass
class EmptyUpstreams:
    """A store and a log with nothing in them; `statements` are what was asked of the store."""

    statements: list[Statement] = field(default_factory=list)

    async def rows(self, plan: Plan, row: type[R]) -> Sequence[R]:
        """See `Upstreams.rows`."""
        self.statements.append(plan.statement)
        return []

    async def settled_ms(self, sink: str) -> int | None:
        """See `Upstreams.settled_ms`."""
        return NOW

    async def find_in_log(self, receipt: str) -> LookedThrough | None:
        """See `Upstreams.find_in_log`."""
        return LookedThrough([], whole=True)

    async def replay(self, body: bytes, *, dry_run: bool) -> Taken | Turned:
        """See `Upstreams.replay`."""
        raise AssertionError("there is nothing to replay")


def _statements(question: Question[Any], asked: Any, scope: QueryScope) -> list[Statement]:
    """What a question asks of the store; of one with steps, of an empty one. Raises Rejected."""
    if question.steps is None:
        return [query.plan.statement for query in question.plan(asked, scope)]
    upstreams = EmptyUpstreams()
    try:
        asyncio.run(question.steps(asked, scope, upstreams))
    except Rejected:
        if not upstreams.statements:
            raise
    return upstreams.statements


def _of(question: Question[Any]) -> Planned:
    """A question of the registry."""

    def statement(place: int) -> Callable[[Any, QueryScope], Statement]:
        def made(asked: Any, scope: QueryScope) -> Statement:
            named = question.metric(asked).source if question.metric else None
            found = replace(scope, source=named) if named else scope
            return _statements(question, asked, found)[place]

        return made

    example = from_json(msgspec.json.encode(question.example), question.request)
    count = len(_statements(question, example, within()))
    return Planned(question.request, tuple(map(statement, range(count))), question.answer)


def within(org: str = "acme", app: str = "", *, source: SourceName | None = "events") -> QueryScope:
    """A moment, and limits as of the settings."""
    return QueryScope(org=org, app=app, now_ms=NOW, search_days=31, minute_days=396, source=source)


QUESTIONS = {question.kind: _of(question) for question in REGISTERED}
PLANNED = {*QUESTIONS, *(f"{name}_answer" for name in QUESTIONS)}
"""Kinds of examples in docs/questions.md that belong to them."""


def statements(name: str, body: Any, *, org: str = "acme", app: str = "") -> list[Statement]:
    """The statements of a question. Raises Rejected."""
    question = QUESTIONS[name]
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    asked = from_json(data, question.request)
    return [plan(asked, within(org, app)) for plan in question.plans]
