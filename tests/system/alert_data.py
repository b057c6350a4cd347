"""Data that alert rules fire on: sent to a stack, or written into its ledger; waiting for it."""

import json
import os
import time
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from tests.support.alert_evaluator import Outcome
from tests.support.grafana_asking import Api
from tests.support.until import until
from tests.system.stack import Stack

HOUR = 3_600_000
Event = dict[str, Any]


def send(stack: Stack, events: Iterable[Event]) -> int:
    """Through the native ingest, in batches; how many were accepted."""
    whole, accepted = list(events), 0
    for start in range(0, len(whole), 400):
        body = {"appId": "demo", "sentAt": int(time.time() * 1000)}
        accepted += post(
            stack, "/v1/ingest/batch", {**body, "events": whole[start : start + 400]}
        ).get("accepted", 0)
    return accepted


def post(stack: Stack, path: str, body: object) -> dict[str, Any]:
    request = urllib.request.Request(
        stack.urls.ingest + path,
        data=json.dumps(body).encode(),
        headers={
            "X-API-Key": stack.credentials["ingest_key"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


def spread(
    name: str,
    count: int,
    span: tuple[int, int],
    *,
    value: float | None = None,
    attrs: Mapping[str, str] | None = None,
) -> Iterator[Event]:
    """So many events, evenly between two times."""
    for number in range(count):
        at_ms = span[0] + (span[1] - span[0]) * number // count
        event: Event = {"name": name, "ts": at_ms, "attrs": attrs or {}}
        yield event if value is None else {**event, "value": value}


def near(found: Outcome, step: str, value: float) -> bool:
    """Whether a step has one number, and that."""
    return list(found.values[step].values()) == [pytest.approx(value, abs=1.5)]


def counted(found: Outcome, step: str, count: float) -> bool:
    """Whether a step has one number, and nearly that: windows are cut within a minute."""
    return list(found.values[step].values()) == [pytest.approx(count, rel=0.07)]


def stored(api: Api) -> int:
    """Rows in the store so far."""
    now = int(time.time() * 1000)
    answer = api.ask({"queryType": "ledger", "request": {"step": "1h"}}, now - HOUR, now)
    return int(answer["totals"]["stored"])


def send_and_wait(stack: Stack, api: Api, events: Iterable[Event]) -> None:
    before = stored(api)
    wait_for(api, before + send(stack, events))


def wait_for(api: Api, rows: int) -> None:
    """Wait for rows in the store; rollups follow a moment later."""
    until(lambda: stored(api), lambda found: found >= rows)


def spans(service: str, good: int, bad: int, at_ms: int) -> dict[str, Any]:
    """An OTLP request of server spans, all in one minute."""
    made = [
        {
            "traceId": os.urandom(16).hex(),
            "spanId": os.urandom(8).hex(),
            "name": "GET /",
            "kind": 2,
            "startTimeUnixNano": str(at_ms * 1_000_000),
            "endTimeUnixNano": str((at_ms + 20) * 1_000_000),
            "status": {"code": 2} if number < bad else {},
        }
        for number in range(good + bad)
    ]
    name = {"key": "service.name", "value": {"stringValue": service}}
    return {
        "resourceSpans": [{"resource": {"attributes": [name]}, "scopeSpans": [{"spans": made}]}]
    }


def write_ledger(stack: Stack, columns: str, values: str) -> None:
    """A row of the ledger as no part of Seamark should ever write it."""
    asked = urllib.parse.urlencode(
        {"query": f"INSERT INTO seamark.ledger ({columns}) VALUES {values}"}
    )
    request = urllib.request.Request(
        f"{stack.urls.store}/?{asked}",
        data=b"",
        headers={"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": stack.secrets["store"]},
        method="POST",
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()
