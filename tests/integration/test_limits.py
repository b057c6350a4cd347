"""Limits over the wire: the answer in each protocol, the counts in the log, and what holds while
Redis is there, away, and back."""

import asyncio
import json
import secrets
import socketserver
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc import code_pb2, error_details_pb2, status_pb2
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.receivers.otlp_kinds import TRACES
from seamark.service.connections import LogSettings, connect_log
from seamark.service.registry import AppRecord, KeyRecord, OrgRecord, digest, put_record
from seamark.service.registry.limits import OrgLimits
from seamark.wire.buckets import CONFIG_BUCKET
from seamark.wire.signals import Signal
from tests.support.collector_process import (
    KEY,
    ROUTE,
    Answered,
    CollectorProcess,
    batch,
    messages,
    prepare,
)
from tests.support.servers import NatsServer, RedisServer, free_port
from tests.support.until import until

pytestmark = pytest.mark.integration
EVENT: dict[str, object] = {"ts": 1, "name": "page_view"}


@pytest.fixture
def log(server: NatsServer) -> NatsServer:
    """A log of the test's own: what is in it is counted."""
    prepare(server)
    return server


@contextmanager
def limited(
    log: NatsServer, folder: Path, redis_url: str, **limits: object
) -> Iterator[CollectorProcess]:
    """A collector with these SEAMARK_LIMIT_*; it must never have printed a traceback."""
    running = CollectorProcess(log, folder, grpc_port=free_port())
    running.environ["SEAMARK_CACHE_URL"] = redis_url
    for name, value in limits.items():
        running.environ[f"SEAMARK_LIMIT_{name.upper()}"] = str(value)
    with running:
        yield running
    assert "Traceback" not in running.output.read_text()


