"""The questions of the registry: requests, plans and answers, by their name in documents."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from api.query.decode import from_json
from api.query.request import QueryScope
from api.query.sources import SourceName
from api.query.statement import Statement
from api.questions.question import Question
from api.questions.registry import QUESTIONS as REGISTERED

NOW = 1_795_343_040_123


@dataclass(frozen=True)
class Planned:
    """A kind of question: `plans` give its statements."""

    request: type[Any]
    plans: tuple[Callable[[Any, QueryScope], Statement], ...]
    answer: type[Any]


def _of(question: Question[Any]) -> Planned:
    """A question of the registry."""

    def statement(place: int) -> Callable[[Any, QueryScope], Statement]:
        def made(asked: Any, scope: QueryScope) -> Statement:
            named = question.metric(asked).source if question.metric else None
            found = replace(scope, source=named) if named else scope
            return question.plan(asked, found)[place].plan.statement

        return made

    made = question.plan(
        from_json(msgspec.json.encode(question.example), question.request), within()
    )
    return Planned(question.request, tuple(statement(i) for i in range(len(made))), question.answer)


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
