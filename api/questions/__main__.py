"""`python -m api.questions`: the description of every question, as the Grafana plugin has it."""

import json
import sys

import msgspec

from api.questions.describe import described
from api.questions.registry import QUESTIONS


def description() -> str:
    """The body of `GET /v1/questions`, one line for each field and column."""
    made = msgspec.to_builtins(described(QUESTIONS))
    questions = []
    for question in made["questions"]:
        lists = {
            name: ",\n".join(f"      {json.dumps(one)}" for one in question.pop(name))
            for name in ("fields", "columns")
        }
        head = json.dumps(question)[1:-1]
        parts = [f'    "{name}": [\n{lines}\n    ]' for name, lines in lists.items()]
        questions.append("   {" + head + ",\n" + ",\n".join(parts) + "}")
    return '{"questions": [\n' + ",\n".join(questions) + "\n]}\n"


if __name__ == "__main__":
    sys.stdout.write(description())
