"""An INSERT that a table or a view refuses is answered with its error, never with 200.

chdb's streaming insert (`send_insert`) raises what it meets while it parses, but not what a table
or a view says about the last of its blocks: a broken view, a full disk, too many parts, a violated
constraint. It ends as if all was well. So the store does not use it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.store_server import StoreServer

pytestmark = pytest.mark.integration

MERGE_TREE = "(a UInt64) ENGINE = MergeTree ORDER BY a"
TABLES = (
    "CREATE DATABASE seamark ENGINE = Atomic",
    f"CREATE TABLE seamark.crowded {MERGE_TREE} SETTINGS parts_to_throw_insert = 1",
    "CREATE TABLE seamark.strict (a UInt64, CONSTRAINT small CHECK a < 5)"
    " ENGINE = MergeTree ORDER BY a",
    "CREATE TABLE seamark.source (a UInt64) ENGINE = Null",
    f"CREATE TABLE seamark.target {MERGE_TREE}",
    "CREATE MATERIALIZED VIEW seamark.view TO seamark.target AS"
    " SELECT a FROM seamark.source WHERE NOT throwIf(a >= 5)",
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    folder: Path = tmp_path_factory.mktemp("store") / "data"
    with StoreServer(folder, fsync="false") as running:
        for sql in TABLES:
            answer = running.ask(sql)
            assert answer.status == 200, answer.body
        yield running


@pytest.mark.parametrize(
    ("table", "code"),
    [
        ("crowded", "252"),
        ("strict", "469"),
        ("source", "395"),
    ],
)
def test_what_a_table_refuses_is_not_answered_with_200(
    store: StoreServer, table: str, code: str
) -> None:
    sql = f"INSERT INTO seamark.{table} FORMAT CSV"
    assert store.insert(sql, b"1\n").status == 200

    answer = store.insert(sql, b"7\n")

    assert answer.code == code
    assert answer.status >= 400


def test_what_was_refused_is_not_there(store: StoreServer) -> None:
    for table in ("crowded", "strict", "target"):
        assert store.rows(f"SELECT a FROM seamark.{table} WHERE a = 7") == []
