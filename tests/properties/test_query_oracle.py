"""Answers from the real store against a plain count of the same events.

One set of random events of two orgs, in many places in time; hypothesis makes up the questions.
"""

import math
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seamark.wire.signals import Signal
from tests.support.questions_stack import Answers, answering, envelope

pytestmark = pytest.mark.integration
NOW = 1_795_343_040_123  # 2026-11-22T10:24:00.123Z, a Sunday
MINUTE, HOUR, DAY, WEEK = 60_000, 3_600_000, 86_400_000, 7 * 86_400_000
LENGTHS = {"1m": MINUTE, "5m": 5 * MINUTE, "45m": 45 * MINUTE, "1h": HOUR, "6h": 6 * HOUR,
           "1d": DAY, "1w": WEEK, "2w": 2 * WEEK}  # fmt: skip
COUNTRIES = ["US", "DE", "IN", "", "it's \\ \n \t %_{p0:String}"]
PAGES = ["/", "/a", "/b?c=d", "/product/1", "/product/22"]


@dataclass(frozen=True)
class Event:
    org: str
    app: str
    name: str
    time: int
    value: float | None
    weight: float
    user: str
    session: str
    dims: dict[str, str]


def make_events(count: int) -> list[Event]:
    """Most of them in the last hours, some months back; some without a value."""
    rng = random.Random(7)
    spans = [HOUR, 6 * HOUR, 3 * DAY, 40 * DAY]
    return [
        Event(
            org=rng.choice(["acme", "acme", "acme", "other"]),
            app=rng.choice(["shop", "blog"]),
            name=rng.choice(["lcp", "lcp", "click"]),
            time=NOW - rng.randrange(rng.choice(spans)),
            value=rng.choice([None, rng.lognormvariate(3, 2), -rng.random() * 50, 0.0]),
            weight=rng.choice([1.0, 1.0, 1.0, 4.0]),
            user=rng.choice(["", *(f"u{i}" for i in range(40))]),
            session=f"s{rng.randrange(90)}",
            dims={"country": rng.choice(COUNTRIES), "page": rng.choice(PAGES)},
        )
        for _ in range(count)
    ]


EVENTS = make_events(3000)


def envelopes() -> list[bytes]:
    """One envelope for each sender and weight."""
    groups: dict[tuple[str, str, float], list[dict[str, Any]]] = defaultdict(list)
    for event in EVENTS:
        row: dict[str, Any] = {"ts": event.time, "name": event.name, "sessionId": event.session}
        row["attrs"] = {k: v for k, v in event.dims.items() if v} | {"noise": "x"}
        if event.value is not None:
            row["value"] = event.value
        if event.user:
            row["userAnonId"] = event.user
        groups[event.org, event.app, event.weight].append(row)
    return [
        envelope(
            Signal.EVENTS,
            msgspec.json.encode(rows),
            org=org, app=app, weight=weight, received_ms=NOW, sent_ms=NOW,
        )
        for (org, app, weight), rows in groups.items()
    ]  # fmt: skip


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    folder = Path(tmp_path_factory.mktemp("oracle"))
    with answering(folder, [(Signal.EVENTS, envelopes())], now_ms=NOW) as running:
        yield running


