"""What is found in a statement's text, and what is not mistaken for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seamark.standalone.store.statement import Insert, find_insert, find_output, starts_insert


@pytest.mark.parametrize(
    ("query", "text", "form", "data"),
    [
        (b"INSERT INTO t FORMAT CSV", b"INSERT INTO t ", "CSV", b""),
        (b"INSERT INTO t FORMAT Native\n\x01\n", b"INSERT INTO t ", "Native", b"\x01\n"),
        (b"insert into t (a, b) format TSV ;\nx", b"insert into t (a, b) ", "TSV", b"x"),
        (b"INSERT INTO t VALUES (1)", b"INSERT INTO t ", "Values", b" (1)"),
        (b"INSERT INTO t", b"INSERT INTO t", "Values", b""),
        (b"-- x\n/* y */ INSERT INTO t FORMAT X", b"-- x\n/* y */ INSERT INTO t ", "X", b""),
        (b"INSERT INTO values VALUES(1)", b"INSERT INTO values ", "Values", b"(1)"),
        (b"INSERT INTO d.format FORMAT X", b"INSERT INTO d.format ", "X", b""),
        (b"INSERT INTO t (values, format) FORMAT X", b"INSERT INTO t (values, format) ", "X", b""),
        (b'INSERT INTO "a FORMAT b" FORMAT X', b'INSERT INTO "a FORMAT b" ', "X", b""),
        (
            b"INSERT INTO FUNCTION file('x', 'CSV', 'a Int8') FORMAT CSV 1\n",
            b"INSERT INTO FUNCTION file('x', 'CSV', 'a Int8') ",
            "CSV",
            b"1\n",
        ),
    ],
)
def test_an_insert_is_taken_apart(query: bytes, text: bytes, form: str, data: bytes) -> None:
    found = find_insert(query)

    assert found == Insert(text, form, len(query) - len(data))
    assert query[found.data_at :] == data


def test_the_settings_of_an_insert_are_apart() -> None:
    text, settings = b"INSERT INTO t (a) ", b"SETTINGS format_schema='a:FORMAT Y', b=1 "
    query = text + settings + b"FORMAT X"

    assert find_insert(query) == Insert(text, "X", len(query), settings)


@pytest.mark.parametrize(
    "query",
    [
        b"",
        b"SELECT 1",
        b"SELECT 'INSERT INTO t FORMAT CSV'",
        b"INSERT INTO t SELECT * FROM u FORMAT CSV",
        b"INSERT INTO t (a) WITH 1 AS x SELECT x",
        b"INSERT INTO t FROM INFILE 'x' FORMAT CSV",
        b"INSERT INTO t FORMAT",
        b"INSERTED",
    ],
)
def test_what_is_no_insert_with_data_is_left_alone(query: bytes) -> None:
    assert find_insert(query) is None


@pytest.mark.parametrize(
    ("query", "form"),
    [
        (b"SELECT 1", ""),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1 format TSV;", "TSV"),
        (b"SELECT 1 FORMAT CSV SETTINGS max_threads = 1", "CSV"),
        (b"SELECT 1 FORMAT CSV -- FORMAT TSV", "CSV"),
        (b"SELECT ' FORMAT CSV'", ""),
        (b"SELECT formatDateTime(now(), '%F') AS x", ""),
        (b"SELECT * FROM (SELECT 1 AS format)", ""),
    ],
)
def test_the_format_of_a_result(query: bytes, form: str) -> None:
    assert find_output(query).format == form


@pytest.mark.parametrize("word", ["WITH TOTALS", "SETTINGS extremes = 1"])
def test_results_with_something_around_the_rows_are_not_joined(word: str) -> None:
    assert find_output(b"SELECT 1").joinable
    assert not find_output(f"SELECT 1 {word}".encode()).joinable


@given(st.binary(max_size=200))
def test_no_bytes_are_too_strange(query: bytes) -> None:
    found = find_insert(b"INSERT INTO t " + query)

    assert starts_insert(b"INSERT INTO t " + query)
    assert found is None or 0 < found.data_at <= len(query) + 14
    find_output(query)


@given(st.binary(max_size=100))
def test_data_is_never_looked_at(data: bytes) -> None:
    head = b"INSERT INTO t FORMAT Native\n"

    assert find_insert(head + data) == Insert(b"INSERT INTO t ", "Native", len(head))
