"""Funnels from the real store against chains followed by hand."""

import statistics
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cmp_to_key
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.support.people_events import (
    DAY,
    HOUR,
    NAMES,
    NOW,
    Event,
    answering_people,
    persons,
    visible,
)
from tests.support.questions_stack import Answers

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering_people(Path(tmp_path_factory.mktemp("funnel"))) as running:
        yield running


def matches(step: Any, event: Event) -> bool:
    if isinstance(step, str):
        return event.name == step
    return event.name == step["name"] and all(
        event.label(f["key"]) == f["value"] for f in step["filters"]
    )


Matched = tuple[int, int, list[int], str]
"""Time, device's clock, the steps that the event matches (from 1), label."""


@dataclass
class Reached:
    """The chain of one person that counts at one step."""

    at: int
    before: int
    first: int


def comes_first(one: Matched, other: Matched) -> int:
    """Below 0 if one comes before other: by time, by clock, in the order of the steps."""
    if one[:2] != other[:2]:
        return -1 if one[:2] < other[:2] else 1
    mine, others = sorted(one[2]), sorted(other[2])
    if mine[0] != others[0]:
        return mine[0] - others[0]
    for step in sorted({*mine, *others}):
        if (step in mine) != (step in others):
            return 1 if step in mine else -1
    return 0


def followed(events: list[Matched], steps: int, window: int) -> list[Reached]:
    """What counts for a person at each step that is reached, by trying every event before."""
    events = sorted(events, key=cmp_to_key(comes_first))
    found: list[Reached] = []
    begun: list[int | None] = []
    for step in range(1, steps + 1):
        now: list[int | None] = []
        for place, (at, _, matched, _) in enumerate(events):
            begins = [
                begin for begin in begun[:place] if begin is not None and at - begin <= window
            ]
            first = at if step == 1 else max(begins, default=None)
            now.append(first if step in matched else None)
        ends = [place for place, begin in enumerate(now) if begin is not None]
        assert bool(ends) is any(
            reaches(events[place:], step, window)
            for place, event in enumerate(events)
            if 1 in event[2]
        )
        if not ends:
            return found
        begin = now[ends[0]]
        assert begin is not None
        led = [place for place in range(ends[0]) if step > 1 and begun[place] is not None]
        found.append(Reached(events[ends[0]][0], events[led[-1]][0] if led else 0, begin))
        begun = now
    return found


def reaches(events: list[Matched], step: int, window: int) -> bool:
    """Whether one gets so far from the first of these events, taking each next step at once."""
    reached = 1
    for at, _, matched, _ in events[1:]:
        if reached + 1 in matched and at - events[0][0] <= window:
            reached += 1
    return reached >= step


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
        "identity": st.sampled_from(["session", "user", "linked"]),
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
    in_range = visible(token, body["from"], body["to"])
    person = persons(in_range, body["identity"])
    people: dict[str, list[Matched]] = defaultdict(list)
    sampled: set[str] = set()
    for event in in_range:
        matched = [i + 1 for i, s in enumerate(body["steps"]) if matches(s, event)]
        counts = all(event.label(f["key"]) == f["value"] for f in body["filters"])
        if matched and counts and person[event.id]:
            label = event.label(body["groupBy"]) if body["groupBy"] else ""
            people[person[event.id]].append((event.time, event.ts, matched, label))
            if event.weight != 1:
                sampled.add(person[event.id])
    groups: dict[str, list[list[Reached]]] = defaultdict(list)
    weighted: set[str] = set()
    for who, events in people.items():
        firsts = [(at, clock, label) for at, clock, matched, label in events if 1 in matched]
        if firsts:
            label = min(firsts, key=lambda first: (first[0], first[1], first[2].encode()))[2]
            groups[label].append(followed(events, len(body["steps"]), body["windowSec"] * 1000))
            weighted |= {label} if who in sampled else set()
    largest = sorted(groups, key=lambda key: (-len(groups[key]), key.encode()))
    shown = largest[: body["limit"]]
    assert answer["meta"]["truncated"] is (len(largest) > body["limit"])
    assert answer["meta"]["sampled"] is bool(weighted & set(shown))
    assert [list(f["labels"].values()) for f in answer["funnels"]] == [
        [label] if body["groupBy"] else [] for label in shown
    ]
    for label, funnel in zip(shown, answer["funnels"], strict=True):
        check_steps(funnel["steps"], groups[label])


def check_steps(steps: list[dict[str, Any]], chains: list[list[Reached]]) -> None:
    counts = [sum(len(c) > k for c in chains) for k in range(len(steps))]
    assert [s["people"] for s in steps] == counts
    assert [s["fromFirst"] for s in steps] == pytest.approx([c / counts[0] for c in counts])
    assert [s["medianMs"] for s in steps[:1]] == [None]
    for k in range(1, len(steps)):
        reached = [c[k] for c in chains if len(c) > k]
        if not reached:
            assert steps[k]["medianMs"] is steps[k]["p90FromFirstMs"] is None
            continue
        assert steps[k]["fromPrevious"] == pytest.approx(counts[k] / counts[k - 1])
        for name, values in (
            ("{}Ms", [chain.at - chain.before for chain in reached]),
            ("{}FromFirstMs", [chain.at - chain.first for chain in reached]),
        ):
            assert steps[k][name.format("median")] == pytest.approx(quantile(values, 0.5))
            assert steps[k][name.format("p90")] == pytest.approx(quantile(values, 0.9))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(body=questions, token=st.sampled_from(["acme", "shop"]), added=step)
def test_an_added_step_changes_no_step_before_it(
    answers: Answers, body: dict[str, Any], token: str, added: Any
) -> None:
    """Counts, groups and times: of each step, and so of the order of the groups."""
    assume(body["from"] < body["to"])
    shorter = answers("/v1/query/funnel", token, body)
    longer = answers("/v1/query/funnel", token, {**body, "steps": [*body["steps"], added]})
    assert [
        {**funnel, "steps": funnel["steps"][:-1]} for funnel in longer["funnels"]
    ] == shorter["funnels"]  # fmt: skip


@settings(max_examples=40, deadline=None, derandomize=True)
@given(body=questions, token=st.sampled_from(["acme", "shop"]))
def test_no_step_has_more_people_than_events_or_than_the_step_before(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    assume(body["from"] < body["to"])
    everybody = {**body, "groupBy": "", "filters": []}
    in_range = visible(token, body["from"], body["to"])
    for funnel in answers("/v1/query/funnel", token, everybody)["funnels"]:
        people = [step["people"] for step in funnel["steps"]]
        assert people == sorted(people, reverse=True)
        for count, asked in zip(people, body["steps"], strict=True):
            assert count <= sum(matches(asked, event) for event in in_range)
