"""Sessions and paths from the real store against sessions cut by hand."""

import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.questions.sessions import TIE
from tests.support.people_events import (
    COUNTRIES,
    DAY,
    EVENTS,
    HOUR,
    MINUTE,
    NAMES,
    NOW,
    PAGES,
    TOKENS,
    Event,
    answering_people,
    persons,
)
from tests.support.questions_stack import Answers

pytestmark = pytest.mark.integration
LENGTHS = {"1h": HOUR, "1d": DAY}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    with answering_people(Path(tmp_path_factory.mktemp("sessions"))) as running:
        yield running


class Ties(dict[str, int]):
    """What the store decides by between events of one time, clock and weight, by their ids."""

    def __repr__(self) -> str:
        return "Ties"  # the whole of it is too long for hypothesis


@pytest.fixture(scope="module")
def ties(answers: Answers) -> Ties:
    text = answers.runner.run(
        answers.store.run(
            f"SELECT event_id, {TIE} FROM seamark.events FORMAT JSONCompactEachRow",
            output_format_json_quote_64bit_integers="0",
        )
    )
    return Ties(json.loads(line) for line in text.splitlines())


def cut(events: Sequence[tuple[Any, ...]], gap_ms: int) -> list[list[tuple[Any, ...]]]:
    """Sessions of one key; each event is a tuple that begins with its time."""
    sessions: list[list[tuple[Any, ...]]] = []
    for event in sorted(events):
        if sessions and event[0] - sessions[-1][-1][0] <= gap_ms:
            sessions[-1].append(event)
        else:
            sessions.append([event])
    return sessions


def by_key(
    token: str, since: int, until: int, keep: Any, identity: str = "session"
) -> dict[str, list[Event]]:
    org, app = TOKENS[token]
    in_range = [
        e for e in EVENTS if e.org == org and app in ("", e.app) and since <= e.time < until
    ]
    person = persons(in_range, identity)
    found: dict[str, list[Event]] = defaultdict(list)
    for e in in_range:
        if keep(e):
            found[person[e.id]].append(e)
    found.pop("", None)
    return found


def quantile(values: list[int], level: float) -> float:
    if len(values) == 1:
        return values[0]
    return statistics.quantiles(values, n=20, method="inclusive")[round(level * 20) - 1]


def whole(time: int, length: int) -> int:
    return time // length * length


