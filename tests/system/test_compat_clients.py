"""docs/compat-clients.md, its own commands run as they stand there, and counted in the store."""

import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from collector.admission.user_ids import USER_HASH_CHARS
from tests.support.until import until
from tests.system.documented import commands, shell
from tests.system.stack import Stack

pytestmark = [pytest.mark.system]
PAGE = Path(__file__).parents[2] / "docs" / "compat-clients.md"
DUPLICATES = "SELECT sum(duplicate) FROM seamark.ledger WHERE signal = 'events'"
USERS = "SELECT DISTINCT user_id FROM seamark.events WHERE name IN ('search', 'order_paid')"
SHOWN = re.findall(
    r"^```bash (\S+)\n(.*?)^```\n(?:```json\n(.*?)^```)?", PAGE.read_text(), re.S | re.M
)


@pytest.fixture
def send(stack_of_its_own: Stack) -> Callable[[str], Any]:
    """Runs one of the page's commands, by its name, and reads its answer."""
    found = commands(PAGE, stack_of_its_own)
    return lambda name: json.loads(shell(found[name]))


def totals(stack: Stack, metric: str, *aggregates: str, **question: object) -> list[float]:
    """The aggregates of a metric over the last half hour; nothing while there is nothing."""
    body = {"metric": metric, "from": "now-30m", "to": "now", "granularity": "1d", "cache": False}
    request = urllib.request.Request(
        f"{stack.urls.api}/v1/query/timeseries",
        data=json.dumps({**body, "agg": aggregates, **question}).encode(),
        headers={"Authorization": f"Bearer {stack.credentials['query_token']}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        rows = [row for series in json.load(answer)["series"] for row in series["rows"]]
    return [sum(row[place + 1] for row in rows) for place in range(len(aggregates)) if rows]


def stored(stack: Stack, query: str) -> str:
    """What the store itself answers."""
    request = urllib.request.Request(
        stack.urls.store,
        data=query.encode(),
        headers={"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": stack.secrets["store"]},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(answer.read().decode().strip())


def test_what_is_accepted_counts_once(stack_of_its_own: Stack, send: Callable[[str], Any]) -> None:
    stack = stack_of_its_own
    for name, _, answer in SHOWN:
        if name != "setup":
            assert send(name) == json.loads(answer)
    assert send("one")["status"] == "accepted"
    assert send("many")["accepted"] == 1
    # the id stood four times: once as itself, and three times as what only counts
    until(lambda: int(stored(stack, DUPLICATES)), lambda found: found >= 3)
    assert until(lambda: totals(stack, "queue.length", "count", "sum")) == [1, 7]
    assert until(lambda: totals(stack, "search", "count", "uniq_users")) == [1, 1]
    assert until(lambda: totals(stack, "order_paid", "count", "uniq_users")) == [1, 1]
    user = stored(stack, USERS)
    assert len(user) == USER_HASH_CHARS
