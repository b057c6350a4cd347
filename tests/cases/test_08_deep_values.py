"""A JSON log line of four levels, parsed by its sender: JSON all the way, and found by its text."""

import json

import pytest

from collector.receivers.otlp_check import examine_json
from collector.receivers.otlp_kinds import LOGS
from seamark.wire.signals import Signal
from tests.support.questions_stack import RunningStore, asking, envelope

pytestmark = pytest.mark.integration
NOW_MS = 1_795_343_040_123


def value(found: object) -> dict[str, object]:
    """OTLP/JSON of strings, arrays and lists."""
    if isinstance(found, dict):
        members = [{"key": key, "value": value(each)} for key, each in found.items()]
        return {"kvlistValue": {"values": members}}
    if isinstance(found, list):
        return {"arrayValue": {"values": [value(each) for each in found]}}
    return {"stringValue": found}


LINE = {
    "log": "connection refused",
    "kubernetes": {"pod": {"name": "api-1", "labels": {"app": "checkout"}}},
}
HEADERS = {"headers": {"accept": ["a", "b"]}}


async def fill(store: RunningStore) -> None:
    record = {
        "timeUnixNano": str((NOW_MS - 1000) * 10**6),
        "severityNumber": 17,
        "body": value(LINE),
        "attributes": [{"key": "req", "value": value(HEADERS)}],
    }
    request = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    body = examine_json(LOGS, json.dumps(request).encode()).body
    made = envelope(Signal.LOGS, body, org="acme", app="shop", received_ms=NOW_MS)
    await store.insert(Signal.LOGS, [made])


@pytest.mark.parametrize("text", ["", "checkout", "API-1"])
async def test_it_is_json_and_is_found(store: RunningStore, text: str) -> None:
    async with asking(store, clock_ms=lambda: NOW_MS) as api:
        answer = await api.post("/v1/query/logs", {"from": "now-5m", "contains": text})
    [log] = answer["logs"]
    assert json.loads(log["body"]) == LINE
    assert log["attributes"]["req"] == HEADERS
