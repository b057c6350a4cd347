"""Rules do not page on noise, and do page on what is more than noise.

What was counted is taken as a Poisson count about its true mean, which is the widest that
independent events give. Probabilities are computed, not sampled: no example is unlucky.
"""

import math
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.alert_evaluator import RULES, Numbers, Outcome, arithmetic, threshold
from tests.support.alert_states import Change, RuleStates

SHARES = ("service-error-rate", "page-error-rate", "ingest-errors")
AT_LIMIT, AT_HALF = 1.2e-3, 5e-6
"""Most that one window of ten minutes fires by chance: at the limit itself, and at half of it."""
MINUTE = 60.0
KEY = (("app", "a"),)


def expression(rule: str, step: str) -> str:
    (found,) = [s["model"]["expression"] for s in RULES[rule]["data"] if s["refId"] == step]
    return str(found)


def limit_of(rule: str) -> float:
    (condition,) = RULES[rule]["data"][-1]["model"]["conditions"]
    return float(condition["evaluator"]["params"][0])


def fires(rule: str, failed: float, whole: float) -> bool:
    numbers: dict[str, Numbers] = {"D": {KEY: failed}, "E": {KEY: whole}}
    return arithmetic(expression(rule, "G"), numbers)[KEY] > limit_of(rule)


def fewest(rule: str, whole: int) -> int:
    """The fewest failures that fire; more of them do so all the more."""
    low, high = 0, 10 * whole + 100
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fires(rule, middle, whole) else (middle, high)
    return high


def at_least(mean: float, count: int) -> float:
    """The probability that a Poisson count of this mean is so high, exactly."""
    up = count > mean
    at = count if up else count - 1
    term = math.exp(at * math.log(mean) - mean - math.lgamma(at + 1))
    total = 0.0
    while term > 1e-12 * total and at >= 0:
        total += term
        term *= mean / (at + 1) if up else at / mean
        at += 1 if up else -1
    return total if up else 1 - total


def poisson(mean: float) -> list[float]:
    """Probabilities of 0, 1, …, as far as they matter."""
    most = int(mean + 12 * mean**0.5 + 30)
    return [math.exp(n * math.log(mean) - mean - math.lgamma(n + 1)) for n in range(most)]


@pytest.mark.parametrize("rule", SHARES)
def test_two_failures_of_a_hundred_are_no_page(rule: str) -> None:
    assert not fires(rule, 2, 100)
    assert not fires(rule, 9, 20)
    assert not fires(rule, 1_000, 100_000), "exactly the limit"
    assert fires(rule, 10, 100)
    assert fewest(rule, 100_000) == 1_127, "as the runbook says"
    assert fires(rule, 1_200, 100_000)


@pytest.mark.parametrize("rule", SHARES)
@given(whole=st.integers(1, 1_000_000))
def test_a_true_share_below_the_limit_practically_never_fires(rule: str, whole: int) -> None:
    count, limit = fewest(rule, whole), limit_of(rule)
    assert at_least(whole * limit, count) <= AT_LIMIT
    assert at_least(whole * limit / 2, count) <= AT_HALF


@pytest.mark.parametrize("rule", SHARES)
@given(whole=st.integers(1_000, 1_000_000))
def test_a_share_of_five_times_the_limit_fires(rule: str, whole: int) -> None:
    assert at_least(5 * whole * limit_of(rule), fewest(rule, whole)) > 0.999


def drop(before: float, now: float, week: float) -> bool:
    numbers: dict[str, Numbers] = {"D": {KEY: now}, "E": {KEY: before}, "W": {KEY: week}}
    return arithmetic(expression("traffic-drop", "F"), numbers)[KEY] > limit_of("traffic-drop")


