"""The migration runner on the engine: twice is once, and any interruption is healed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from provisioning.clickhouse.migrate import FOLDER, MigrationError, migrate, read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from tests.support.schema_store import EngineStore

pytestmark = pytest.mark.integration
EMBEDDED = Variant.EMBEDDED
STRIDE = 3
"""Statements between two deaths of the runner."""


class Dies(Exception):
    """The runner's process is gone."""


class Mortal:
    """A store whose caller dies before its statement number `at`."""

    def __init__(self, inner: EngineStore, at: int) -> None:
        self._inner = inner
        self._left = at

    def command(self, sql: str) -> object:
        if self._left == 0:
            raise Dies
        self._left -= 1
        return self._inner.command(sql)

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        return self._inner.rows(sql)


def shape(store: EngineStore) -> list[list[Any]]:
    """Everything that makes the schema: names and definitions, without the time of creation."""
    return [
        list(row)
        for row in store.rows(
            f"SELECT name, replaceAll(create_table_query, '{store.database}', 'db') AS definition "
            f"FROM system.tables WHERE database = '{store.database}' ORDER BY name"
        )
    ]


def history(store: EngineStore) -> list[list[Any]]:
    return [
        list(row)
        for row in store.rows(
            f"SELECT version, name, checksum, applied_at FROM {store.database}.migrations "
            "ORDER BY version"
        )
    ]


def test_applying_twice_changes_nothing() -> None:
    store = EngineStore()
    files = read_migrations()
    assert migrate(store, variant=EMBEDDED, database=store.database) == files
    before, applied = shape(store), history(store)
    assert [row[:3] for row in applied] == [[f.version, f.name, f.checksum] for f in files]
    assert migrate(store, variant=EMBEDDED, database=store.database) == []
    assert (shape(store), history(store)) == (before, applied)


def test_a_runner_may_die_before_any_statement() -> None:
    whole = EngineStore().migrated()
    store = EngineStore()
    deaths = 0
    while True:
        # each try gets a little further than the last one, whose work is found done; every
        # statement of a file is run again by the tries that end later in it
        try:
            migrate(
                Mortal(store, at=STRIDE * deaths + 1), variant=EMBEDDED, database=store.database
            )
        except Dies:
            deaths += 1
            continue
        break
    values = placeholders(EMBEDDED, database=store.database)
    [baseline] = read_migrations()
    assert deaths * STRIDE > len(statements(baseline.text, values)) - STRIDE
    assert shape(store) == shape(whole)
    assert [row[:3] for row in history(store)] == [row[:3] for row in history(whole)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "0001_one.sql").write_text(
        "CREATE TABLE IF NOT EXISTS {database}.one {on_cluster} (x UInt8) "
        "ENGINE = {merge_tree} ORDER BY x SETTINGS {deduplication};\n"
    )
    return tmp_path


def test_a_changed_file_is_refused_before_anything_happens(folder: Path) -> None:
    store = EngineStore()
    first = migrate(store, variant=EMBEDDED, database=store.database, folder=folder)
    path = folder / "0001_one.sql"
    path.write_text(path.read_text() + "\n")
    (folder / "0002_two.sql").write_text("CREATE TABLE {database}.two (x UInt8) ENGINE = Null;")
    changed = read_migrations(folder)[0].checksum
    with pytest.raises(MigrationError) as refused:
        migrate(store, variant=EMBEDDED, database=store.database, folder=folder)
    for said in ("0001_one.sql", first[0].checksum, changed):
        assert said in str(refused.value)
    assert [row[0] for row in shape(store)] == ["migrations", "one"]


def test_a_newer_store_is_refused(folder: Path) -> None:
    store = EngineStore()
    (folder / "0002_two.sql").write_text(
        "CREATE TABLE IF NOT EXISTS {database}.two (x UInt8) ENGINE = Null;"
    )
    migrate(store, variant=EMBEDDED, database=store.database, folder=folder)
    (folder / "0002_two.sql").unlink()
    with pytest.raises(MigrationError, match="has migration 0002_two, which this version"):
        migrate(store, variant=EMBEDDED, database=store.database, folder=folder)


def test_new_files_are_applied_to_an_old_store(folder: Path) -> None:
    store = EngineStore()
    migrate(store, variant=EMBEDDED, database=store.database, folder=folder)
    (folder / "0002_two.sql").write_text(
        "CREATE TABLE IF NOT EXISTS {database}.two (x UInt8) ENGINE = Null;"
    )
    applied = migrate(store, variant=EMBEDDED, database=store.database, folder=folder)
    assert [migration.file_name for migration in applied] == ["0002_two.sql"]


def test_the_files_are_where_the_package_is() -> None:
    assert (FOLDER / "0001_baseline.sql").exists()
