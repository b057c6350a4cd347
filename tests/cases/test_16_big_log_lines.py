"""Log lines of almost a megabyte: a page, a context and a trace that would be too large for one
result come shorter, and cursors lead through all of it.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from seamark.wire.signals import Signal
from tests.support.questions_stack import Asking, RunningStore, asking, envelope, running_store

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123
LINES = 36
LINE_BYTES = 990_000


def _lines(first: int, count: int) -> bytes:
    request = ExportLogsServiceRequest()
    resource = request.resource_logs.add()
    name = KeyValue(key="service.name", value=AnyValue(string_value="fat"))
    resource.resource.attributes.append(name)
    scope = resource.scope_logs.add()
    for place in range(first, first + count):
        scope.log_records.add(
            time_unix_nano=(NOW - 1000 + place) * 1_000_000,
            body=AnyValue(string_value=f"start {place} " + "z" * LINE_BYTES),
        )
    return request.SerializeToString()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    async def fill(running: RunningStore) -> None:
        await running.provision()
        for first in range(0, LINES, 4):
            body = _lines(first, 4)
            sent = envelope(Signal.LOGS, body, org="acme", app="shop", received_ms=NOW)
            await running.insert(Signal.LOGS, [sent])

    with running_store(Path(tmp_path_factory.mktemp("store"))) as running:
        asyncio.run(fill(running))
        yield running


async def _all(ask: Asking, limit: int) -> tuple[list[str], list[int]]:
    question: dict[str, Any] = {"from": NOW - 600_000, "to": NOW, "service": "fat", "limit": limit}
    bodies: list[str] = []
    sizes: list[int] = []
    while True:
        answer = await ask.post("/v1/query/logs", question)
        sizes.append(len(answer["logs"]))
        bodies += [record["body"] for record in answer["logs"]]
        if not answer["cursor"]:
            return bodies, sizes
        question["cursor"] = answer["cursor"]


@pytest.mark.parametrize("limit", [10, 30, 100])
async def test_a_page_that_is_too_large_is_shorter(store: RunningStore, limit: int) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        bodies, sizes = await _all(ask, limit)
    assert [int(body.split()[1]) for body in bodies] == list(range(LINES))[::-1]
    assert {len(body) for body in bodies} <= {LINE_BYTES + 8, LINE_BYTES + 9}
    assert all(0 < size <= limit for size in sizes[:-1])


async def test_a_result_of_one_record_is_enough(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW, query_bytes=1_500_000) as ask:
        bodies, sizes = await _all(ask, 100)
    assert len(bodies) == LINES
    assert set(sizes) <= {0, 1}


async def test_a_context_that_is_too_large_is_shorter(store: RunningStore) -> None:
    question = {"from": NOW - 600_000, "to": NOW, "service": "fat", "limit": 1}
    async with asking(store, clock_ms=lambda: NOW) as ask:
        [record] = (await ask.post("/v1/query/logs", question))["logs"]
        body = {"id": record["id"], "time": record["time"], "service": "fat", "before": 40}
        answer = await ask.post("/v1/query/logs/context", body)
    found = [int(other["body"].split()[1]) for other in answer["before"]]
    assert len(found) >= 10
    assert found == list(range(LINES - 1))[::-1][: len(found)]
    assert answer["meta"]["truncated"]
