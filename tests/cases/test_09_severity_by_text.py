"""Log records with a severity text and no number: searches find them, levels count them."""

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from seamark.wire.signals import Signal
from tests.support.questions_stack import RunningStore, asking, envelope

pytestmark = pytest.mark.integration
NOW_MS = 1_795_343_040_123
TEXTS = ("ERROR", "warn", "Information")


async def fill(store: RunningStore) -> None:
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for text in TEXTS:
        record = records.add(time_unix_nano=(NOW_MS - 1000) * 10**6, severity_text=text)
        record.body.string_value = text
    body = request.SerializeToString()
    made = envelope(Signal.LOGS, body, org="acme", app="shop", received_ms=NOW_MS)
    await store.insert(Signal.LOGS, [made])


async def test_a_search_finds_them(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW_MS) as api:
        found = {}
        for severity in ("error", "warn", "info"):
            answer = await api.post("/v1/query/logs", {"from": "now-5m", "severity": severity})
            found[severity] = sorted(log["body"] for log in answer["logs"])
    assert found == {
        "error": ["ERROR"],
        "warn": ["ERROR", "warn"],
        "info": ["ERROR", "Information", "warn"],
    }


async def test_levels_count_them(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW_MS) as api:
        answer = await api.post("/v1/query/logs/histogram", {"from": "now-5m"})
    labels = [label for series in answer["series"] for label in series["labels"].values()]
    assert sorted(labels) == ["error", "info", "warn"]