session_questions = st.fixed_dictionaries(
    {
        "granularity": st.sampled_from(["1h", "1d", "all"]),
        "groupBy": st.sampled_from(["", "country", "app", "page", "name", "feature"]),
        "gapSec": st.sampled_from([30, 300, 899, 900, 1800, 86_400]),
        # the rollup counts views of this name; it knows no filters, and no `feature`
        "view": st.sampled_from(["page_view", "page_view", *NAMES[1:]]),
        "from": st.sampled_from([NOW - HOUR, NOW - 5 * HOUR, NOW - 9 * DAY]),
        # in the middle of a slot, now and in the past, and where one begins
        "to": st.sampled_from([NOW, NOW - 7 * MINUTE, NOW - 30 * MINUTE, NOW - 39 * MINUTE]),
        "filters": st.sampled_from([[], [], [{"key": "plan", "value": "gold"}]]),
        "limit": st.sampled_from([1, 50]),
    }
)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(body=session_questions, token=st.sampled_from(["acme", "shop", "other"]))
def test_sessions_are_what_cutting_by_hand_gives(
    answers: Answers, ties: Ties, body: dict[str, Any], token: str
) -> None:
    answer = answers("/v1/query/sessions", token, body)
    length = LENGTHS.get(body["granularity"], MINUTE)
    since, until = whole(body["from"], length), whole(body["to"] - 1, length) + length
    gap = body["gapSec"] * 1000
    keys = by_key(token, since - gap, until, lambda e: keeps(e, body))
    found: dict[str, dict[int, list[list[tuple[Any, ...]]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for events in keys.values():
        tuples = [
            (e.time, e.ts, e.weight, ties[e.id], label_of(e, body), e.name == body["view"])
            for e in events
        ]
        for session in cut(tuples, gap):
            if session[0][0] >= since:
                bucket = since if body["granularity"] == "all" else whole(session[0][0], length)
                found[session[0][4]][bucket].append(session)
    totals = {
        label: sum(s[0][2] for ss in buckets.values() for s in ss)
        for label, buckets in found.items()
    }
    largest = sorted(totals, key=lambda label: (-totals[label], label.encode()))
    assert [list(s["labels"].values()) for s in answer["series"]] == [
        [label] if body["groupBy"] else [] for label in largest[: body["limit"]]
    ]
    assert answer["meta"]["truncated"] is (len(largest) > body["limit"])
    for label, series in zip(largest, answer["series"], strict=False):
        assert [row[0] for row in series["rows"]] == sorted(found[label])
        for row in series["rows"]:
            check_row(row, found[label][row[0]])


def label_of(event: Event, body: dict[str, Any]) -> str:
    return event.name if body["groupBy"] == "name" else event.label(body["groupBy"])


def keeps(event: Event, body: dict[str, Any]) -> bool:
    return all(event.label(f["key"]) == f["value"] for f in body["filters"])


def check_row(row: list[Any], sessions: list[list[tuple[Any, ...]]]) -> None:
    weight = sum(s[0][2] for s in sessions)
    lengths = [s[-1][0] - s[0][0] for s in sessions]
    assert row[1] == weight
    assert row[2] == pytest.approx(sum(s[0][2] * len(s) for s in sessions) / weight)
    assert row[3] == pytest.approx(quantile(lengths, 0.5))
    assert row[4] == pytest.approx(quantile(lengths, 0.95))
    views = [(sum(e[5] for e in s), s[0][2]) for s in sessions]
    viewed = sum(w for count, w in views if count)
    expected = sum(w for count, w in views if count == 1) / viewed if viewed else None
    assert row[5] == (pytest.approx(expected) if viewed else None)


path_questions = st.one_of(
    *(
        st.fixed_dictionaries(
            {
                "of": st.just(of),
                "start": st.sampled_from(starts),
                "view": st.sampled_from(NAMES),
                "direction": st.sampled_from(["next", "previous"]),
                "depth": st.sampled_from([1, 2, 5]),
                "gapSec": st.sampled_from([60, 1800]),
                "from": st.sampled_from([NOW - HOUR, NOW - 9 * DAY]),
                "to": st.sampled_from([NOW, NOW - 1_800_000]),
                "filters": st.sampled_from(
                    [[], [{"key": "country", "op": "in", "value": COUNTRIES[:1]}]]
                ),
                "identity": st.sampled_from(["session", "session", "user", "linked"]),
                "limit": st.sampled_from([2, 200]),
            }
        )
        for of, starts in (("page", PAGES), ("event", NAMES))
    )
)


@pytest.fixture(scope="module")
def hashes(answers: Answers) -> dict[str, int]:
    """SipHash-2-4 of pages and names, which orders events of one instant."""
    nodes = ["", *PAGES, *NAMES]
    asked = ", ".join(f"sipHash64('{node}')" for node in nodes)
    answer = answers.runner.run(answers.store.run(f"SELECT {asked} FORMAT TSV"))
    return dict(zip(nodes, map(int, answer.split()), strict=True))


@settings(max_examples=120, deadline=None, derandomize=True)
@given(body=path_questions, token=st.sampled_from(["acme", "shop", "other"]))
def test_paths_are_what_walking_by_hand_gives(
    answers: Answers, hashes: dict[str, int], body: dict[str, Any], token: str
) -> None:
    answer = answers("/v1/query/paths", token, body)
    since, until = whole(body["from"], MINUTE), whole(body["to"] - 1, MINUTE) + MINUTE

    def keep(event: Event) -> bool:
        if body["of"] == "page" and event.name != body["view"]:
            return False
        return all(event.label(f["key"]) in f["value"] for f in body["filters"])

    paths: Counter[tuple[str, ...]] = Counter()
    for events in by_key(token, since, until, keep, body["identity"]).values():
        tuples = [
            (e.time, e.ts, hashes[node], e.weight, node)
            for e in events
            for node in [e.label("page") if body["of"] == "page" else e.name]
        ]
        for session in cut(tuples, body["gapSec"] * 1000):
            nodes = [e[4] for e in session]
            if body["direction"] == "previous":
                nodes.reverse()
            if body["start"] in nodes:
                at = nodes.index(body["start"]) + 1
                paths[tuple(nodes[at : at + body["depth"]])] += session[0][3]
    total = sum(paths.values())
    ordered = sorted(paths.items(), key=lambda item: (-item[1], item[0]))[: body["limit"]]
    assert answer["sessions"] == total
    assert answer["meta"]["truncated"] is (len(paths) > body["limit"])
    assert [(tuple(p["steps"]), p["sessions"]) for p in answer["paths"]] == ordered
    assert [p["share"] for p in answer["paths"]] == pytest.approx(
        [count / total for _, count in ordered]
    )
