"""Cohorts from the real store against people followed by hand, by the calendar."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from api.query.calendar import WeekStart
from tests.support.people_events import (
    DAY,
    EVENTS,
    HOUR,
    NAMES,
    NOW,
    TOKENS,
    answering_people,
    persons,
)
from tests.support.questions_stack import Answers

pytestmark = pytest.mark.integration
DAYS = get_args(WeekStart)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering_people(Path(tmp_path_factory.mktemp("retention"))) as running:
        yield running


def period_of(time_ms: float, body: dict[str, Any]) -> datetime:
    """The local start of the period that holds an instant; sums of local times keep midnight."""
    day = datetime.fromtimestamp(time_ms / 1000, ZoneInfo(body["tz"])).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    if body["period"] == "day":
        return day
    return day - timedelta(days=(day.weekday() - DAYS.index(body["weekStart"])) % 7)


questions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "start": st.sampled_from(NAMES),
        "return": st.sampled_from([*NAMES, None]),
        "period": st.sampled_from(["day", "week"]),
        "periods": st.sampled_from([0, 1, 3, 20]),
        "from": st.sampled_from([NOW - HOUR, NOW - 5 * DAY, NOW - 9 * DAY]),
        "to": st.sampled_from([NOW, NOW - 2 * DAY]),
        "filters": st.sampled_from([[], [{"key": "page", "value": "/a"}]]),
        "identity": st.sampled_from(["session", "user", "linked", None]),
        "tz": st.sampled_from(["UTC", "Asia/Kathmandu", "America/Los_Angeles"]),
        "weekStart": st.sampled_from(["monday", "sunday"]),
    }
)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(body=questions, token=st.sampled_from(["acme", "shop", "other"]))
def test_cohorts_are_what_following_everybody_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    if body["return"] is None:
        del body["return"]
    if body["identity"] is None:
        del body["identity"]
    assume(body["from"] < body["to"])
    answer = answers("/v1/query/retention", token, body)
    step = timedelta(days=7 if body["period"] == "week" else 1)
    since = period_of(body["from"], body)
    until = period_of(body["to"] - 1, body) + step
    org, app = TOKENS[token]
    in_range = [
        e for e in EVENTS
        if e.org == org and app in ("", e.app)
        and since.timestamp() * 1000 <= e.time < until.timestamp() * 1000
    ]  # fmt: skip
    person = persons(in_range, body.get("identity", "linked"))
    seen = [
        e for e in in_range
        if person[e.id] and all(e.label(f["key"]) == f["value"] for f in body["filters"])
    ]  # fmt: skip
    began: dict[str, int] = {}
    for event in sorted(seen, key=lambda e: e.time):
        if event.name == body["start"]:
            began.setdefault(person[event.id], event.time)
    back: dict[str, set[datetime]] = defaultdict(set)
    for event in seen:
        name = body.get("return", body["start"])
        if event.name == name and event.time >= began.get(person[event.id], NOW + DAY):
            back[person[event.id]].add(period_of(event.time, body))
    cohorts: dict[datetime, list[str]] = defaultdict(list)
    for who, time in began.items():
        cohorts[period_of(time, body)].append(who)
    assert [
        (c["start"], c["people"], c["returned"]) for c in answer["cohorts"]
    ] == [
        (
            start.timestamp() * 1000,
            len(people),
            [
                sum(start + k * step in back[p] for p in people)
                for k in range(body["periods"] + 1)
                if start + k * step < until
            ],
        )
        for start, people in sorted(cohorts.items())
    ]  # fmt: skip
    names = {body["start"], body.get("return", body["start"])}
    assert answer["meta"]["sampled"] is any(
        e.weight != 1 for e in seen if e.name in names and person[e.id] in began
    )
