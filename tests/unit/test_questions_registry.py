"""Every question of the registry: its columns exist, its fields are described, its route is one."""

from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
from msgspec import inspect

from api.questions.__main__ import description
from api.questions.describe import QuestionsAnswer, described
from api.questions.fields import fields_of
from api.questions.funnel import FunnelRequest
from api.questions.question import Question
from api.questions.registry import QUESTIONS
from api.questions.retention import RetentionRequest
from api.routes import ROUTES

PLUGIN: Final = Path(__file__).parents[2] / "grafana" / "datasource"
ANSWERS_OF: Final = {
    "exemplars": "timeseries",
    "logvolume": "log_histogram",
    "context": "log_context",
}
"""File of an answer -> kind of its question, where they differ."""
UNKNOWN: Final = "pages"
"""A made-up question that the plugin does not know."""
COLUMNS_OF_THE_REQUEST: Final = frozenset({"retention", "top"})
"""Questions whose columns depend on the request."""


def one_of(kind: inspect.Type) -> inspect.Type:
    """The type of a value that is there: without None and without annotations."""
    while isinstance(kind, inspect.Metadata):
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        there = [k for k in kind.types if not isinstance(k, inspect.NoneType)]
        return one_of(there[0]) if len(there) == 1 else kind
    return kind


def at(kind: inspect.Type, path: str) -> inspect.Type:
    """The type at a path of an answer, taking the items of lists."""
    for name in path.split("."):
        kind = one_of(kind)
        if isinstance(kind, inspect.ListType):
            kind = one_of(kind.item_type)
            if name.isdigit():
                continue
        assert isinstance(kind, inspect.StructType), (path, kind)
        [kind] = [field.type for field in kind.fields if field.encode_name == name]
    return one_of(kind)


def has(kind: inspect.Type, path: str) -> bool:
    try:
        at(kind, path)
    except (AssertionError, ValueError):
        return False
    return True


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.kind)
def test_columns_are_fields_of_the_answer(question: Question[Any]) -> None:
    answer = inspect.type_info(question.answer)
    assert question.columns
    if question.shape == "series":  # `columns` of the answer are the keys of these
        assert {column.rows.split(".")[0] for column in question.columns} == {"series"}
        return
    for column in question.columns:
        rows = column.rows.split(".")
        assert has(at(answer, ".".join(rows)), column.key) or has(at(answer, rows[0]), column.key)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.kind)
def test_a_table_has_one_headline_at_most_and_labels_of_different_names(
    question: Question[Any],
) -> None:
    assert sum(column.headline for column in question.columns) <= 1
    labels = [(column.rows, column.label) for column in question.columns if column.label]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.kind)
def test_every_column_of_a_question_is_described_once(question: Question[Any]) -> None:
    keys = [(column.rows, column.key) for column in question.columns]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.kind)
def test_the_example_is_a_request(question: Question[Any]) -> None:
    request = msgspec.convert(question.example, question.request)
    required = {field.name for field in fields_of(question.request) if field.required}
    assert required <= set(question.example)
    assert request.cache


def test_kinds_and_routes_are_unique() -> None:
    routes = [(route.method, route.path) for route in ROUTES]
    assert len(set(routes)) == len(routes)
    assert len({question.kind for question in QUESTIONS}) == len(QUESTIONS)
    assert {(question.method, question.path) for question in QUESTIONS} <= set(routes)


def test_a_field_is_described_by_its_type_and_annotations() -> None:
    fields = {field.name: field for field in fields_of(FunnelRequest)}
    assert (fields["steps"].type, fields["steps"].many, fields["steps"].required) == (
        "event", True, True,
    )  # fmt: skip
    window = fields["windowSec"]
    assert (window.type, window.default, window.least, window.most) == (
        "integer", 3600, 1, 2_678_400,
    )  # fmt: skip
    assert fields["groupBy"].completes == "label"
    assert (fields["from"].type, fields["from"].default) == ("time", "now-24h")
    assert (fields["filters"].type, fields["filters"].many) == ("filter", True)
    retention = {field.name: field for field in fields_of(RetentionRequest)}
    assert retention["period"].choices == ("day", "week")
    assert (retention["return"].type, retention["return"].default) == ("event", None)


def test_the_description_is_json_of_its_own_type() -> None:
    encoded = msgspec.json.encode(described(QUESTIONS))
    again = msgspec.json.decode(encoded, type=QuestionsAnswer)
    assert [one.kind for one in again.questions] == [question.kind for question in QUESTIONS]
    for one in msgspec.json.decode(encoded)["questions"]:
        for column in one["columns"]:
            assert set(column) >= {"rows", "key", "title", "kind", "unit"}


def test_the_plugin_has_the_description() -> None:
    """`make docs` writes it."""
    held = (PLUGIN / "src" / "questions.json").read_text()
    assert held == description()
    assert msgspec.json.decode(held) == msgspec.json.decode(
        msgspec.json.encode(described(QUESTIONS))
    )


@pytest.mark.parametrize("path", sorted((PLUGIN / "pkg/plugin/testdata/answers").glob("*.json")))
def test_an_answer_of_the_plugins_tests_has_the_columns_of_the_api(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    kind = ANSWERS_OF.get(path.stem, path.stem)
    if kind == UNKNOWN:
        return
    [question] = [question for question in QUESTIONS if question.kind == kind]
    msgspec.json.decode(path.read_bytes(), type=question.answer)
    if question.shape != "series" and kind not in COLUMNS_OF_THE_REQUEST:
        assert answer["columns"] == msgspec.to_builtins(list(question.columns))