def traces(count: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    spans = request.resource_spans.add().scope_spans.add().spans
    for number in range(count):
        spans.add(trace_id=b"\1" * 16, span_id=(number + 1).to_bytes(8, "big"), name="s")
    return request


def counts(log: NatsServer, kind: Signal) -> tuple[Counter[str], Counter[str]]:
    """Of items and of requests turned away, as the log has them."""
    items, requests = Counter[str](), Counter[str]()
    for message in messages(log, kind):
        for envelope in message.envelopes:
            items.update(envelope.outcome)
            items.update({f"rejected {k}": n for k, n in envelope.rejected.items()})
            requests.update(envelope.request_rejections)
    return items, requests


def test_items_over_the_limit_are_told_and_counted_in_every_protocol(
    cache_url: str, log: NatsServer, tmp_path: Path
) -> None:
    with limited(log, tmp_path, cache_url, org_items_per_second=1, burst_seconds=1) as running:
        first = running.send(batch(*[EVENT] * 1000))
        native = running.send(batch(*[EVENT] * 3))
        headers = {"Content-Type": "application/x-protobuf", "X-API-Key": KEY}
        otlp = running.request("POST", "/v1/traces", traces(5).SerializeToString(), headers)
        with grpc.insecure_channel(f"127.0.0.1:{running.grpc_port}") as channel:
            export = channel.unary_unary(f"/{TRACES.service}/Export")
            with pytest.raises(grpc.RpcError) as raised:
                export(traces(7).SerializeToString(), metadata=(("x-api-key", KEY),), timeout=10)
        # over gRPC the answer comes before the count
        counted = 'seamark_collector_items_limited_total{signal="traces"} 12.0'
        page = until(running.own_metrics, lambda text: counted in text, seconds=20)

    # a batch larger than the burst passes, and is paid for afterwards
    assert (first.status, first.json["accepted"]) == (202, 1000)
    assert (native.status, native.reason) == (429, "rate_limited")
    assert "org is over its limit of 1 items/s" in native.json["error"]["message"]
    assert 900_000 < native.json["nextRetryAfterMs"] <= 1_000_000
    assert int(native.headers["retry-after"]) in range(900, 1001)
    assert (otlp.status, otlp.headers["content-type"]) == (429, "application/x-protobuf")
    assert int(otlp.headers["retry-after"]) in range(900, 1001)
    status = status_pb2.Status.FromString(otlp.body)
    assert status.code == code_pb2.RESOURCE_EXHAUSTED
    error = raised.value
    assert isinstance(error, grpc.Call)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailers = dict(error.trailing_metadata() or ())
    told = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
    retry = error_details_pb2.RetryInfo()
    assert any(detail.Unpack(retry) for detail in told.details)
    assert 900 < retry.retry_delay.seconds <= 1000
    assert counts(log, Signal.EVENTS) == (
        {"offered": 1003, "accepted": 1000, "limited": 3},
        {"rate_limited": 1},
    )
    assert counts(log, Signal.TRACES) == ({"offered": 12, "limited": 12}, {"rate_limited": 2})
    assert 'seamark_collector_requests_limited_total{limit="items",scope="org"} 3.0' in page
    assert "seamark_collector_items_refused_total{" not in page.replace(
        'seamark_collector_items_refused_total{signal="events"} 0.0', ""
    ).replace('seamark_collector_items_refused_total{signal="traces"} 0.0', "")


def test_requests_over_the_limit_are_refused_before_their_body(
    cache_url: str, log: NatsServer, tmp_path: Path
) -> None:
    with limited(log, tmp_path, cache_url, key_requests_per_second=2, burst_seconds=1) as running:
        answers = [running.send(batch()) for _ in range(2)]
        while answers[-1].status == 202:
            answers.append(running.send(batch()))
            assert len(answers) < 20
        # the answer comes though the body never does
        unsent = running.raw_answer(
            b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 900\r\n\r\n"
            % (ROUTE.encode(), KEY.encode())
        )
    assert (unsent.status, unsent.reason) == (429, "rate_limited")
    assert "this key is over its limit of 2 requests/s" in unsent.json["error"]["message"]
    accepted = sum(answer.status == 202 for answer in answers)
    items, requests = counts(log, Signal.EVENTS)
    assert (items["accepted"], requests["rate_limited"]) == (accepted, 2)


def test_bytes_are_counted_as_sent_whether_or_not_their_length_is_told(
    cache_url: str, log: NatsServer, tmp_path: Path
) -> None:
    with limited(log, tmp_path, cache_url, org_bytes_per_second=100, burst_seconds=1) as running:
        body = json.dumps(batch(*[EVENT] * 100)).encode()
        chunked = running.raw_answer(
            b"POST %s HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n%x\r\n%s\r\n0\r\n\r\n"
            % (ROUTE.encode(), KEY.encode(), len(body), body)
        )
        after = running.send(batch())
    assert chunked.status == 202
    assert (after.status, after.reason) == (429, "rate_limited")
    assert int(after.headers["retry-after"]) > len(body) / 100 - 5


def test_a_month_goes_on_after_collector_and_redis_were_gone(
    log: NatsServer, tmp_path: Path
) -> None:
    folder = tmp_path / "spool"
    with RedisServer(tmp_path / "redis") as redis:
        running = CollectorProcess(log, tmp_path, spool_path=folder)
        running.environ["SEAMARK_CACHE_URL"] = redis.url
        running.environ["SEAMARK_LIMIT_ORG_ITEMS_PER_MONTH"] = "10"
        with running:
            answers = [running.send(batch(*[EVENT] * 4)) for _ in range(2)]
        redis.kill()
        redis.start()
        with running:
            answers += [running.send(batch(*[EVENT] * 4)) for _ in range(2)]
    # 8 of 10 were used; the next request begins below the limit, and is taken whole
    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert "10 items a month" in answers[-1].json["error"]["message"]
    assert (folder / "limits-0.json").stat().st_mode & 0o777 == 0o600


def test_collectors_share_one_month(cache_url: str, log: NatsServer, tmp_path: Path) -> None:
    with limited(log, tmp_path, cache_url, key_items_per_month=5) as first:
        second = CollectorProcess(log, tmp_path / "second")
        second.environ |= {
            name: value
            for name, value in first.environ.items()
            if name.startswith(("SEAMARK_LIMIT_", "SEAMARK_CACHE_"))
        }
        with second:
            assert first.send(batch(*[EVENT] * 5)).status == 202
            assert second.send(batch()).status == 202  # it has not heard of the others yet
            until(lambda: second.send(batch()).status == 429, seconds=10)


async def _seed_other(url: str) -> None:
    client = await connect_log(LogSettings(url=url), name="test")
    bucket = await client.jetstream().key_value(CONFIG_BUCKET)
    limits = OrgLimits(log_percent=100)
    await put_record(bucket, OrgRecord(org="umbra", name="Umbra", limits=limits))
    await put_record(bucket, AppRecord(org="umbra", app="shop"))
    secret = digest("smk_other")
    await put_record(bucket, KeyRecord(key_id="o", org="umbra", app="shop", digest=secret))
    await client.close()


def test_an_org_that_fills_its_share_of_the_log_is_shed_and_no_other(
    server: NatsServer, cache_url: str, tmp_path: Path
) -> None:
    """A collector that starts anew knows what was sent before it."""
    size = 1024 * 1024
    prepare(server, max_bytes=size)
    asyncio.run(_seed_other(server.url))
    settings: dict[str, object] = {"org_log_percent": 20}
    attrs = [{f"k{n}": secrets.token_hex(1500) for n in range(8)} for _ in range(2)]
    large = [{**EVENT, "attrs": found} for found in attrs]
    with limited(server, tmp_path, cache_url, **settings) as running:
        running.stop()
        running.environ["SEAMARK_LOG_MAX_BYTES"] = str(size)
        running.start()
        refused = until(
            lambda: running.send(batch(*large)), lambda answer: answer.status != 202, every=0.2
        )
        other = running.send(batch(*large), key="smk_other")
        page = running.own_metrics()
        running.stop()
        running.start()
        again = until(lambda: running.send(batch(*large)), lambda answer: answer.status != 202)

    for answer in (refused, again):
        assert (answer.status, answer.reason) == (429, "log_share")
    assert "20 % of a stream" in refused.json["error"]["message"]
    assert int(refused.headers["retry-after"]) >= 15
    assert other.status == 202
    assert 'requests_over_log_share_total{kind="events",signal="events"} 1.0' in page
    fills = Counter[int]()
    for message in messages(server):
        fills[message.partition] += len(message.payload)
    assert 0.15 * size < max(fills.values()) < 0.5 * size


class _Hostile(socketserver.BaseRequestHandler):
    """Answers like no Redis, or after an hour."""

    answer: bytes | None = b""

    def handle(self) -> None:
        while self.request.recv(65536):
            if self.answer is not None:
                self.request.sendall(self.answer)


@contextmanager
def no_redis(answer: bytes | None) -> Iterator[str]:
    handler = type("Handler", (_Hostile,), {"answer": answer})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"redis://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(None, id="never"),
        pytest.param(b"*2\r\n$5\r\n1e300\r\n$1\r\n0\r\n" * 9, id="a grant of everything"),
    ],
)
def test_a_redis_that_is_none_is_no_outage(
    answer: bytes | None, log: NatsServer, tmp_path: Path
) -> None:
    """Requests wait for nothing, and the limit holds at this process's part of it."""
    with (
        no_redis(answer) as url,
        limited(
            log, tmp_path, url, org_items_per_second=20, burst_seconds=1, local_percent=50
        ) as running,
    ):
        answers: list[tuple[float, Answered]] = []
        started = time.monotonic()
        while time.monotonic() - started < 3:
            before = time.monotonic()
            answer_seen = running.send(batch(*[EVENT] * 2))
            answers.append((time.monotonic() - before, answer_seen))
        health = running.get("/readyz")
        page = running.own_metrics()
    accepted = 2 * sum(answer.status == 202 for _, answer in answers)
    assert {answer.status for _, answer in answers} == {202, 429}
    # the advance of a second, half the rate for three, and the burst that fits beside them
    assert 24 <= accepted <= 20 + 0.5 * 20 * 5
    assert sorted(seconds for seconds, _ in answers)[len(answers) // 2] < 0.1
    assert health.status == 200
    assert "limits" in {part["part"] for part in health.json["degraded"]}
    assert "seamark_collector_limits_local 1.0" in page
