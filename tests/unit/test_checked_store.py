"""Attributes that no row has are refused before the statement runs; near matches are named."""

from typing import Any, TypeVar

import msgspec
import pytest

from api.checked_store import CheckedStore
from api.query.attributes import LOGS, SPANS, attribute_column
from api.query.filters import Filter, conditions
from api.query.scoping import scope_conditions
from api.query.statement import Statement, Values
from api.reasons import QuestionReason
from api.store import Rows
from seamark.wire.failures import Rejected, Unavailable

R = TypeVar("R")
KEYS = {"http.route", "http.method", "tenant"}


class Attributes:
    """A store whose rows have these attributes."""

    def __init__(self, keys: set[str]) -> None:
        self.keys = keys
        self.asked: list[str] = []
        self.away = False

    async def ask(self, statement: Statement, row: type[R]) -> Rows[R]:
        self.asked.append(statement.sql)
        if self.away and statement.sql.startswith("SELECT 1 FROM"):
            raise Unavailable("away", reason=QuestionReason.UNAVAILABLE)
        data: list[Any] = [[1]]
        if statement.sql.startswith("SELECT 1 FROM"):
            data = [[1]] if statement.values["p2"] in self.keys else []
        elif "mapKeys" in statement.sql:
            data = [[key, 1] for key in sorted(self.keys)]
        return Rows(msgspec.convert(data, list[row]), 1, 1)  # type: ignore[valid-type]


def filtered(key: str, org: str = "acme") -> Statement:
    values = Values()
    where = [
        *scope_conditions(values, org, "shop"),
        *conditions([Filter(key, "=", "x")], values, attribute_column(values, SPANS)),
    ]
    return values.statement(f"SELECT count() FROM spans WHERE {' AND '.join(where)}")


async def test_an_unknown_attribute_is_refused_with_near_matches() -> None:
    store = Attributes(KEYS)
    with pytest.raises(Rejected, match=r"'http\.rout'.*Did you mean 'http\.route'") as caught:
        await CheckedStore(store).ask(filtered("http.rout"), tuple[int])
    assert caught.value.reason is QuestionReason.UNKNOWN_ATTRIBUTE
    assert caught.value.field == "filters[0].key"
    assert not any(sql.startswith("SELECT count()") for sql in store.asked)


async def test_a_known_attribute_is_looked_up_once_an_hour_and_scope() -> None:
    store, now = Attributes(KEYS), [0.0]
    checked = CheckedStore(store, clock=lambda: now[0])
    for _ in range(3):
        await checked.ask(filtered("tenant"), tuple[int])
    assert len(store.asked) == 4
    await checked.ask(filtered("tenant", org="other"), tuple[int])
    assert len(store.asked) == 6
    now[0] = 3601.0
    await checked.ask(filtered("tenant"), tuple[int])
    assert len(store.asked) == 8


async def test_without_rows_or_without_an_answer_nothing_is_refused() -> None:
    empty = Attributes(set())
    await CheckedStore(empty).ask(filtered("http.rout"), tuple[int])
    away = Attributes(KEYS)
    away.away = True
    await CheckedStore(away).ask(filtered("http.rout"), tuple[int])


def column(key: str) -> str:
    return attribute_column(Values(), LOGS)(key, "")


def test_every_stored_attribute_has_a_spelling() -> None:
    assert column("app") == "app"
    assert column("attr.app") == "attrs[{p0:String}]"
    assert column("resource.app") == "resource_attrs[{p0:String}]"
    assert column("scope.app") == "scope_attrs[{p0:String}]"
    bare = "if(mapContains(attrs, {p0:String}), attrs[{p0:String}], resource_attrs[{p0:String}])"
    assert column("host.name") == bare
    for key, name in (("attr.resource.name", "resource.name"), ("resource.attr.x", "attr.x")):
        values = Values()
        attribute_column(values, LOGS)(key, "")
        assert list(values.values.values()) == [name]


@pytest.mark.parametrize(
    "key", ["", "attr.", "resource.", "x" * 1025, "a\0b", "scope." + "x" * 1025]
)
def test_a_key_without_a_name_is_refused(key: str) -> None:
    with pytest.raises(Rejected) as caught:
        attribute_column(Values(), LOGS)(key, "filters[3].key")
    assert caught.value.field == "filters[3].key"
