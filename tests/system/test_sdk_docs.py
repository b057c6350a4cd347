"""Every example of docs/sdk/python.md runs against a whole stack; its events count once."""

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support.sdk_log import ROOT, sdk_environment
from tests.support.until import until
from tests.system.stack import Stack

PAGE = ROOT / "docs" / "sdk" / "python.md"
BLOCKS = dict(re.findall(r"^```python (\w+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S))
FOUND = {
    "first": {"purchase": 1},
    "calls": {"feature_click": 1, "report.rows": 1, "exception": 1},
    "privacy": {"purchase": 1},
    "otel": {"purchase": 1},
}
"""Events of each example, by name."""


def ask(stack: Stack, path: str, document: Mapping[str, object]) -> Any:
    request = urllib.request.Request(
        f"{stack.urls.api}{path}",
        json.dumps(document).encode(),
        {
            "Authorization": f"Bearer {stack.credentials['query_token']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)


def counted(stack: Stack, name: str, release: str) -> float:
    """How many events the API counts of a name and release."""
    answer = ask(
        stack,
        "/v1/query/timeseries",
        {
            "metric": name,
            "source": "events",
            "from": "now-1h",
            "granularity": "1h",
            "filters": [{"key": "release", "value": release}],
            "cache": False,
        },
    )
    return float(sum(row[1] for series in answer["series"] for row in series["rows"]))


def test_every_example_is_run() -> None:
    recipes = {"fastapi", "flask", "django", "celery"}  # tests/recipes/test_sdk_recipes.py
    assert BLOCKS.keys() == FOUND.keys() | recipes | {"testing"}  # …/test_sdk_testing.py
    assert len(re.findall(r"^```python", PAGE.read_text(), re.M)) == len(BLOCKS)


@pytest.mark.parametrize("name", FOUND)
def test_an_example_delivers_its_events_once(name: str, stack: Stack, tmp_path: Path) -> None:
    release = f"docs-{name}"
    script = tmp_path / "example.py"
    code = BLOCKS[name].replace('release="2.5.0"', f'release="{release}"')
    if "release=" not in code:
        code = code.replace('service="shop"', f'service="shop", release="{release}"')
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, str(script)],
        env=sdk_environment(
            SEAMARK_KEY=stack.credentials["ingest_key"],
            SEAMARK_ENDPOINT=stack.urls.ingest,
            SEAMARK_SPOOL_DIR=str(tmp_path / "spool"),
        ),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""

    wanted = FOUND[name]
    until(
        lambda: {name: counted(stack, name, release) for name in wanted},
        lambda found: found == wanted,
        seconds=20,
    )


def test_the_span_and_the_counter_of_the_example_are_stored(stack: Stack) -> None:
    """Sent by the example of OpenTelemetry above."""
    named = {"from": "now-1h", "operation": "checkout"}
    traces = until(lambda: ask(stack, "/v1/query/traces", named)["traces"], seconds=20)
    assert [trace["rootService"] for trace in traces] == ["shop"]
    summed = {"metric": "orders", "from": "now-1h", "agg": ["sum"], "cache": False}
    orders = until(lambda: ask(stack, "/v1/query/timeseries", summed)["series"], seconds=20)
    assert sum(row[1] for one in orders for row in one["rows"]) == 1
