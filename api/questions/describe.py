"""`GET /v1/questions`: every question, its fields and its columns, for editors and plugins."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from api.questions.columns import Column
from api.questions.fields import Field, fields_of
from api.questions.question import Question, Shape


class QuestionDescription(msgspec.Struct, frozen=True):
    """One question. `shape` says what its answer is; columns of a `series` are those of its rows.

    `example` is a request without a range. An answer may have other columns than these: a question
    that makes one for each period, say.
    """

    kind: str
    method: Literal["GET", "POST"]
    path: str
    title: str
    summary: str
    shape: Shape
    example: Mapping[str, Any]
    fields: list[Field]
    columns: Sequence[Column]


class QuestionsAnswer(msgspec.Struct, frozen=True):
    """Every question there is."""

    questions: list[QuestionDescription]


def described(questions: Iterable[Question[Any]]) -> QuestionsAnswer:
    """The description of these questions."""
    return QuestionsAnswer(
        [
            QuestionDescription(
                question.kind,
                question.method,
                question.path,
                question.title,
                question.summary,
                question.shape,
                question.example,
                fields_of(question.request),
                question.columns,
            )
            for question in questions
        ]
    )
