"""The README's own commands, run as they stand there, against a stack."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.until import until
from tests.system.documented import for_stack, shell
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(stack: Stack) -> list[tuple[str, str]]:
    """Language and text of every code block, speaking of this stack instead of the default one."""
    text = (ROOT / "README.md").read_text()
    text = for_stack(text, stack)
    text = text.replace(".venv/bin/python", sys.executable)
    return BLOCK.findall(text)


def answer_of(script: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(shell(script))
    return answer


def test_the_commands_of_the_readme_answer_as_it_says(stack: Stack, tmp_path: Path) -> None:
    found = blocks(stack)
    send, ask, account = [text for language, text in found if language == "bash"]
    answers = [json.loads(text) for language, text in found if language == "json"]
    program = next(text for language, text in found if language == "python")

    for _ in range(2):  # the second is a retry, and changes nothing
        reply = answer_of(send)
        assert reply["accepted"] == answers[0]["accepted"]
        assert reply["rejected"] == answers[0]["rejected"]
        assert [e["reason"] for e in reply["errors"]] == ["invalid_name"]

    script = tmp_path / "first_span.py"
    script.write_text(program)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OTEL_")}
    trace_id = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        check=True,
        text=True,
        timeout=30,
        env=environment,
    ).stdout.strip()

    answer = until(lambda: answer_of(ask), lambda answer: answer.get("series"))
    assert answer["columns"] == answers[1]["columns"]
    [row] = answer["series"][0]["rows"]
    assert row[1:] == answers[1]["series"][0]["rows"][0][1:]
    assert answer["meta"].keys() == answers[1]["meta"].keys()

    totals = answer_of(account)
    assert totals.keys() == answers[2].keys()
    assert totals["rejected"]["invalid_name"] >= 2
    assert totals["duplicate"] >= 2
    assert totals["deadLetters"] >= 1
    assert totals["balance"]["offered"] == totals["balance"]["stored"] == 0

    token = stack.credentials["query_token"]
    url = f"{stack.urls.api}/v1/traces/{trace_id}"
    ask = f"curl -s {url} -H 'Authorization: Bearer {token}'"
    trace = until(lambda: answer_of(ask), lambda answer: answer.get("spans"))
    [span] = trace["spans"]
    assert span["name"] == "GET /"
    assert span["service"] == "shop"
