"""What the stack holds of a run, to be compared with what was accepted.

Events and spans are asked of the API, as a dashboard would; the API has no count of log records
and points (their questions are pages and values), so those are counted in the store.
"""

import json
from base64 import b64encode
from typing import Any, Final
from urllib.parse import urlencode

from load.bodies import event_names
from load.otlp_bodies import metric_name, service_names
from load.plain_http import request
from load.stack import LoadStack
from seamark.demo.questions import SPAN_METRIC, DemoQuestion, DemoWindow, totals

_ROWS: Final = {
    "logs": "SELECT count() FROM seamark.logs WHERE startsWith(service, {prefix:String})",
    "metrics": "SELECT count() FROM seamark.metric_points WHERE name = {name:String}",
}


def stored(stack: LoadStack, kind: str, run: str, window: DemoWindow) -> int:
    """Items of one kind of one run. Blocks. Raises BadAnswer."""
    if kind == "events":
        return sum(_asked(stack, DemoQuestion(name), window, {})[""] for name in event_names(run))
    if kind == "traces":
        by_service = DemoQuestion(SPAN_METRIC, group_by="service", source="spans")
        names = service_names(run)
        only = {"filters": [{"key": "service", "op": "in", "value": list(names)}]}
        found = _asked(stack, by_service, window, only)
        return sum(found.get(name, 0) for name in names)
    prefix = service_names(run)[0].removesuffix("gateway")
    parameters = urlencode(
        {"query": _ROWS[kind], "param_prefix": prefix, "param_name": metric_name(run)}
    )
    login = b64encode(f"seamark:{stack.folder.secrets().store}".encode()).decode()
    url = f"{stack.store_url}/?{parameters}"
    return int(request("POST", url, body=b"", headers={"Authorization": f"Basic {login}"}))


def _asked(
    stack: LoadStack, question: DemoQuestion, window: DemoWindow, more: dict[str, Any]
) -> dict[str, int]:
    token = stack.folder.read_credentials()["query_token"]
    answer = request(
        "POST",
        f"{stack.api_url}/v1/query/timeseries",
        body=json.dumps(question.body(window) | more).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    found = {
        label: int(total) for (_, label), total in totals(question, json.loads(answer)).items()
    }
    return found if question.group_by else {"": found.get("", 0)}