def bucket_of(time: int, granularity: str) -> int:
    """By the calendar, not by the same arithmetic: weeks begin on Monday 1970-01-05."""
    length = LENGTHS[granularity]
    if not granularity.endswith("w"):
        return time // length * length
    monday = datetime(1970, 1, 5, tzinfo=UTC).timestamp() * 1000
    return int(monday + (time - monday) // length * length)


def keeps(filter_: dict[str, Any], event: Event) -> bool:
    have: str = event.dims.get(filter_["key"], "")
    value: Any = filter_.get("value")
    match filter_["op"]:
        case "=":
            return bool(have == value)
        case "!=":
            return bool(have != value)
        case "in":
            return have in value
        case "!in":
            return have not in value
        case "=~":
            return re.fullmatch(value, have) is not None
        case _:
            return have != ""


def check_quantile(values: list[float], level: float, got: float | None) -> None:
    """Within 1 % of some value between the ranks below and above; None without values."""
    if not values:
        assert got is None
        return
    assert got is not None
    ordered = sorted(values)
    rank = level * (len(ordered) - 1)
    low, high = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    # the sketch has its own idea of a rank among few values: one to either side
    low = min(low, ordered[max(math.floor(rank) - 1, 0)])
    high = max(high, ordered[min(math.ceil(rank) + 1, len(ordered) - 1)])
    assert low - abs(low) * 0.0101 - 1e-9 <= got <= high + abs(high) * 0.0101 + 1e-9


def check_cell(agg: str, events: list[Event], got: Any, seconds: float) -> None:
    weight = sum(e.weight for e in events)
    values = [e.value for e in events if e.value is not None]
    weighted = sum(e.weight * e.value for e in events if e.value is not None)
    if agg == "count":
        assert got == weight
        assert isinstance(got, int)
    elif agg == "rate":
        assert got == pytest.approx(weight / seconds)
    elif agg.startswith("p"):
        check_quantile(values, float(agg[1:]) / 100, got)
    elif agg == "uniq_users":
        assert got == len({e.user for e in events if e.user})
    elif agg == "uniq_sessions":
        assert got == len({e.session for e in events})
    elif not values:
        assert got is None
    elif agg == "sum":
        assert got == pytest.approx(weighted, abs=1e-6)
    elif agg == "avg":
        present = sum(e.weight for e in events if e.value is not None)
        assert got == pytest.approx(weighted / present, abs=1e-6)
    else:
        assert got == pytest.approx(min(values) if agg == "min" else max(values))


AGGREGATES = ["count", "sum", "avg", "min", "max", "rate", "p50", "p95", "p99", "p12.5",
              "uniq_users", "uniq_sessions"]  # fmt: skip
filters = st.one_of(
    st.builds(
        lambda o, v: {"key": "country", "op": o, "value": v},
        st.sampled_from(["=", "!="]), st.sampled_from(COUNTRIES),
    ),
    st.builds(
        lambda o, v: {"key": "page", "op": o, "value": v},
        st.sampled_from(["in", "!in"]), st.lists(st.sampled_from(PAGES), max_size=3),
    ),
    st.builds(
        lambda v: {"key": "page", "op": "=~", "value": v},
        st.sampled_from(["/product/.*", "/", "/[ab].*", "/a|/product/1", ".*"]),
    ),
    st.just({"key": "country", "op": "exists"}),
)  # fmt: skip
questions = st.fixed_dictionaries(
    {
        "metric": st.sampled_from(["lcp", "click"]),
        "granularity": st.sampled_from(sorted(LENGTHS)),
        "filters": st.lists(filters, max_size=2),
        "groupBy": st.lists(st.sampled_from(["country", "page", "app"]), max_size=3, unique=True),
        "agg": st.lists(st.sampled_from(AGGREGATES), min_size=1, max_size=5, unique=True),
        "from": st.integers(NOW - 3 * DAY, NOW - 1),
        "limit": st.sampled_from([2, 1000]),
    }
)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(body=questions, token=st.sampled_from(["acme", "shop", "other"]))
def test_an_answer_is_what_counting_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    length = LENGTHS[body["granularity"]]
    if length >= DAY:
        body["from"] = NOW - 40 * DAY
    body["to"] = NOW
    if length < HOUR and body["groupBy"] and body["limit"] > 100:
        body["from"] = max(body["from"], NOW - 6 * HOUR)
    answer = answers("/v1/query/timeseries", token, body)
    first = bucket_of(body["from"], body["granularity"])
    org, app = {"acme": ("acme", ""), "shop": ("acme", "shop"), "other": ("other", "")}[token]
    expected: dict[tuple[str, ...], dict[int, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for event in EVENTS:
        bucket = bucket_of(event.time, body["granularity"])
        if (
            event.org == org
            and app in ("", event.app)
            and event.name == body["metric"]
            and bucket >= first
            and all(keeps(filter_, event) for filter_ in body["filters"])
        ):
            labels = (event.dims | {"app": event.app}).get
            expected[tuple(labels(key, "") for key in body["groupBy"])][bucket].append(event)
    totals = {
        key: sum(e.weight for events in buckets.values() for e in events)
        for key, buckets in expected.items()
    }
    largest = sorted(totals, key=lambda key: (-totals[key], [k.encode() for k in key]))
    assert answer["meta"]["truncated"] is (len(largest) > body["limit"])
    assert [tuple(s["labels"].values()) for s in answer["series"]] == largest[: body["limit"]]
    assert answer["meta"]["sampled"] is any(
        e.weight != 1
        for key in largest[: body["limit"]]
        for es in expected[key].values()
        for e in es
    )
    for series in answer["series"]:
        buckets = expected[tuple(series["labels"].values())]
        assert [row[0] for row in series["rows"]] == sorted(buckets)
        for row in series["rows"]:
            for agg, got in zip(body["agg"], row[1:], strict=True):
                passed = min(length, (NOW - row[0]) // 1000 * 1000)  # of the running one
                check_cell(agg, buckets[row[0]], got, passed / 1000)


LABELS: dict[str, Callable[[datetime], Any]] = {
    "15m": lambda at: (at.utcoffset(), at.replace(minute=at.minute // 15 * 15, second=0)),
    "hour": lambda at: (at.utcoffset(), at.replace(minute=0, second=0)),
    "6h": lambda at: (at.date(), at.hour // 6),
    "1d": lambda at: at.date(),
    "week": lambda at: at.date() - timedelta(days=(at.weekday() + 1) % 7),
    "1mo": lambda at: (at.year, at.month),
}
"""Of a local time: which bucket it is in; weeks from Sunday. The clocks of these zones change on
days that the events lie on."""


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    granularity=st.sampled_from(sorted(LABELS)),
    tz=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]),
    days=st.integers(1, 40),
)
def test_buckets_of_a_zone_hold_what_its_calendar_says(
    answers: Answers, granularity: str, tz: str, days: int
) -> None:
    zone, label = ZoneInfo(tz), LABELS[granularity]

    def bucket(time: int) -> Any:
        return label(datetime.fromtimestamp(time // 1000, zone))

    body = {
        "metric": "lcp", "from": NOW - days * DAY, "to": NOW, "granularity": granularity,
        "tz": tz, "weekStart": "sunday", "agg": ["count", "rate"],
    }  # fmt: skip
    answer = answers("/v1/query/timeseries", "acme", body)
    first, until = answer["meta"]["from"], answer["meta"]["to"]
    expected: dict[Any, float] = defaultdict(float)
    for event in EVENTS:
        if event.org == "acme" and event.name == "lcp" and event.time >= first:
            expected[bucket(event.time)] += event.weight
    rows = [row for series in answer["series"] for row in series["rows"]]
    assert {bucket(start): count for start, count, _ in rows} == expected
    assert bucket(first) == bucket(NOW - days * DAY)
    assert bucket(first - MINUTE) != bucket(first)
    assert bucket(until) != bucket(until - MINUTE) == bucket(NOW)
    (running,) = answer["meta"]["partial"]
    assert bucket(running) == bucket(NOW) != bucket(running - MINUTE)
    for start, count, rate in rows:
        end = start + MINUTE
        while bucket(end) == bucket(start) and end < NOW:
            end += MINUTE
        assert rate == pytest.approx(count / ((min(end, NOW) - start) // 1000))
