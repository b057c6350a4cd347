"""A process's own metrics as OTLP, and how they are sent: exact, bounded, and never in the way."""

import asyncio
import contextlib
import gzip
import json
import os
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from seamark.service.own_telemetry.ages import backups, certificates, not_after
from seamark.service.own_telemetry.disks import disks
from seamark.service.own_telemetry.otlp import MOST_POINTS, Dropped, Starts, Told, request
from seamark.service.own_telemetry.report import Reported, Reporter, beside, report
from seamark.service.own_telemetry.settings import OwnMetricsSettings

TOLD = Told("seamark-test", "here:1", "9")
BEGAN, NOW = 1_000, 5_000


def told(registry: CollectorRegistry, **more: Any) -> Any:
    """The request, read as protobuf reads it."""
    starts = more.pop("starts", None) or Starts(BEGAN)
    made, _ = request(registry.collect(), TOLD, starts, **{"now_ns": NOW, **more})
    parsed = Parse(json.dumps(made), ExportMetricsServiceRequest())
    (resource,) = parsed.resource_metrics
    (scope,) = resource.scope_metrics
    return resource.resource, {metric.name: metric for metric in scope.metrics}


def labels(point: Any) -> dict[str, str]:
    return {a.key: a.value.string_value for a in point.attributes}


def test_each_kind_of_metric_is_reported_as_that_kind() -> None:
    registry = CollectorRegistry()
    Counter("seamark_x_requests", "Asked.", ["route"], registry=registry).labels("/a").inc(3)
    Gauge("seamark_x_level", "Now.", registry=registry).set(2.5)
    times = Histogram("seamark_x_seconds", "Took.", buckets=(0.1, 1), registry=registry)
    for value in (0.05, 0.1, 0.5, 7):
        times.observe(value)
    Gauge("other_level", "Not ours.", registry=registry).set(1)
    resource, metrics = told(registry)

    assert labels(resource) == {
        "service.name": "seamark-test",
        "service.instance.id": "here:1",
        "service.version": "9",
    }
    assert "other_level" not in metrics
    asked = metrics["seamark_x_requests"]
    assert (asked.sum.is_monotonic, asked.sum.aggregation_temporality) == (True, 2)
    (point,) = asked.sum.data_points
    assert (point.as_double, labels(point)) == (3, {"route": "/a"})
    assert (point.start_time_unix_nano, point.time_unix_nano) == (BEGAN, NOW)
    (point,) = metrics["seamark_x_level"].gauge.data_points
    assert (point.as_double, point.time_unix_nano) == (2.5, NOW)
    took = metrics["seamark_x_seconds"].histogram
    assert took.aggregation_temporality == 2
    (point,) = took.data_points
    assert (list(point.explicit_bounds), list(point.bucket_counts)) == ([0.1, 1.0], [2, 1, 1])
    assert (point.count, point.sum) == (4, pytest.approx(7.65))


def test_what_first_counts_later_began_at_the_report_before() -> None:
    """Else its first count would be of any time, and an alert on an increase would not see it."""
    registry, starts = CollectorRegistry(), Starts(BEGAN)
    failures = Counter("seamark_x_failures", "Failed.", ["why"], registry=registry)
    failures.labels("old").inc()
    told(registry, starts=starts)
    failures.labels("new").inc()
    _, metrics = told(registry, starts=starts, now_ns=9_000)
    began = {
        labels(p)["why"]: p.start_time_unix_nano
        for p in metrics["seamark_x_failures"].sum.data_points
    }
    assert began == {"old": BEGAN, "new": NOW}


def test_a_report_is_bounded_and_counts_what_it_left_out() -> None:
    registry = CollectorRegistry()
    many = Gauge("seamark_x_many", "Many.", ["n"], registry=registry)
    for number in range(MOST_POINTS + 7):
        many.labels(str(number)).set(1)
    made, left_out = request(registry.collect(), TOLD, Starts(BEGAN), now_ns=NOW)
    assert left_out == 7
    assert len(json.dumps(made)) < 4_000_000
    _, metrics = told(CollectorRegistry(), dropped=Dropped(reports=2, points=7))
    dropped = {labels(p)["what"]: p.as_double for p in _points(metrics)}
    assert dropped == {"reports": 2, "points": 7}


def _points(metrics: Any) -> Any:
    return metrics["seamark_own_metrics_dropped"].sum.data_points


def test_what_is_not_finite_is_left_out() -> None:
    registry = CollectorRegistry()
    Gauge("seamark_x_level", "Now.", registry=registry).set(float("nan"))
    _, metrics = told(registry)
    assert set(metrics) == {"seamark_own_metrics_dropped"}


def test_disks_are_reported_where_there_are_any(tmp_path: Path) -> None:
    free, used = disks({"here": str(tmp_path), "nowhere": str(tmp_path / "no")})
    assert [s.labels for s in used.samples] == [{"disk": "here"}]
    assert 0 < used.samples[0].value < 1
    assert free.samples[0].value > 0


def made_certificate(folder: Path, days: int) -> Path:
    path = folder / f"cert-{days}.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-keyout", str(folder / "key.pem"), "-out", str(path)),
            *("-days", str(days), "-subj", "/CN=x"),
        ],
        check=True,
        capture_output=True,
    )
    return path


