"""Log histograms, sessions, retention and the ledger by the days of a zone whose clocks change."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from seamark.wire.signals import Signal
from tests.support.people_events import NOW
from tests.support.questions_stack import RunningStore, asking, envelope

pytestmark = pytest.mark.integration
HOUR = 3_600_000
ZONE = ZoneInfo("America/New_York")
SINCE = int(datetime(2026, 10, 31, tzinfo=ZONE).timestamp() * 1000)
"""On 2026-11-01 clocks are put back: that day has 25 hours."""
TIMES = [SINCE + hours * HOUR + 1 for hours in (0, 23, 24, 25, 47, 48, 49, 72)]
RANGE = {"from": SINCE, "to": SINCE + 4 * 24 * HOUR, "tz": "America/New_York"}


def day_of(time_ms: int) -> int:
    start = datetime.fromtimestamp(time_ms / 1000, ZONE).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return int(start.timestamp() * 1000)


DAYS = Counter(map(day_of, TIMES))


async def fill(store: RunningStore) -> None:
    for place, time_ms in enumerate(TIMES):
        logs = ExportLogsServiceRequest()
        logs.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=time_ms * 10**6)
        event = {"ts": time_ms, "name": "page_view", "sessionId": f"s{place}", "userAnonId": "u"}
        for signal, body, received_ms in (
            (Signal.LOGS, logs.SerializeToString(), NOW),
            (Signal.EVENTS, msgspec.json.encode([event]), NOW),
            (Signal.METRICS, b"", time_ms),  # the ledger goes by the receipt
        ):
            sent = envelope(
                signal, body, org="acme", app="shop", received_ms=received_ms, sent_ms=received_ms
            )
            await store.insert(signal, [sent])


async def test_days_are_those_of_the_zone(store: RunningStore) -> None:
    await fill(store)
    async with asking(store, clock_ms=lambda: NOW) as ask:
        logs = await ask.post("/v1/query/logs/histogram", {**RANGE, "granularity": "1d"})
        assert {row[0]: row[1] for row in logs["series"][0]["rows"]} == DAYS
        sessions = await ask.post("/v1/query/sessions", {**RANGE, "granularity": "day"})
        assert {row[0]: row[1] for row in sessions["series"][0]["rows"]} == DAYS
        question = {**RANGE, "start": "page_view", "identity": "user", "periods": 5}
        [cohort] = (await ask.post("/v1/query/retention", question))["cohorts"]
        assert (cohort["start"], cohort["returned"]) == (min(DAYS), [1, 1, 1, 0])
        asked = {name: str(value) for name, value in RANGE.items()}
        ledger = await ask.get("/v1/ledger", {**asked, "step": "1d", "signal": "metrics"})
        assert {row["time"]: row["accepted"] for row in ledger["rows"]} == DAYS


async def test_the_running_bucket_is_marked(store: RunningStore) -> None:
    async with asking(store, clock_ms=lambda: NOW) as ask:
        body = {"from": "now-3d", "tz": "America/New_York"}
        for path, more in (
            ("logs/histogram", {"granularity": "1d"}),
            ("sessions", {"granularity": "1w", "weekStart": "sunday"}),
            ("retention", {"start": "page_view", "period": "day"}),
        ):
            meta = (await ask.post(f"/v1/query/{path}", body | more))["meta"]
            assert len(meta["partial"]) == 1, path
            assert meta["partial"][0] <= NOW < meta["to"], path
        whole = await ask.post(
            "/v1/query/logs/histogram", {"from": "now-3d", "to": "now-1d", "granularity": "1h"}
        )
        assert "partial" not in whole["meta"]
