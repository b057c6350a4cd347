"""Funnels from the real store against chains followed by hand."""

import statistics
import zlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.people_events import DAY, HOUR, NAMES, NOW, Answers, Event, answering, visible

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering(Path(tmp_path_factory.mktemp("funnel"))) as running:
        yield running


def matches(step: Any, event: Event) -> bool:
    if isinstance(step, str):
        return event.name == step
    return event.name == step["name"] and all(
        event.label(f["key"]) == f["value"] for f in step["filters"]
    )


Chain = tuple[str, list[int]]


def order(event: tuple[int, int, list[int], str]) -> tuple[int, int, int, int]:
    at, clock, matched, label = event
    return at, clock, sum(1 << step - 1 for step in matched), zlib.crc32(label.encode())


def longest_chain(events: list[tuple[int, int, list[int], str]], steps: int, window: int) -> Chain:
    """The chain that counts; its length is checked against trying every beginning."""
    latest: list[Chain] = [("", [])] * (steps + 1)
    best: Chain = ("", [])
    for at, _, matched, label in events:
        now = list(latest)
        for step in matched:
            before = latest[step - 1]
            if step == 1:
                now[1] = (label, [at])
            elif before[1] and at - before[1][0] <= window:
                now[step] = (before[0], [*before[1], at])
            if len(now[step][1]) > len(best[1]):
                best = now[step]
        latest = now
    assert len(best[1]) == max(
        (greedy(events[i:], window) for i, e in enumerate(events) if 1 in e[2]), default=0
    )
    return best


def greedy(events: list[tuple[int, int, list[int], str]], window: int) -> int:
    """How far one gets from the first of these events, taking each next step at once."""
    reached = 1
    for at, _, matched, _ in events[1:]:
        if reached + 1 in matched and at - events[0][0] <= window:
            reached += 1
    return reached


def quantile(values: list[int], level: float) -> float:
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=10, method="inclusive")[round(level * 10) - 1]


step = st.one_of(
    st.sampled_from(NAMES),
    st.builds(
        lambda n, k: {"name": n, "filters": [{"key": k[0], "value": k[1]}]},
        st.sampled_from(NAMES),
        st.sampled_from([("page", "/"), ("page", "/a"), ("plan", "gold"), ("country", "US")]),
    ),
)
questions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "steps": st.lists(step, min_size=1, max_size=5),
        "windowSec": st.sampled_from([1, 60, 600, 3600, 86_400, 9 * 86_400]),
        "groupBy": st.sampled_from(["", "country", "page", "app"]),
        "from": st.sampled_from([NOW - HOUR, NOW - 7 * HOUR, NOW - 9 * DAY]),
        "to": st.sampled_from([NOW, NOW - 30_000_000]),
        "filters": st.sampled_from([[], [{"key": "plan", "value": "iron"}]]),
        "limit": st.sampled_from([1, 50]),
    }
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(body=questions, token=st.sampled_from(["acme", "shop", "other"]))
def test_a_funnel_is_what_following_everybody_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    assume(body["from"] < body["to"])
    answer = answers("/v1/query/funnel", token, body)
    people: dict[str, list[tuple[int, int, list[int], str]]] = defaultdict(list)
    sampled: set[str] = set()
    for event in visible(token, body["from"], body["to"]):
        matched = [i + 1 for i, s in enumerate(body["steps"]) if matches(s, event)]
        kept = all(event.label(f["key"]) == f["value"] for f in body["filters"])
        if matched and kept and event.person != "s":
            label = event.label(body["groupBy"]) if body["groupBy"] else ""
            people[event.person].append((event.time, event.ts, matched, label))
            if event.weight != 1:
                sampled.add(event.person)
    groups: dict[str, list[list[int]]] = defaultdict(list)
    weighted: set[str] = set()
    for person, events in people.items():
        label, times = longest_chain(
            sorted(events, key=order), len(body["steps"]), body["windowSec"] * 1000
        )
        if times:
            groups[label].append(times)
            weighted |= {label} if person in sampled else set()
    largest = sorted(groups, key=lambda key: (-len(groups[key]), key.encode()))
    shown = largest[: body["limit"]]
    assert answer["meta"]["truncated"] is (len(largest) > body["limit"])
    assert answer["meta"]["sampled"] is bool(weighted & set(shown))
    assert [list(f["labels"].values()) for f in answer["funnels"]] == [
        [label] if body["groupBy"] else [] for label in shown
    ]
    for label, funnel in zip(shown, answer["funnels"], strict=True):
        check_steps(funnel["steps"], groups[label])


def check_steps(steps: list[dict[str, Any]], chains: list[list[int]]) -> None:
    counts = [sum(len(c) > k for c in chains) for k in range(len(steps))]
    assert [s["people"] for s in steps] == counts
    assert [s["fromFirst"] for s in steps] == pytest.approx([c / counts[0] for c in counts])
    assert [s["medianMs"] for s in steps[:1]] == [None]
    for k in range(1, len(steps)):
        reached = [c for c in chains if len(c) > k]
        if not reached:
            assert steps[k]["medianMs"] is steps[k]["p90FromFirstMs"] is None
            continue
        assert steps[k]["fromPrevious"] == pytest.approx(counts[k] / counts[k - 1])
        for name, values in (
            ("{}Ms", [c[k] - c[k - 1] for c in reached]),
            ("{}FromFirstMs", [c[k] - c[0] for c in reached]),
        ):
            assert steps[k][name.format("median")] == pytest.approx(quantile(values, 0.5))
            assert steps[k][name.format("p90")] == pytest.approx(quantile(values, 0.9))