@pytest.mark.parametrize("week", [False, True], ids=["no last week", "as last week"])
@pytest.mark.parametrize("each_quarter", [30, 150, 160, 200, 300, 800])
def test_even_traffic_practically_never_fires(each_quarter: int, week: bool) -> None:
    chances = poisson(each_quarter)
    total = below = 0.0
    most = 0  # views, from which on it does not fire; more of them, the more there were before
    for before, chance in enumerate(poisson(4 * each_quarter)):
        if chance < 1e-16:
            continue
        while drop(before, most, 8 * each_quarter if week else 0):
            below += chances[most]
            most += 1
        total += chance * below
    assert total < 1e-5


@pytest.mark.parametrize(
    ("before", "now", "week", "fires"),
    [
        (6_000, 1_100, 0, True),  # 27 % fewer, and no last week
        (6_000, 1_100, 12_000, True),  # last week was as the hour before
        (6_000, 1_100, 9_000, False),  # every week at this time
        (6_000, 1_300, 12_000, False),  # 13 % fewer
        (600, 115, 0, False),  # 23 % fewer of 150: chance
        (600, 60, 0, True),
        (500, 0, 0, False),  # fewer than ten a minute
    ],
)
def test_traffic_is_compared_with_the_hour_before_and_the_week_before(
    before: float, now: float, week: float, fires: bool
) -> None:
    assert drop(before, now, week) is fires


# --- from evaluations to messages ---------------------------------------------------------------


def outcome(value: float | None, rule: Mapping[str, Any], states: RuleStates) -> Outcome:
    """One evaluation in which the number before the condition is `value`; None: no data."""
    if value is None:
        return Outcome([], {rule["condition"]: {}}, True)
    model = rule["data"][-1]["model"]
    numbers: dict[str, Numbers] = {model["expression"]: {KEY: value}}
    condition = threshold(model, numbers[model["expression"]], states.active)
    return Outcome([], numbers | {rule["condition"]: condition}, False)


def told(rule: str, values: list[float | Exception | None]) -> list[tuple[float, Change]]:
    """The messages of an evaluation a minute."""
    states = RuleStates(RULES[rule])
    found: list[tuple[float, Change]] = []
    for minute, value in enumerate(values):
        made = None if isinstance(value, Exception) else outcome(value, RULES[rule], states)
        found += [(minute, change) for change in states.step(minute * MINUTE, made)]
    return found


def test_a_level_about_the_limit_is_one_message_and_not_many() -> None:
    flapping: list[float | Exception | None] = [0.91, 0.89] * 3
    assert told("disk-full", flapping) == [], "not five minutes in a row"
    full: list[float | Exception | None] = [0.91] * 6
    again = told("disk-full", [*full, *flapping * 5])
    assert [(at, change.status) for at, change in again] == [(5, "firing")]
    emptied = told("disk-full", [*full, *flapping, *[0.8] * 6])
    assert [(at, change.status) for at, change in emptied] == [(5, "firing"), (17, "resolved")]
    assert emptied[-1][1].values["B"] == 0.8, "the message says what was measured last"


def test_an_answer_that_fails_fires_the_one_rule_that_says_so() -> None:
    away: list[float | Exception | None] = [30.0, 30.0, *[OSError()] * 5, 30.0, 30.0]
    changes = told("api-away", away)
    assert [(at, change.status) for at, change in changes] == [(4, "firing"), (8, "resolved")]
    for rule in RULES.keys() - {"api-away"}:
        states = RuleStates(RULES[rule])
        assert all(states.step(minute * MINUTE, None) == [] for minute in range(60))


def test_a_log_that_cannot_be_asked_is_told_by_the_same_rule() -> None:
    unknown: list[float | Exception | None] = [30.0, *[None] * 5]
    assert [change.status for _, change in told("api-away", unknown)] == ["firing"]
    assert told("log-lag", unknown) == []


def test_an_alert_stays_while_nobody_can_say_otherwise() -> None:
    behind: list[float | Exception | None] = [*[900.0] * 6, None, OSError(), None, 20.0]
    changes = told("log-lag", [*behind, *[20.0] * 6])
    assert [(at, change.status) for at, change in changes] == [(5, "firing"), (14, "resolved")]
