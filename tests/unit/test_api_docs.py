"""The examples in docs/questions.md can be asked, and answers look as they do there."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.admin.route import AdminRoute
from api.answers import ErrorAnswer
from api.openapi import document
from api.query.decode import from_json
from api.query.log_following import LogTailRequest, plan_arrivals
from api.query.sources import EVENTS, METRICS, SPANS
from api.reasons import STATUS, QuestionReason
from api.routes import ROUTES
from tests.support.planned_questions import PLANNED

_DOCS = Path(__file__).parents[2] / "docs"
TEXT = (_DOCS / "questions.md").read_text()
ADMINISTRATION = (_DOCS / "administration.md").read_text()
EXAMPLES = [
    example
    for example in re.findall(r"```json ?(\w*)\n(.*?)```", TEXT, re.DOTALL)
    if example[0] not in PLANNED
]
NOW = 1_795_343_040_123
SCOPE: dict[str, Any] = {"org": "acme", "app": "", "now_ms": NOW}


@pytest.mark.parametrize(("kind", "example"), EXAMPLES)
def test_an_example_is_understood(kind: str, example: str) -> None:
    body = example.encode()
    match kind:
        case "error":
            answer = msgspec.json.decode(body, type=ErrorAnswer)
            assert answer.error.reason in set(QuestionReason)
        case "tail":
            plan_arrivals(from_json(body, LogTailRequest), org="acme", app="", since_ms=NOW)
        case _:
            raise AssertionError(f"what is an example of {kind!r}?")


def test_there_are_examples_of_each_kind() -> None:
    assert {"error"} <= {kind for kind, _ in EXAMPLES}


def test_dimensions_and_routes_are_all_named() -> None:
    for source in (EVENTS, METRICS, SPANS):
        for name in (*source.plain_dimensions, *(source.mapped_dimensions or ())):
            assert name in TEXT
    for route in ROUTES:
        if isinstance(route, AdminRoute):
            assert route.path in ADMINISTRATION, route.path
        elif not route.public:
            shown = route.path.replace("{name}", "country")
            assert shown in TEXT or route.path in TEXT, route.path


def test_every_reason_has_a_status() -> None:
    assert set(STATUS) == set(QuestionReason)


def test_the_document_has_no_loose_ends() -> None:
    made = document()
    names = set(made["components"]["schemas"])
    used = set(re.findall(r"#/components/schemas/(\w+)", str(made)))
    assert names == used


def test_examples_of_administration_are_of_the_form_they_are_examples_of() -> None:
    for route in ROUTES:
        if isinstance(route, AdminRoute):
            assert (route.body_example is None) == (route.body is None), route.path
            assert route.answer is not None
            for example, kind in (
                (route.body_example, route.body),
                (route.answer_example, route.answer),
            ):
                if kind is not None:
                    msgspec.convert(example, kind)


def test_reasons_of_administration_are_all_told() -> None:
    for reason in ("token_expired", "already_exists", "conflict", "revision_changed"):
        assert reason in set(QuestionReason)
        assert f"`{reason}`" in ADMINISTRATION


def test_a_parameter_is_described_once() -> None:
    for path, operations in document()["paths"].items():
        for method, operation in operations.items():
            names = [parameter["name"] for parameter in operation["parameters"]]
            assert len(set(names)) == len(names), (method, path, names)
