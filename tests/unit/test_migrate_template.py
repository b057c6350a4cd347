"""The template language of migrations."""

import pytest

from provisioning.clickhouse.template import statements


def test_comments_and_definitions_do_not_reach_the_engine() -> None:
    text = (
        "-- why {nothing}\n--: a = X\n--: b = {a}Y\nSELECT {b},\n  -- {c}\n  1;\n\nSELECT ';x';\n"
    )
    assert statements(text, {}) == ["SELECT XY,\n  1", "SELECT ';x'"]


def test_a_definition_may_take_several_lines_and_use_later_ones() -> None:
    text = "--: a =\n--:     x {b},\n--:     y\n--: b = Z\nSELECT {a};\n"
    assert statements(text, {}) == ["SELECT x Z,\ny"]


def test_a_loop_repeats_its_lines_for_each_turn() -> None:
    text = (
        "--: of_logs = 3\n--: of_traces = 4\n"
        "--: for signal table in traces spans, logs logs\n"
        "--: name = {signal}\nSELECT '{name}', {of_{signal}} FROM {table};\n--: end\n"
    )
    assert statements(text, {}) == ["SELECT 'traces', 4 FROM spans", "SELECT 'logs', 3 FROM logs"]


def test_loops_may_be_nested() -> None:
    text = "--: for a in 1, 2\n--: for b in x, y\nSELECT {a}{b};\n--: end\n--: end\nSELECT 0;\n"
    assert statements(text, {}) == [f"SELECT {each}" for each in ("1x", "1y", "2x", "2y", "0")]


def test_a_list_is_written_out_with_commas() -> None:
    text = (
        "--: pair = Tuple(A, B)\n--: fields_logs = body {pair}, name String\n--: signal = logs\n"
        "--: columns = [`x.{name}` Array({type})\n--:     for name type in {fields_{signal}}]\n"
        "SELECT {columns};\n"
    )
    assert statements(text, {}) == ["SELECT `x.body` Array(Tuple(A, B)),\n`x.name` Array(String)"]


def test_given_values_may_hold_braces() -> None:
    assert statements("SELECT {path};", {"path": "{uuid}/{shard}"}) == ["SELECT {uuid}/{shard}"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("SELECT {nobody};", r"unknown placeholder \{nobody\}"),
        ("--: a = {b}\n--: b = {a}\nSELECT {a};", "uses itself"),
        ("--: for a in 1\nSELECT 1;", "has no '--: end'"),
        ("--: for a b in 1 2, 3\n--: end", r"cannot be filled from '3'"),
        ("--: end", "unknown directive: --: end"),
        ("--: include x.sql", "unknown directive"),
    ],
)
def test_mistakes_are_named(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        statements(text, {})
