"""Laws of filters: the store compares as plain Python does, whatever texts and values meet."""

import math
import re
from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from api.query.filters import Filter, as_text, conditions
from api.query.statement import Values
from seamark.service.clickhouse.quoting import parameter
from tests.support.schema_store import EngineStore

NUMERIC = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")


def number_of(text: str) -> Fraction | float | None:
    """The number that a text is: whole numbers exactly, others as doubles (above all: infinity)."""
    if re.fullmatch(r"[+-]?[0-9]{1,76}", text):
        return Fraction(int(text))
    if not NUMERIC.match(text):
        return None
    made = float(text)
    return Fraction(made) if math.isfinite(made) else made


def equal(text: str, value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number_of(text) == Fraction(value)
    return text == as_text(value)


def passes(filter_: Filter, text: str) -> bool:
    value: Any = filter_.value
    match filter_.op:
        case "=":
            return equal(text, value)
        case "!=":
            return not equal(text, value)
        case "in":
            return any(equal(text, item) for item in value)
        case "!in":
            return not any(equal(text, item) for item in value)
        case "exists":
            return text != ""
        case "!exists":
            return text == ""
    number = number_of(text)
    if number is None:
        return False
    wanted = number_of(value) if isinstance(value, str) else Fraction(value)
    assert wanted is not None
    return bool(
        {
            "<": number < wanted,
            "<=": number <= wanted,
            ">": number > wanted,
            ">=": number >= wanted,
        }[filter_.op]
    )


def stored(filter_: Filter, texts: list[str]) -> list[str]:
    """The texts that the condition lets through, in order."""
    values = Values()
    (condition,) = conditions([filter_], values, lambda _, __: "text")
    listed = ", ".join(values.text(text) for text in texts)
    made = values.statement(
        f"SELECT place FROM (SELECT arrayJoin(arrayEnumerate([{listed}] AS texts)) AS place,"
        f" texts[place] AS text) WHERE {condition} ORDER BY place"
    )
    given_values = {name: parameter(value) for name, value in made.values.items()}
    found = EngineStore().lines(made.sql, given_values)
    return [texts[int(line) - 1] for line in found]


big = st.integers(-(2**70), 2**70)
near = st.builds(lambda power, off: 2**power + off, st.integers(52, 70), st.integers(-3, 3))
numbers = st.one_of(
    big, near, st.integers(-5, 5), st.floats(allow_nan=False, allow_infinity=False, width=32)
)
texts = st.one_of(
    st.sampled_from(["", "1", "1.0", "1e0", "+1", "01", "-0", "0.1", ".5", "1.", "abc", "true"]),
    numbers.map(as_text),
    numbers.map(str),
    st.text("0123456789.eE+-x", max_size=6),
)
values_ = st.one_of(numbers, texts, st.booleans())
filters = st.one_of(
    st.builds(Filter, st.just("key"), st.sampled_from(["=", "!="]), values_),
    st.builds(Filter, st.just("key"), st.sampled_from(["<", "<=", ">", ">="]), numbers),
    st.builds(
        lambda op, number: Filter("key", op, str(number)),
        st.sampled_from(["<", "<=", ">", ">="]),
        numbers,
    ),
    st.builds(
        Filter, st.just("key"), st.sampled_from(["in", "!in"]), st.lists(values_, max_size=4)
    ),
    st.builds(Filter, st.just("key"), st.sampled_from(["exists", "!exists"])),
)


@settings(max_examples=300, deadline=None)
@given(filters, st.lists(texts, min_size=1, max_size=12))
@example(Filter("key", "=", 500), ["500", "500.0", "5e2", "0500", "", "501"])
@example(Filter("key", "!=", 500), ["500", "", "abc"])
@example(Filter("key", ">", 9), ["10", "9", "abc", ""])
@example(Filter("key", "=", 9007199254740993), ["9007199254740992", "9007199254740993"])
@example(Filter("key", ">", 9007199254740992), ["9007199254740993"])
@example(Filter("key", ">", 0), ["1E310", "-1E310"])
def test_the_store_compares_as_python_does(filter_: Filter, texts: list[str]) -> None:
    assert stored(filter_, texts) == [text for text in texts if passes(filter_, text)]


@settings(max_examples=200, deadline=None)
@given(filters, st.lists(texts, min_size=1, max_size=12))
def test_a_negated_filter_lets_the_others_through(filter_: Filter, texts: list[str]) -> None:
    opposite = {"=": "!=", "in": "!in", "exists": "!exists"}
    negated = opposite.get(filter_.op)
    if negated is None:
        return
    other = Filter(filter_.key, negated, filter_.value)  # type: ignore[arg-type]
    let_through = stored(filter_, texts)
    assert stored(other, texts) == [text for text in texts if text not in let_through]