@pytest.mark.parametrize("days", [1, 90, 30_000])
def test_the_time_left_of_a_certificate_is_reported(tmp_path: Path, days: int) -> None:
    """Also beyond 2049, where certificates write years in four digits."""
    path = made_certificate(tmp_path, days)
    (family,) = certificates({"api": str(path), "nowhere": str(tmp_path / "no")})
    (sample,) = family.samples
    assert sample.labels == {"listener": "api"}
    assert sample.value == pytest.approx(days * 86_400, abs=120)
    text = path.read_text()
    assert not_after("words before\n" + text + text) == not_after(text), "the first counts"


def test_what_is_no_whole_certificate_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    der = ssl.PEM_cert_to_DER_cert(made_certificate(tmp_path, 1).read_text())
    for cut in range(len(der)):
        path.write_text(ssl.DER_cert_to_PEM_cert(der[:cut]))
        (family,) = certificates({"api": str(path)})
        assert family.samples == []


def test_the_age_of_a_backup_is_reported_once_there_was_one(tmp_path: Path) -> None:
    path = tmp_path / "last-backup"
    assert list(backups("")) == []
    assert list(backups(str(path))) == []
    path.touch()
    os.utime(path, (time.time() - 3_600,) * 2)
    (family,) = backups(str(path))
    assert [round(sample.value, -1) for sample in family.samples] == [3_600]


@dataclass
class Collector:
    """A collector that keeps what it is sent and answers as it is told."""

    status: int = 200
    silent: bool = False
    bodies: list[tuple[str, bytes]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    handlers: set[Any] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.handlers.add(asyncio.current_task())
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(head.lower().split("content-length: ")[1].split("\r\n")[0])
            self.bodies.append((head, await reader.readexactly(length)))
            self.came.set()
            if self.silent:
                await reader.read()
            writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def ingest(**said: Any) -> AsyncIterator[tuple[Collector, str]]:
    made = Collector(**said)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield made, f"http://127.0.0.1:{port}"
    finally:
        server.close()
        await asyncio.gather(*made.handlers)


def reported() -> Reported:
    registry = CollectorRegistry()
    Counter("seamark_x_requests", "Asked.", registry=registry).inc()
    return Reported("test", 4318, registry.collect)


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "key").write_text("smk_secret\n")
    return str(tmp_path / "key")


async def test_a_report_is_one_request_with_the_key(key: str) -> None:
    async with ingest() as (collector, url):
        assert await Reporter(OwnMetricsSettings(url=url, key_path=key), reported()).once()
    ((head, body),) = collector.bodies
    assert head.startswith("POST /v1/metrics HTTP/1.1\r\n")
    assert "X-API-Key: smk_secret\r\n" in head
    parsed = Parse(gzip.decompress(body), ExportMetricsServiceRequest())
    attributes = labels(parsed.resource_metrics[0].resource)
    assert attributes["service.name"] == "seamark-test"
    assert attributes["service.instance.id"].endswith(":4318")


async def test_a_collector_that_is_away_costs_a_report_and_nothing_else(
    key: str, tmp_path: Path
) -> None:
    away = OwnMetricsSettings(url="http://127.0.0.1:1", key_path=key)
    reporter = Reporter(away, reported())
    assert not await reporter.once()
    assert not await reporter.once()
    assert reporter.dropped.reports == 2
    keyless = Reporter(OwnMetricsSettings(url=away.url, key_path=str(tmp_path / "no")), reported())
    assert not await keyless.once()
    async with ingest(status=503) as (_, url):
        full = Reporter(OwnMetricsSettings(url=url, key_path=key), reported())
        assert not await full.once()
        assert full.dropped.reports == 1


async def test_a_collector_that_does_not_answer_is_waited_for_in_vain_for_so_long(key: str) -> None:
    async with ingest(silent=True) as (_, url):
        settings = OwnMetricsSettings(url=url, key_path=key, timeout_seconds=0.2)
        reporter = Reporter(settings, reported())
        async with asyncio.timeout(5):
            assert not await reporter.once()
    assert reporter.dropped.reports == 1


async def test_reports_go_on_beside_the_work_and_end_with_it(key: str) -> None:
    async with ingest() as (collector, url):

        async def work(stop: asyncio.Event) -> int:
            for _ in range(3):
                collector.came.clear()
                async with asyncio.timeout(5):
                    await collector.came.wait()
            return 7

        settings = OwnMetricsSettings(url=url, key_path=key, interval_seconds=0.01)
        assert await beside(work, settings, reported())(asyncio.Event()) == 7
        tasks = {task.get_name() for task in asyncio.all_tasks()}
    assert "own-metrics" not in tasks


async def test_off_means_nothing_at_all(key: str) -> None:
    async def work(stop: asyncio.Event) -> int:
        return 0

    for settings in (
        OwnMetricsSettings(key_path=key),
        OwnMetricsSettings(url="http://127.0.0.1:1", interval_seconds=0),
    ):
        assert beside(work, settings, reported()) is work
        async with asyncio.timeout(1):
            await report(settings, reported())
