"""What an answer has to look like for a panel to show what its title promises. Pure.

An expectation takes the API's answer (decoded JSON) to the demo's data and raises Unmet. They stand
beside the panels' questions; `tests/system/test_dashboards_demo.py` puts them to a real stack.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

Answer = Mapping[str, Any]
Expectation = Callable[[Answer], None]


class Unmet(AssertionError):
    """The answer does not show what the panel promises; the message says how."""


def anything(answer: Answer) -> None:
    """No more than what holds for every answer of its kind."""


def every(*expectations: Expectation) -> Expectation:
    """All of them."""

    def check(answer: Answer) -> None:
        for expectation in expectations:
            expectation(answer)

    return check


def series_of(label: str, *values: str) -> Expectation:
    """There is a series for each of these values of a label."""

    def check(answer: Answer) -> None:
        found = {series["labels"].get(label) for series in answer["series"]}
        _missing(label, set(values) - found, found)

    return check


def listed(*values: str) -> Expectation:
    """Of a breakdown: these values are among those shown."""

    def check(answer: Answer) -> None:
        found = {row["label"] for row in answer["values"]}
        _missing("value", set(values) - found, found)

    return check


def between(low: float, high: float) -> Expectation:
    """Every number of a series or breakdown lies there, ends included."""

    def check(answer: Answer) -> None:
        if "values" in answer:
            numbers = [row["value"] for row in answer["values"]]
        else:
            numbers = [n for s in answer["series"] for row in s["rows"] for n in row[1:]]
        outside = [n for n in numbers if n is not None and not low <= n <= high]
        if outside or all(n is None for n in numbers):
            raise Unmet(f"not within {low} to {high}: {outside or numbers}")

    return check


def several_times(least: int) -> Expectation:
    """A series has a course: so many points at least in one of the series."""

    def check(answer: Answer) -> None:
        most = max((len(series["rows"]) for series in answer["series"]), default=0)
        if most < least:
            raise Unmet(f"{most} points; at least {least} are wanted")

    return check


def slower(slow: str, fast: str, *, times: float) -> Expectation:
    """Of a breakdown: one value is so many times another."""

    def check(answer: Answer) -> None:
        found = {row["label"]: row["value"] for row in answer["values"]}
        if not found.get(slow, 0) > times * found.get(fast, float("inf")):
            raise Unmet(f"{slow} is not {times} times {fast}: {found}")

    return check


def leaks(*steps: str) -> Expectation:
    """A funnel with these steps loses people at each of them, and not all of them."""

    def check(answer: Answer) -> None:
        for funnel in answer["funnels"][:1]:
            names = [step["name"] for step in funnel["steps"]]
            people = [step["people"] for step in funnel["steps"]]
            if names != list(steps):
                raise Unmet(f"steps {names}, not {list(steps)}")
            if not all(a > b > 0 for a, b in itertools.pairwise(people)):
                raise Unmet(f"it does not leak at each step: {people}")

    return check


def rows_of(part: str, column: str, *values: str) -> Expectation:
    """A list in the answer has rows with these values in a column."""

    def check(answer: Answer) -> None:
        found = {row[column] for row in answer[part]}
        _missing(column, set(values) - found, found)

    return check


def never(part: str, column: str, value: str) -> Expectation:
    """A list in the answer has no row with this value in a column."""

    def check(answer: Answer) -> None:
        if any(row[column] == value for row in answer[part]):
            raise Unmet(f"a row of {part} has {column} {value!r}")

    return check


def rows(part: str, least: int) -> Expectation:
    """A list in the answer is at least so long."""

    def check(answer: Answer) -> None:
        if len(answer[part]) < least:
            raise Unmet(f"{len(answer[part])} {part}; at least {least} are wanted")

    return check


def signals(*names: str) -> Expectation:
    """The ledger has rows of these signals, and they balance where that is settled."""

    def check(answer: Answer) -> None:
        rows_of("rows", "signal", *names)(answer)
        if answer["balanced"] is False:
            raise Unmet("the ledger does not balance")

    return check


def _missing(what: str, missing: set[str], found: object) -> None:
    if missing:
        raise Unmet(f"{what} {sorted(missing)} missing; there are {found}")
