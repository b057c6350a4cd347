"""Histogram and context of log records from the real store, against sorting and counting."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber

from seamark.wire.signals import Signal
from tests.support.people_events import HOUR, MINUTE, NOW, TOKENS
from tests.support.questions_stack import Answers, answering, grouped_envelopes

pytestmark = pytest.mark.integration
LEVELS = ["trace", "debug", "info", "warn", "error", "fatal"]
LENGTHS = {"1m": MINUTE, "5m": 5 * MINUTE, "1h": HOUR}


@dataclass(frozen=True)
class Record:
    org: str
    app: str
    weight: float
    service: str
    time_ns: int
    severity: int
    body: str
    tenant: str


def make(count: int) -> list[Record]:
    """Many of one nanosecond, some of them equal."""
    rng = random.Random(4)
    found = [
        Record(
            org=rng.choice(["acme", "acme", "other"]),
            app=rng.choice(["shop", "blog"]),
            weight=rng.choice([1.0, 1.0, 5.0]),
            service=rng.choice(["cart", "pay"]),
            time_ns=(NOW - rng.choice([rng.randrange(3 * HOUR), rng.randrange(40) * 1000]))
            * 1_000_000 + rng.randrange(2),
            severity=rng.randrange(25),
            body=f"record {place}",
            tenant=rng.choice(["gold", "iron"]),
        )
        for place in range(count)
    ]  # fmt: skip
    for made in rng.sample(found, count // 8):  # equal in everything
        found += [made] * rng.randrange(1, 4)
    return found


MADE = make(1200)


def envelopes() -> list[bytes]:
    groups: dict[tuple[str, str, float], ExportLogsServiceRequest] = defaultdict(
        ExportLogsServiceRequest
    )
    for made in MADE:
        resource = groups[made.org, made.app, made.weight].resource_logs.add()
        name = KeyValue(key="service.name", value=AnyValue(string_value=made.service))
        resource.resource.attributes.append(name)
        resource.scope_logs.add().log_records.add(
            time_unix_nano=made.time_ns,
            severity_number=SeverityNumber.ValueType(made.severity),
            body=AnyValue(string_value=made.body),
            attributes=[KeyValue(key="tenant", value=AnyValue(string_value=made.tenant))],
        )
    return grouped_envelopes(Signal.LOGS, groups, received_ms=NOW)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = Path(tmp_path_factory.mktemp("logs"))
    with answering(folder, [(Signal.LOGS, envelopes())], now_ms=NOW) as running:
        yield running


def visible(token: str) -> list[Record]:
    org, app = TOKENS[token]
    return [r for r in MADE if r.org == org and app in ("", r.app)]


tokens = st.sampled_from(["acme", "shop", "other"])


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    body=st.fixed_dictionaries(
        {
            "granularity": st.sampled_from(sorted(LENGTHS)),
            "service": st.sampled_from(["", "cart"]),
            "severity": st.sampled_from([0, "warn"]),
            "contains": st.sampled_from(["", "CORD 1"]),
            "filters": st.sampled_from([[], [{"key": "tenant", "value": "gold"}]]),
            "from": st.sampled_from([NOW - HOUR, NOW - 3 * HOUR]),
            "to": st.sampled_from([NOW, NOW - 600_000]),
        }
    ),
    token=tokens,
)
def test_a_histogram_is_what_counting_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    answer = answers("/v1/query/logs/histogram", token, body)
    length = LENGTHS[body["granularity"]]
    since, until = body["from"] // length * length, -(-body["to"] // length) * length
    levels: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
    sampled = False
    for r in visible(token):
        if (
            since <= r.time_ns / 1e6 < until
            and body["service"] in ("", r.service)
            and r.severity >= (13 if body["severity"] else 0)
            and body["contains"].lower() in r.body
            and (not body["filters"] or r.tenant == "gold")
        ):
            bucket = r.time_ns // 1_000_000 // length * length
            levels[(r.severity + 3) // 4][bucket] += r.weight
            sampled |= r.weight != 1
    assert [(s["labels"], s["rows"]) for s in answer["series"]] == [
        ({"level": ("unknown", *LEVELS)[level]}, [list(b) for b in sorted(levels[level].items())])
        for level in sorted(levels, reverse=True)
    ]
    assert answer["meta"]["sampled"] is sampled


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    place=st.integers(0, 400),
    before=st.sampled_from([0, 1, 3, 40]),
    after=st.sampled_from([0, 2, 40]),
    within=st.sampled_from([60, 3600]),
    filters=st.sampled_from([[], [{"key": "tenant", "value": "gold"}]]),
    token=tokens,
)
def test_a_context_is_what_stands_around_in_a_search(
    answers: Answers, place: int, before: int, after: int, within: int, filters: Any, token: str
) -> None:
    search = {"service": "pay", "order": "asc", "limit": 1000, "from": "now-3h", "to": "now+1m"}
    records = answers("/v1/query/logs", token, search)["logs"]
    place %= len(records)
    record = records[place]
    body = {
        "id": record["id"], "time": record["time"], "service": "pay", "before": before,
        "after": after, "withinSec": within, "filters": filters,
    }  # fmt: skip
    answer = answers("/v1/query/logs/context", token, body)

    def near(others: list[Any], most: int) -> list[str]:
        return [
            o["id"] for o in others
            if abs(int(o["time"]) // 10**6 - int(record["time"]) // 10**6) <= within * 1000
            and (not filters or o["attributes"]["tenant"] == "gold")
        ][:most]  # fmt: skip

    ordered = sorted(records, key=lambda r: (int(r["time"]), r["id"]))
    assert [r["id"] for r in answer["before"]] == near(ordered[:place][::-1], before)
    assert [r["id"] for r in answer["after"]] == near(ordered[place + 1 :], after)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    limit=st.sampled_from([1, 2, 3, 7, 40]),
    order=st.sampled_from(["asc", "desc"]),
    search=st.sampled_from([{}, {"service": "cart"}, {"severity": "error"}, {"contains": "RD 11"}]),
    since=st.sampled_from([NOW - 40, NOW - 20, NOW - HOUR]),
    token=tokens,
)
def test_pages_together_are_the_whole_search(
    answers: Answers, limit: int, order: str, search: dict[str, Any], since: int, token: str
) -> None:
    question = {**search, "order": order, "from": since, "to": NOW + MINUTE}
    whole = answers("/v1/query/logs", token, question | {"limit": 60})["logs"]
    paged: list[Any] = []
    cursor = ""
    while len(paged) < len(whole):
        page = answers("/v1/query/logs", token, question | {"limit": limit, "cursor": cursor})
        assert len(page["logs"]) <= limit
        paged += page["logs"]
        cursor = page["cursor"]
        if not cursor:
            break
    assert paged[: len(whole)] == whole
    assert len({record["id"] for record in paged}) == len(paged)
    if not cursor:
        assert len(paged) == len(whole)
