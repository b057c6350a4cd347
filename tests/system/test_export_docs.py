"""docs/export.md, its own commands run as they stand there, against a stack."""

import csv
import json
import re
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.until import until
from tests.system.documented import commands, shell
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
PAGE = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.fixture
def run(stack: Stack, tmp_path: Path) -> Callable[[str], str]:
    """Runs one of the page's commands, by its name, in one folder; gives what it prints."""
    found = commands(PAGE, stack)
    return lambda name: shell(found[name], folder=tmp_path)


def send(stack: Stack, names: list[str]) -> None:
    """Events of these names, now."""
    now = time.time_ns() // 1_000_000
    events = [
        {"name": name, "ts": now, "value": place, "attrs": {"note": 'a, "b"\nc'}}
        for place, name in enumerate(names)
    ]
    request = urllib.request.Request(
        f"{stack.urls.ingest}/v1/ingest/batch",
        json.dumps({"events": events, "sentAt": now}).encode(),
        {"X-API-Key": stack.credentials["ingest_key"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert json.load(answer)["accepted"] == len(names)


def stored(stack: Stack, names: list[str]) -> int:
    """How many events of these names a question counts."""
    headers = {"Authorization": f"Bearer {stack.credentials['query_token']}"}
    total = 0
    for name in names:
        body = {"metric": name, "source": "events", "granularity": "1d", "cache": False}
        request = urllib.request.Request(
            f"{stack.urls.api}/v1/query/timeseries", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            found = json.load(answer)
        total += sum(row[1] for series in found["series"] for row in series["rows"])
    return total


def test_the_commands_of_the_document(
    stack: Stack, run: Callable[[str], str], tmp_path: Path
) -> None:
    names = ["order_paid", "order_refunded"]
    before = stored(stack, names)
    send(stack, [*names, "order_seen", *names])
    until(lambda: stored(stack, names), lambda count: count == before + 4)

    begun = json.loads(run("ask"))
    shown = json.loads(re.findall(r"^```json\n(.*?)^```$", PAGE.read_text(), re.S | re.M)[0])
    assert set(begun) == set(shown)
    assert begun["status"] == "queued"
    done = until(
        lambda: json.loads(run("look")), lambda found: found["status"] not in ("queued", "running")
    )
    assert (done["status"], done["rows"]) == ("done", before + 4), done

    run("fetch")
    with (tmp_path / done["fileName"]).open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    assert list(rows[0]) == ["time", "name", "value", "attrs"]
    mine = [row for row in rows if json.loads(row["attrs"]).get("note") == 'a, "b"\nc']
    assert sorted((row["name"], float(row["value"])) for row in mine) == [
        ("order_paid", 0.0), ("order_paid", 3.0), ("order_refunded", 1.0), ("order_refunded", 4.0),
    ]  # fmt: skip

    assert json.loads(run("remove"))["status"] == "removed"
    assert not list((stack.data / "exports").glob("*/export.json"))
