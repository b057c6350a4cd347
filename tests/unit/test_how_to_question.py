"""The question of docs/how-to/add-a-question.md works as it is written."""

import re
from pathlib import Path
from typing import Any

import msgspec

from api.query.statement import filled
from api.questions.describe import described
from tests.support.planned_questions import within

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "add-a-question.md").read_text()


def test_the_question_plans_and_answers() -> None:
    code = "\n\n\n".join(re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL))
    [sql] = re.findall(r"```sql\n(.*?)```", TEXT, re.DOTALL)
    made: dict[str, Any] = {"__name__": "pages"}
    exec(compile(code, "pages.py", "exec"), made)  # noqa: S102  # our own page
    made["fill"] = lambda name, **slots: filled(sql, name, slots)
    question = made["QUESTION"]
    request = msgspec.convert(question.example, question.request)
    [query] = question.plan(request, within(app="shop"))
    assert {"acme", "shop", "page_view"} <= set(query.plan.statement.values.values())
    assert max(map(len, sql.splitlines())) <= 120
    row = msgspec.json.decode(b'["/cart", 3.0, 2, 0]', type=query.row)
    part = query.answer_part([row])
    shown = msgspec.json.decode(msgspec.json.encode(part.fields))
    assert shown == {"pages": [{"page": "/cart", "views": 3.0, "people": 2}]}
    assert {column.key for column in question.columns} == set(shown["pages"][0])
    assert described([question]).questions[0].path == "/v1/query/pages"
