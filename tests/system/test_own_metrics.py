"""Seamark observes itself with itself: what its processes report, and the rules that wait for it.

One stack reports every second. What must and must not fire a rule is told as such a process would
tell it, through the same ingest and with the same key, at times of its own.
"""

import copy
import gzip
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from grafana.dashboards import pipeline
from seamark.service.own_telemetry.otlp import Starts, Told, request
from tests.support.alert_evaluator import RULES, Outcome, evaluate
from tests.support.grafana_asking import Api
from tests.support.until import until
from tests.system.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
MINUTE, HOUR = 60_000, 3_600_000
NOW = time.time_ns() // 1_000_000 // MINUTE * MINUTE
SERVICES = {f"seamark-{name}" for name in ("collector", "rows", "archive", "api", "store")}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    often = {
        "SEAMARK_OWN_METRICS_INTERVAL_SECONDS": "1",
        "SEAMARK_COLLECTOR_PROCESSES": "2",
        "SEAMARK_ROWS_INSERT_TIMEOUT_SECONDS": "10",
    }
    with Stack(tmp_path_factory.mktemp("own") / "data", environment=often) as running:
        yield running


@pytest.fixture(scope="module")
def api(stack: Stack) -> Api:
    return Api(stack.urls.api, stack.credentials["query_token"], fresh=True)


def series(api: Api, metric: str, agg: str, *by: str) -> dict[tuple[str, ...], list[float]]:
    """The last quarter of an hour: label values -> values."""
    request = {"metric": metric, "agg": [agg], "groupBy": list(by), "granularity": "1m"}
    asked = {"queryType": "timeseries", "request": {**request, "source": "metrics"}}
    now = int(time.time() * 1000)
    answer = api.ask(asked, now - 15 * MINUTE, now)
    return {
        tuple(one["labels"][name] for name in by): [row[1] for row in one["rows"]]
        for one in answer["series"]
    }


def test_every_process_reports(stack: Stack, api: Api) -> None:
    found = until(
        lambda: series(api, "seamark_own_metrics_dropped", "sum", "app", "service"),
        lambda found: {service for _, service in found} >= SERVICES,
    )
    assert {app for app, _ in found} == {"seamark"}
    disks = series(api, "seamark_disk_used_ratio", "max", "disk")
    assert {"log", "spool", "store", "archive"} <= {disk for (disk,) in disks}
    assert all(0 < value < 1 for values in disks.values() for value in values)
    kinds = until(
        lambda: series(api, "seamark_api_active_series", "max", "kind"), lambda found: found
    )
    assert set(kinds) == {("metrics",), ("events",), ("spans",)}


def test_what_two_collectors_count_is_one_sum(stack: Stack, api: Api) -> None:
    """Of requests sent one by one, over connections of their own, none is missing or twice."""
    for _ in range(20):
        body = {"appId": "demo", "events": [{"name": "counted", "ts": int(time.time() * 1000)}]}
        post(stack, "/v1/ingest/batch", json.dumps(body).encode(), stack.credentials["ingest_key"])

    def counted() -> float:
        found = series(api, "seamark_collector_items_accepted", "sum", "signal")
        return sum(found.get(("events",), []))

    until(counted, lambda total: total >= 20)
    time_for_more = time.monotonic() + 3  # three more reports change nothing
    while time.monotonic() < time_for_more:
        assert counted() == 20
        time.sleep(0.3)


def test_the_key_is_in_a_private_file_and_never_printed(stack: Stack) -> None:
    path = stack.data / "own-metrics.key"
    key = path.read_text().strip()
    assert path.stat().st_mode & 0o777 == 0o600
    assert key.startswith("smk_")
    assert key not in stack.output
    for log in (stack.data / "logs").glob("*.log"):
        assert key not in log.read_text(errors="replace")
    for pid in stack.pids.values():
        process = psutil.Process(pid)
        assert key not in " ".join(process.cmdline())
        assert key not in str(process.environ())


@pytest.mark.parametrize(
    "title",
    [
        "Time to take a request",
        "Messages that wait in the log",
        "Disk in use",
        "Series that are written",
    ],
)
def test_a_panel_of_the_pipeline_has_something_to_show(stack: Stack, api: Api, title: str) -> None:
    (panel,) = [panel for panel in pipeline.DASHBOARD.panels if panel.title == title]
    (ask,) = panel.asks
    asked = {"queryType": ask.kind, "request": dict(ask.request)}
    now = int(time.time() * 1000)

    def look() -> Any:
        return api.ask(asked, now - 3 * HOUR, int(time.time() * 1000))

    answer = until(look, lambda found: found["series"])
    assert answer["columns"] == ["time", *ask.request["agg"]]


