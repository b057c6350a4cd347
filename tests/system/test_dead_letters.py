"""docs/dead-letters.md, its own commands run as they stand there, against a stack."""

import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.until import until
from tests.system.documented import commands, shell
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
PAGE = Path(__file__).parents[2] / "docs" / "dead-letters.md"


@pytest.fixture
def ask(stack: Stack) -> Callable[[str], Any]:
    """Runs one of the page's commands, by its name, and reads its answer."""
    found = commands(PAGE, stack)
    return lambda name: json.loads(shell(found[name]))


def get(stack: Stack, path: str) -> Any:
    """Ask the API, as an administrator."""
    headers = {"Authorization": f"Bearer {stack.credentials['admin_token']}"}
    request = urllib.request.Request(stack.urls.api + path, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_an_event_is_mended_and_counted_once(stack: Stack, ask: Callable[[str], Any]) -> None:
    reply = ask("send")
    assert (reply["accepted"], reply["rejected"]) == (0, 1)

    seen = until(lambda: ask("see"), lambda answer: answer["deadLetters"])
    [dead_letter] = [found for found in seen["deadLetters"] if found["name"] == "order_paid"]
    assert (dead_letter["reason"], dead_letter["field"]) == ("invalid_value", "value")
    assert json.loads(dead_letter["original"])["value"] == "3.50"
    assert dead_letter["receiptId"] == reply["receiptId"]

    tried = ask("dry-run")
    assert (tried["dryRun"], tried["accepted"], tried["receipts"]) == (True, 1, [])
    assert tried["deadLetters"][0]["after"]["value"] == 3.5
    assert ask("see")["deadLetters"][0]["replayed"] is None

    first = ask("replay")
    assert first["accepted"] == 1
    second = ask("replay")  # before or after it is stored: either way it counts once
    assert second["accepted"] in (0, 1)

    def rows(answer: Any) -> list[list[float]]:
        return [row for series in answer["series"] for row in series["rows"]]

    counted = until(lambda: ask("visible"), rows)
    shown = until(
        lambda: ask("see"), lambda answer: answer["deadLetters"][0]["replayed"] is not None
    )
    assert shown["deadLetters"][0]["replayed"]["receiptId"] in first["receipts"]
    assert ask("replay")["deadLetters"] == []
    for answer in (counted, ask("visible")):
        [row] = rows(answer)
        assert row[1:] == [1, 3.5]

    receipt = get(stack, f"/v1/receipts/{first['receipts'][0]}")
    assert receipt["state"] == "stored"
    assert receipt["stored"] == {"rows": 1, "expected": 1}
    ledger = get(stack, "/v1/ledger?key=replay")
    assert ledger["totals"]["balance"]["stored"] == 0
    assert ledger["totals"]["stored"] == 1
    assert time.time() * 1000 - ledger["settledUntil"] < 120_000
