"""The largest values from the real store, by dimensions and by attributes, against counting."""

import statistics
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
    visible,
)
from tests.support.questions_stack import Answers

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering_people(Path(tmp_path_factory.mktemp("top"))) as running:
        yield running


def number(events: list[Event], agg: str, seconds: float) -> Any:
    """What an aggregate gives, exactly."""
    values = [e.value for e in events if e.value is not None]
    weight = sum(e.weight for e in events)
    match agg:
        case "count":
            return weight
        case "rate":
            return weight / seconds
        case "uniq_users":
            return len({e.user for e in events if e.user})
        case "uniq_sessions":
            return len({e.session for e in events if e.session})
        case "sum":
            weighted = [e.weight * e.value for e in events if e.value is not None]
            return sum(weighted) if values else None
        case "max":
            return max(values, default=None)
        case _:
            return statistics.median(values) if values else None


questions: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "metric": st.sampled_from([*NAMES, "nothing"]),
        "by": st.sampled_from(["country", "page", "app", "plan"]),
        "agg": st.sampled_from(["count", "rate", "sum", "max", "uniq_users", "uniq_sessions"]),
        "from": st.sampled_from([NOW - HOUR, NOW - 5 * HOUR, NOW - 9 * DAY]),
        "to": st.sampled_from([NOW, NOW - 1_800_000]),
        "filters": st.sampled_from([[], [{"key": "country", "op": "!=", "value": "US"}]]),
        "limit": st.sampled_from([1, 2, 50]),
    }
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(body=questions, token=st.sampled_from(["acme", "shop", "other"]))
def test_the_largest_are_what_counting_gives(
    answers: Answers, body: dict[str, Any], token: str
) -> None:
    answer = answers("/v1/query/top", token, body)
    dimension = body["by"] in ("country", "page", "app")
    length = MINUTE if not dimension or body["from"] > NOW - 6 * HOUR else HOUR
    since, until = body["from"] // length * length, -(-body["to"] // length) * length
    seconds = (min(until, NOW) - since) // 1000  # the running bucket counts so far
    groups: dict[str, list[Event]] = defaultdict(list)
    for e in visible(token, since, until):
        if e.name == body["metric"] and (not body["filters"] or e.label("country") != "US"):
            groups[e.label(body["by"])].append(e)
    numbers = {label: number(events, body["agg"], seconds) for label, events in groups.items()}
    ordered = sorted(numbers, key=lambda k: (numbers[k] is None, -(numbers[k] or 0), k.encode()))
    shown, others = ordered[: body["limit"]], ordered[body["limit"] :]
    rest = [e for label in others for e in groups[label]]
    everything = [e for events in groups.values() for e in events]
    expected = [(label, numbers[label]) for label in shown]
    if rest:
        expected.append(("__other__", number(rest, body["agg"], seconds)))
    total = number(everything, body["agg"], seconds) if everything else None
    assert answer["total"] == pytest.approx(total)
    assert [(v["label"], v["value"]) for v in answer["values"]] == [
        (label, pytest.approx(value)) for label, value in expected
    ]
    assert answer["meta"]["truncated"] is bool(rest)
    assert answer["meta"]["sampled"] is any(e.weight != 1 for e in everything)
    if body["agg"] in ("count", "rate") and everything:
        shares = [v["share"] for v in answer["values"]]
        assert sum(shares) == pytest.approx(1)
    elif body["agg"].startswith("uniq"):
        assert all(v["share"] is None for v in answer["values"])
