"""What the demo asks afterwards, and how it compares."""

import pytest

from seamark.demo.questions import (
    HOUR_MS,
    DemoQuestion,
    DemoWindow,
    Totals,
    compare,
    every_question,
    expected,
    table,
    totals,
)
from seamark.demo.tally import DemoTally
from seamark.demo.visits import make_visit


def some_tally(visits: int = 60) -> DemoTally:
    tally = DemoTally()
    for number in range(visits):
        for page in make_visit(3, number).pages:
            tally.accept(page.events, ())
    tally.exported("spans", "gateway", 8, ok=True)
    tally.exported("spans", "gateway", 4, ok=True)
    tally.exported("spans", "checkout", 4, ok=False)
    return tally


def test_a_window_is_whole_hours_and_chooses_its_granularity() -> None:
    short = DemoWindow.around(10 * HOUR_MS + 5, 11 * HOUR_MS)
    assert (short.from_ms, short.to_ms) == (10 * HOUR_MS, 12 * HOUR_MS)
    assert short.granularity == "1m"
    assert DemoWindow.around(0, 168 * HOUR_MS).granularity == "1h"


def test_an_answer_is_summed_by_label() -> None:
    question = DemoQuestion("page_view", group_by="country")
    answer = {
        "columns": ["time", "count"],
        "series": [
            {"labels": {"country": "DE"}, "rows": [[0, 2], [60_000, 3]]},
            {"labels": {"country": "US"}, "rows": [[0, 1]]},
        ],
        "meta": {"truncated": False},
    }
    assert totals(question, answer) == {(question, "DE"): 5, (question, "US"): 1}
    with pytest.raises(ValueError, match="truncated"):
        totals(question, {**answer, "meta": {"truncated": True}})


def test_empty_buckets_of_a_sum_are_nothing() -> None:
    question = DemoQuestion("purchase", "sum")
    answer = {
        "columns": ["time", "sum"],
        "series": [{"labels": {}, "rows": [[0, None], [60_000, 2.5]]}],
    }
    assert totals(question, answer) == {(question, ""): 2.5}


def test_everything_expected_was_asked_before() -> None:
    assert {question for question, _ in expected(some_tally())} <= set(every_question())


def test_what_failed_to_be_exported_is_not_expected() -> None:
    spans = {label: n for (q, label), n in expected(some_tally()).items() if q.source == "spans"}
    assert spans == {"gateway": 12}


def test_equal_is_equal_after_what_was_there_before() -> None:
    wanted = expected(some_tally())
    before: Totals = {(DemoQuestion("page_view"), ""): 100.0}
    after = {key: value + before.get(key, 0.0) for key, value in wanted.items()}
    lines = compare(wanted, before, after)
    assert len(lines) == len(wanted)
    assert all(line.equal for line in lines)
    assert "DIFFERS" not in table(lines)


@pytest.mark.parametrize("off", [-1.0, 1.0])
def test_one_event_too_many_or_too_few_is_seen(off: float) -> None:
    wanted = expected(some_tally())
    after = dict(wanted)
    after[DemoQuestion("page_view"), ""] += off
    wrong = [line for line in compare(wanted, {}, after) if not line.equal]
    assert [line.question.metric for line in wrong] == ["page_view"]
    assert "DIFFERS" in table(wrong)


def test_a_label_of_another_program_is_seen() -> None:
    by_country = DemoQuestion("page_view", group_by="country")
    wanted: Totals = {(by_country, "DE"): 2.0}
    after: Totals = {(by_country, "DE"): 2.0, (by_country, "XX"): 1.0}
    assert [line.equal for line in compare(wanted, {}, after)] == [True, False]


def test_a_missing_answer_is_a_difference() -> None:
    wanted = expected(some_tally())
    assert not any(line.equal for line in compare(wanted, {}, {}))
