"""The collector while its log is away, untrusted or nearly full: taken, in order, and said so."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.collector_process import (
    KEY,
    Answered,
    CollectorProcess,
    batch,
    messages,
    prepare,
)
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = pytest.mark.integration


def degraded(collector: CollectorProcess) -> dict[str, Any]:
    """What holds, by part; the collector is ready all the same."""
    answer = collector.get("/v1/healthz")
    assert answer.status == 200, answer.body
    rows = {row["part"]: row for row in answer.json["degraded"]}
    assert answer.json["status"] == ("degraded" if rows else "ok")
    return rows


def receipts(log: NatsServer) -> list[str]:
    return [each.receipt for message in messages(log) for each in message.envelopes]


def noise(size: int) -> dict[str, object]:
    """An event that does not compress."""
    attrs = {f"a{n}": os.urandom(1500).hex() for n in range(size // 1500)}
    return {"ts": 1795316640000, "name": "page_view", "attrs": attrs}


@pytest.fixture
def log(tmp_path: Path) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path / "nats").start()
    try:
        yield server
    finally:
        server.stop()


def spooling(log: NatsServer, folder: Path, **settings: object) -> CollectorProcess:
    settings = {"spool_path": folder / "spool", "spool_after_seconds": 0.3, **settings}
    return CollectorProcess(log, folder, **settings)


def test_an_outage_is_spooled_and_reported(log: NatsServer, tmp_path: Path) -> None:
    prepare(log)
    with spooling(log, tmp_path) as collector:
        assert degraded(collector) == {}
        first = collector.send(batch()).json["receiptId"]
        log.kill()
        away = [collector.send(batch()) for _ in range(30)]
        rows = degraded(collector)
        page = collector.own_metrics()
        log.start()
        until(lambda: not degraded(collector))
        last = collector.send(batch()).json["receiptId"]
        found = receipts(log)

    assert {answer.status for answer in away} == {202}
    assert time.time() - rows["log"]["since"] < 60
    assert rows["log"]["detail"]
    assert "30 envelopes wait" in rows["spool"]["detail"]
    assert "seamark_collector_spool_frames 30.0" in page
    # one sender, one partition: the order is theirs
    assert found == [first, *(answer.json["receiptId"] for answer in away), last]


def test_a_restart_in_an_outage_drains_what_was_left(log: NatsServer, tmp_path: Path) -> None:
    prepare(log)
    collector = spooling(log, tmp_path).start()
    log.kill()
    taken = [collector.send(batch()).json["receiptId"] for _ in range(10)]
    assert collector.stop() == 0
    log.start()
    with spooling(log, tmp_path) as collector:
        until(lambda: receipts(log) == taken)
        until(lambda: not list((tmp_path / "spool").rglob("*.spool")))


def test_a_log_that_does_not_sync_is_sent_nothing(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats", sync="2m") as log:
        prepare(log)
        with spooling(log, tmp_path) as collector:
            taken = collector.send(batch())
            rows = degraded(collector)
        assert receipts(log) == []
        log.stop()
        config = tmp_path / "nats" / "nats.conf"
        config.write_text(config.read_text().replace("2m", "always"))
        log.start()
        with spooling(log, tmp_path):
            until(lambda: receipts(log) == [taken.json["receiptId"]])

    assert taken.status == 202
    assert "sync_interval: always" in rows["durability"]["detail"]


def test_a_full_spool_refuses(log: NatsServer, tmp_path: Path) -> None:
    prepare(log)
    big = batch(*(noise(60_000) for _ in range(4)))
    limits = {"spool_max_bytes": 16 * 1024 * 1024, "spool_org_percent": 100.0}
    with spooling(log, tmp_path, **limits) as collector:
        log.kill()
        answers: list[Answered] = []
        # by itself: without shedding everything but errors before it
        while not answers or answers[-1].status == 202:
            answers.append(collector.send(big))
        refused = answers[-1]
        log.start()
        until(lambda: len(receipts(log)) == len(answers) - 1, seconds=40)
        until(lambda: collector.send(batch()).status == 202)

    assert len(answers) > 20
    assert refused.status == 503
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.reason in ("unavailable", "shed")


def spans(*codes: int) -> bytes:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for code in codes:
        span = scope.spans.add(trace_id=os.urandom(16), span_id=os.urandom(8), name="GET /")
        span.status.code = code  # type: ignore[assignment]  # a number is what travels
    return request.SerializeToString()


def export(collector: CollectorProcess, body: bytes) -> Answered:
    headers = {"Content-Type": "application/x-protobuf", "X-API-Key": KEY}
    return collector.request("POST", "/v1/traces", body, headers)


def test_errors_are_the_last_to_go(log: NatsServer, tmp_path: Path) -> None:
    prepare(log, max_bytes=8 * 1024 * 1024)
    big = batch(*(noise(60_000) for _ in range(4)))
    with spooling(log, tmp_path, shed_least_percent=20, shed_most_percent=40) as collector:
        while collector.send(big).status == 202:  # some at a time: it is looked at once a second
            time.sleep(0.1)
        refused = collector.send(batch())
        error = collector.send(batch({"ts": 1, "name": "js_error"}))
        said = degraded(collector)["shedding"]["detail"]
        # the streams of spans are empty: their fill is theirs alone
        assert export(collector, spans(0)).status == 200
        page = collector.own_metrics()

    assert (refused.status, refused.reason) == (503, "shed")
    assert int(refused.headers["retry-after"]) >= 1
    assert error.status == 202
    assert "events stream" in said
    assert 'requests_shed_total{kind="events",signal="events"}' in page
    assert 'seamark_collector_shed_level{signal="events"} 2.0' in page