def post(stack: Stack, path: str, body: bytes, key: str) -> None:
    asked = urllib.request.Request(
        stack.urls.ingest + path,
        data=gzip.compress(body),
        headers={
            "X-API-Key": key,
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        },
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status in (200, 202)


@dataclass
class Process:
    """One that counts in a registry and reports at times that a test says."""

    stack: Stack
    service: str
    began_ms: int

    def __post_init__(self) -> None:
        self.registry = CollectorRegistry()
        self.starts = Starts(self.began_ms * 1_000_000)

    def report(self, at_ms: int) -> None:
        told = Told(f"seamark-{self.service}", f"made:{self.began_ms}", "1")
        made, _ = request(self.registry.collect(), told, self.starts, now_ns=at_ms * 1_000_000)
        key = (self.stack.data / "own-metrics.key").read_text().strip()
        post(self.stack, "/v1/metrics", json.dumps(made).encode(), key)


def fires(api: Api, rule: str, at_ms: int, step: str, number: float, **labels: str) -> Outcome:
    """The outcome once a step has the number that was told."""

    def look() -> Outcome:
        return evaluate(RULES[rule], api, now_ms=at_ms)

    def told(found: Outcome) -> bool:
        return any(
            labels.items() <= dict(key).items() and value == pytest.approx(number, rel=0.02)
            for key, value in found.values[step].items()
        )

    outcome: Outcome = until(look, told)
    return outcome


@pytest.mark.parametrize(
    ("ago_h", "seconds", "requests", "firing"),
    [(30, 0.2, 30, True), (31, 0.05, 30, False), (32, 0.2, 5, False)],
    ids=["slow", "fast", "slow, of a few"],
)
def test_slow_ingest_fires(
    stack: Stack, api: Api, ago_h: int, seconds: float, requests: int, firing: bool
) -> None:
    at = NOW - ago_h * HOUR
    process = Process(stack, "collector", at - 20 * MINUTE)
    times = Histogram(
        "seamark_collector_request_seconds", "Time.", ["route"],
        buckets=(0.05, 0.1, 0.15, 0.25, 0.5), registry=process.registry,
    ).labels("/v1/ingest/batch")  # fmt: skip
    page = Histogram("seamark_other_seconds", "Not asked for.", registry=process.registry)
    for minute in range(12):
        for _ in range(requests):
            times.observe(seconds)
            page.observe(3)
        process.report(at - (12 - minute) * MINUTE + 30_000)
    # all of them in the bucket that ends above: the 99th of a hundred is near its upper bound
    near = {0.2: 0.249, 0.05: 0.0495}[seconds] if requests > 10 else 0
    outcome = fires(api, "ingest-slow", at, "E", near)
    assert bool(outcome.firing) is firing


def test_failed_inserts_fire_from_the_first(stack: Stack, api: Api) -> None:
    """Also where there was no such count before: it begins with the first failure."""
    at = NOW - 33 * HOUR
    process = Process(stack, "rows", at - HOUR)
    retries = Counter(
        "seamark_processor_retries", "Tries.", ["sink", "stream", "reason"],
        registry=process.registry,
    )  # fmt: skip
    retries.labels("rows", "SEAMARK_logs_0", "long_ago").inc(9)
    retries.labels("archive", "SEAMARK_logs_0", "of_the_archive").inc(4)
    process.report(at - 40 * MINUTE)
    process.report(at - 8 * MINUTE)
    retries.labels("rows", "SEAMARK_events_0", "timeout").inc(2)
    process.report(at - 6 * MINUTE)
    process.report(at - 4 * MINUTE)
    outcome = fires(api, "insert-retries", at, "B", 2, reason="timeout")
    assert [labels["reason"] for labels in outcome.firing] == ["timeout"]
    later = evaluate(RULES["insert-retries"], api, now_ms=at + 12 * MINUTE)
    assert not later.firing


@pytest.mark.parametrize(
    ("rule", "metric", "label", "few", "many"),
    [
        ("log-lag-messages", "seamark_processor_lag_all_messages", "sink", 999_999, 1_000_001),
        ("disk-full", "seamark_disk_used_ratio", "disk", 0.89, 0.91),
        ("cardinality", "seamark_api_active_series", "kind", 99_999, 100_001),
        ("store-damaged", "seamark_store_damaged_parts", "table", 0, 1),
        ("certificate", "seamark_certificate_seconds_left", "listener", 15 * 86_400, 13 * 86_400),
    ],
)
def test_levels_fire_above_their_limit(
    stack: Stack, api: Api, rule: str, metric: str, label: str, few: float, many: float
) -> None:
    at = NOW - 34 * HOUR
    process = Process(stack, "made", at - HOUR)
    level = Gauge(metric, "Level.", [label], registry=process.registry)
    level.labels("over").set(few)  # became too much just now
    level.labels("fine").set(few)
    level.labels("was").set(many)  # was too much, and is not any more
    process.report(at - 4 * MINUTE)
    level.labels("over").set(many)
    level.labels("was").set(few)
    process.report(at - 2 * MINUTE)
    outcome = fires(api, rule, at, "B", many, **{label: "over"})
    assert outcome.firing == [{label: "over"}]


def test_an_old_backup_fires_until_there_is_a_new_one(stack: Stack, api: Api) -> None:
    at = NOW - 36 * HOUR
    process = Process(stack, "store", at - HOUR)
    age = Gauge("seamark_backup_age_seconds", "Age.", registry=process.registry)
    for minutes, hours in ((3, 27), (-20, 1)):
        age.set(hours * 3600)
        process.report(at - minutes * MINUTE)
    assert fires(api, "backup-old", at, "B", 27 * 3600).firing == [{}]
    assert not fires(api, "backup-old", at + 21 * MINUTE, "B", 3600).firing


@pytest.mark.parametrize(
    ("ago_h", "refused", "firing"),
    [(40, 120, True), (42, 8, False)],
    ids=["many", "a few"],
)
def test_requests_that_are_answered_5xx_fire(
    stack: Stack, api: Api, ago_h: int, refused: int, firing: bool
) -> None:
    at = NOW - ago_h * HOUR
    process = Process(stack, "collector", at - 20 * MINUTE)
    requests = Counter(
        "seamark_collector_requests", "Requests.", ["route", "status"], registry=process.registry
    )
    for minute in range(12):
        requests.labels("/v1/ingest/batch", "202").inc(100)
        requests.labels("/v1/ingest/batch", "400").inc(300)  # the senders' fault
        requests.labels("/readyz", "503").inc(300)  # no telemetry
        if minute == 6:
            requests.labels("/v1/traces", "503").inc(refused)
        process.report(at - (12 - minute) * MINUTE + 30_000)
    outcome = fires(api, "ingest-errors", at, "D", refused)
    assert bool(outcome.firing) is firing
    assert outcome.of("E") > 3_000


@pytest.mark.parametrize(
    ("rule", "metric"),
    [
        ("stream-stalled", "seamark_processor_stalled"),
        ("stream-stopped", "seamark_processor_stopped"),
    ],
)
def test_a_stream_that_does_not_move_fires_while_others_do(
    stack: Stack, api: Api, rule: str, metric: str
) -> None:
    at = NOW - 35 * HOUR
    process = Process(stack, "rows", at - HOUR)
    level = Gauge(metric, "Level.", ["sink", "stream"], registry=process.registry)
    for stream in ("SEAMARK_events_0", "SEAMARK_events_1", "SEAMARK_logs_0"):
        level.labels("rows", stream).set(0)
    level.labels("rows", "SEAMARK_logs_0").set(1)  # it was, and is not any more
    process.report(at - 4 * MINUTE)
    level.labels("rows", "SEAMARK_logs_0").set(0)
    level.labels("rows", "SEAMARK_events_0").set(1)
    process.report(at - 2 * MINUTE)
    outcome = fires(api, rule, at, "B", 1, sink="rows", stream="SEAMARK_events_0")
    assert outcome.firing == [{"sink": "rows", "stream": "SEAMARK_events_0"}]


def answers(api: Api) -> bool:
    """Whether the API takes the store for there: it answers a question."""
    request = urllib.request.Request(
        f"{api.url}/v1/metrics", headers={"Authorization": f"Bearer {api.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError:
        return False


def page(stack: Stack) -> str:
    """The rows processor's own metrics."""
    with urllib.request.urlopen(f"{stack.urls.rows}/metrics", timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def test_a_store_that_takes_nothing_fires(stack: Stack, api: Api) -> None:
    """The real thing: the store stands still, inserts run into their limit, and are made again."""
    rule = copy.deepcopy(RULES["insert-retries"])

    def look() -> Outcome:
        return evaluate(rule, api, now_ms=int(time.time() * 1000))

    already = "seamark_processor_retries_total{" in page(stack)  # a very busy machine
    assert already or not look().firing
    pid = stack.pids["store"]
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: page(stack), lambda found: "seamark_processor_retries_total{" in found)
    finally:
        os.kill(pid, signal.SIGCONT)
    until(lambda: answers(api))  # the API counts a store that hung as away until it was asked again
    outcome = until(look, lambda found: found.firing)
    assert all(labels["reason"] for labels in outcome.firing)
    dropped = series(api, "seamark_own_metrics_dropped", "sum", "service", "what")
    assert dropped[("seamark-collector", "points")] is not None
