"""Error codes of ClickHouse by class, and quoting."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.blocks.reasons import OF_CLASS
from seamark.service.clickhouse import errors
from seamark.service.clickhouse.errors import ErrorClass, classify, code_in, code_of
from seamark.service.clickhouse.quoting import array, identifier, literal, parameter
from tests.support.schema_store import connect


def test_every_code_is_in_one_class() -> None:
    sets = [set(errors.AWAY) | errors.FILES, set(errors.TOO_MUCH) | set(errors.TOO_LONG)]
    sets.append(set(errors.REFUSED))
    assert sum(len(codes) for codes in sets) == len(set.union(*sets))
    assert not errors.FILES & set(errors.AWAY)


def test_every_class_has_a_reason_of_a_sink() -> None:
    assert set(OF_CLASS) == set(ErrorClass)
    assert OF_CLASS[ErrorClass.AWAY].away
    assert not any(OF_CLASS[kind].away for kind in ErrorClass if kind is not ErrorClass.AWAY)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, ErrorClass.AWAY),
        (None, ErrorClass.AWAY),
        (60, ErrorClass.AWAY),
        (75, ErrorClass.AWAY),
        (241, ErrorClass.TOO_MUCH),
        (159, ErrorClass.TOO_MUCH),
        (444, ErrorClass.REFUSED),
        (49, ErrorClass.OTHER),
    ],
)
def test_classes(code: int | None, kind: ErrorClass) -> None:
    assert classify(code) is kind


def test_names_are_those_of_the_engine() -> None:
    connection = connect()
    try:
        for known in (errors.AWAY, errors.TOO_MUCH, errors.TOO_LONG, errors.REFUSED):
            for code, name in known.items():
                found = connection.query(f"SELECT errorCodeToName({code})", "TabSeparated")
                assert found.bytes().decode().strip() == name
    finally:
        connection.close()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_literal_is_read_as_the_same_text(value: str) -> None:
    connection = connect()
    try:
        sql = f"SELECT hex({literal(value)}), hex({array([value, 'x'])}[1])"
        hexed = value.encode().hex().upper()
        assert connection.query(sql, "TabSeparated").bytes().decode() == f"{hexed}\t{hexed}\n"
    finally:
        connection.close()


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_a_parameter_is_read_as_the_same_text(value: str) -> None:
    connection = connect()
    try:
        sql = "SELECT hex({v:String})"
        found = connection.query(sql, "TabSeparated", params={"v": parameter(value)})
        assert found.bytes().decode().strip() == value.encode().hex().upper()
    finally:
        connection.close()


def test_identifiers_and_codes() -> None:
    assert identifier("a`b\\c") == "`a\\`b\\\\c`"
    assert code_in("Code: 241. DB::Exception: Memory limit") == 241
    assert code_in("nothing") == 0
    assert code_of(200, "", "rows mention Code: 60. DB::Exception") == 0
    assert code_of(200, "209", "") == 209
