"""One rule of identity: `uniq_users` of series and top, the first step of a funnel, and counting
by hand are the same people, whatever is asked."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.people_events import (
    DAY,
    HOUR,
    MINUTE,
    NAMES,
    NOW,
    Event,
    answering_people,
    persons,
    visible,
)
from tests.support.questions_stack import Answers

pytestmark = pytest.mark.integration
TODAY = NOW // DAY * DAY
IDENTITIES = ["session", "user", "linked"]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering_people(Path(tmp_path_factory.mktemp("people"))) as running:
        yield running


def people(events: list[Event], person: dict[str, str]) -> int:
    return len({person[e.id] for e in events if person[e.id]})


filters = st.sampled_from(
    [
        [],
        [{"key": "country", "op": "!=", "value": "US"}],
        [{"key": "plan", "value": "gold"}, {"key": "page", "op": "in", "value": ["/", "/a"]}],
    ]
)


def keeps(body: dict[str, Any], event: Event) -> bool:
    """Whether it is of the metric, and the filters above let it through."""
    for one in body["filters"]:
        have = event.label(one["key"])
        match one.get("op"):
            case "!=":
                kept = have != one["value"]
            case "in":
                kept = have in one["value"]
            case _:
                kept = have == one["value"]
        if not kept:
            return False
    return bool(event.name == body["metric"])


questions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "metric": st.sampled_from([*NAMES, "nothing"]),
        "identity": st.sampled_from(IDENTITIES),
        "filters": filters,
        "from": st.sampled_from([NOW - HOUR, TODAY - DAY, NOW - 9 * DAY]),
        "to": st.sampled_from([NOW, NOW - 20 * MINUTE]),
    }
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    body=questions,
    by=st.sampled_from(["country", "app", "plan"]),
    token=st.sampled_from(["acme", "shop", "other"]),
)
def test_people_of_top_are_those_of_a_funnel_and_of_counting(
    answers: Answers, body: dict[str, Any], by: str, token: str
) -> None:
    top = answers("/v1/query/top", token, {**body, "agg": "uniq_users", "by": by, "limit": 100})
    steps = {key: value for key, value in body.items() if key != "metric"}
    funnels = answers("/v1/query/funnel", token, {**steps, "steps": [body["metric"]]})["funnels"]
    first = sum(funnel["steps"][0]["people"] for funnel in funnels)

    in_range = visible(token, body["from"], body["to"])
    person = persons(in_range, body["identity"])
    seen = [e for e in in_range if keeps(body, e)]
    groups: dict[str, list[Event]] = defaultdict(list)
    for event in seen:
        groups[event.label(by)].append(event)
    assert {v["label"]: v["value"] for v in top["values"]} == {
        label: people(events, person) for label, events in groups.items()
    }
    assert (top["total"] or 0) == people(seen, person) == first


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    body=questions,
    keys=st.sampled_from([[], ["country"], ["app", "page"]]),
    granularity=st.sampled_from(["1h", "1d", "9d"]),
    token=st.sampled_from(["acme", "shop", "other"]),
)
def test_people_of_series_are_those_of_counting(
    answers: Answers, body: dict[str, Any], keys: list[str], granularity: str, token: str
) -> None:
    asked = {
        **body, "granularity": granularity, "groupBy": keys, "limit": 1000,
        "agg": ["uniq_users", "count", "uniq_sessions", "max"],
    }  # fmt: skip
    answer = answers("/v1/query/timeseries", token, asked)
    length = {"1h": HOUR, "1d": DAY, "9d": 9 * DAY}[granularity]
    since, until = answer["meta"]["from"], answer["meta"]["to"]
    in_range = visible(token, since, until)
    person = persons(in_range, body["identity"])
    cells: dict[tuple[str, ...], dict[int, list[Event]]] = defaultdict(lambda: defaultdict(list))
    for event in in_range:
        if keeps(body, event):
            label = tuple(event.label(key) for key in keys)
            cells[label][event.time // length * length].append(event)
    assert {
        tuple(series["labels"].values()): series["rows"] for series in answer["series"]
    } == {
        label: [
            [
                start,
                people(events, person),
                sum(e.weight for e in events),
                len({e.session for e in events if e.session}),
                max((e.value for e in events if e.value is not None), default=None),
            ]
            for start, events in sorted(buckets.items())
        ]
        for label, buckets in cells.items()
    }  # fmt: skip
    assert answer["meta"]["sampled"] is any(
        e.weight != 1 for buckets in cells.values() for es in buckets.values() for e in es
    )


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(NAMES),
    day=st.integers(0, 8),
    token=st.sampled_from(["acme", "shop", "other"]),
)
def test_a_day_has_one_number_of_people_in_series_and_funnel(
    answers: Answers, name: str, day: int, token: str
) -> None:
    range_ = {"from": TODAY - day * DAY, "to": TODAY - (day - 1) * DAY}
    found = {}
    for identity in IDENTITIES:
        series = answers(
            "/v1/query/timeseries", token,
            {**range_, "metric": name, "identity": identity, "granularity": "day",
             "agg": ["uniq_users", "count"]},
        )["series"]  # fmt: skip
        funnel = answers(
            "/v1/query/funnel", token, {**range_, "steps": [name], "identity": identity}
        )["funnels"]
        rows = [row for one in series for row in one["rows"]]
        found[identity] = sum(row[1] for row in rows)
        assert found[identity] == sum(one["steps"][0]["people"] for one in funnel)
        assert all(row[1] <= row[2] for row in rows)
    assert found["linked"] <= found["user"]
