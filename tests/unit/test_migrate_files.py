"""The migration files and the decisions of the runner: pure, but for the engine's parser."""

import re
from pathlib import Path

import pytest

import api
from provisioning.clickhouse.migrate import (
    FOLDER,
    AppliedMigration,
    Migration,
    MigrationError,
    outstanding,
    read_migrations,
)
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import (
    DEDUPLICATION_SECONDS,
    DEDUPLICATION_WINDOW,
    Variant,
    placeholders,
)
from tests.support.schema_store import EngineStore

FILES = read_migrations()
EMBEDDED = placeholders(Variant.EMBEDDED, database="seamark")
SERVER = placeholders(Variant.SERVER, database="seamark", cluster="main")
ENGINES_FIRST = (
    *("replacing_merge_tree", "aggregating_merge_tree", "merge_tree"),
    *("deduplication", "on_cluster"),
)
"""Placeholders that differ by variant, the longer text before what is part of it."""
REPEATABLE = (
    r"CREATE (TABLE|MATERIALIZED VIEW) IF NOT EXISTS seamark\.",
    r"ATTACH TABLE IF NOT EXISTS seamark\.\w+\Z",
    r"DETACH TABLE IF EXISTS seamark\.\w+\Z",
    r"ALTER TABLE seamark\.\w+ *\n    (ADD|DROP|MODIFY) COLUMN ",
    r"ALTER TABLE seamark\.\w+ +MODIFY QUERY\n",
)
"""Statements that change nothing, or the same, when they are run again."""


def migration(version: int, checksum: str = "c") -> Migration:
    return Migration(version, f"m{version}", "", checksum)


def recorded(version: int, checksum: str = "c") -> AppliedMigration:
    return AppliedMigration(version, f"m{version}", checksum)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.file_name)
@pytest.mark.parametrize("variant", Variant)
def test_the_engines_parser_takes_every_statement(file: Migration, variant: Variant) -> None:
    values = EMBEDDED if variant is Variant.EMBEDDED else SERVER
    store = EngineStore()
    found = statements(file.text, values)
    assert found
    for statement in found:
        store.command(f"EXPLAIN AST {statement}")


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.file_name)
def test_the_variants_differ_in_the_engine_only(file: Migration) -> None:
    def plain(statement: str) -> str:
        for values in (SERVER, EMBEDDED):
            for name in ENGINES_FIRST:
                if values[name]:
                    statement = statement.replace(values[name], f"<{name}>")
        # the embedded variant has no ON CLUSTER at all, and its engines' names are within others
        statement = statement.replace("<on_cluster>", "")
        return re.sub(
            r"\s+", " ", statement.replace("Aggregating<merge_tree>", "<aggregating_merge_tree>")
        ).strip()

    for embedded, server in zip(
        statements(file.text, EMBEDDED), statements(file.text, SERVER), strict=True
    ):
        assert plain(embedded) == plain(server)
        assert "ON CLUSTER main" in server
        assert "Replicated" not in embedded


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.file_name)
def test_every_statement_can_be_run_again(file: Migration) -> None:
    for statement in statements(file.text, EMBEDDED):
        assert any(re.match(pattern, statement) for pattern in REPEATABLE), statement
        for change in re.findall(r"\n    (?:ADD|DROP|RENAME|CLEAR) .*", statement):
            assert re.match(r"\n    (ADD (COLUMN|INDEX) IF NOT|DROP COLUMN IF) EXISTS ", change)


@pytest.mark.parametrize("variant", Variant)
def test_every_target_table_remembers_tokens(variant: Variant) -> None:
    values = EMBEDDED if variant is Variant.EMBEDDED else SERVER
    window = (
        f"non_replicated_deduplication_window = {DEDUPLICATION_WINDOW}"
        if variant is Variant.EMBEDDED
        else f"replicated_deduplication_window = {DEDUPLICATION_WINDOW}, "
        f"replicated_deduplication_window_seconds = {DEDUPLICATION_SECONDS}"
    )
    tables = [
        statement
        for file in FILES
        for statement in statements(file.text, values)
        if statement.startswith("CREATE TABLE")
    ]
    kept = [statement for statement in tables if "ENGINE = Null" not in statement]
    assert len(tables) - len(kept) == 4
    assert len(kept) >= 15
    for statement in kept:
        assert f"SETTINGS {window}" in statement
        # a table without partitions of time loses rows one by one
        by_time = re.search("PARTITION BY (to|received_on|stored_on)", statement) is not None
        assert ("ttl_only_drop_parts = 1" in statement) == by_time
        assert re.search(r"\nTTL ", statement)


def test_a_database_or_cluster_that_needs_quoting_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot name"):
        placeholders(Variant.EMBEDDED, database="a b")
    with pytest.raises(ValueError, match="cannot name"):
        placeholders(Variant.SERVER, database="a", cluster="x;y")


def test_sql_lines_are_at_most_120_wide() -> None:
    for folder in (FOLDER, Path(api.__path__[0])):
        for path in folder.rglob("*.sql"):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                assert len(line) <= 120, f"{path.name}:{number}"


def test_a_migration_of_several_files_is_checked_as_one(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    whole, part = tmp_path / "0001_a.sql", tmp_path / "part" / "b.sql"
    whole.write_text("SELECT 1;\n--: include part/b.sql\nSELECT 3;\n")
    part.write_text("SELECT 2;\n")
    [first] = read_migrations(tmp_path)
    assert statements(first.text, {}) == ["SELECT 1", "SELECT 2", "SELECT 3"]
    part.write_text("SELECT 4;\n")
    [second] = read_migrations(tmp_path)
    assert first.checksum != second.checksum
    part.unlink()
    with pytest.raises(MigrationError, match=r"b\.sql is included"):
        read_migrations(tmp_path)


def test_an_include_with_a_star_takes_every_file_in_order_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "0001_a.sql").write_text("--: include part/*.sql\n")
    (tmp_path / "part" / "b.sql").write_text("SELECT 2;\n")
    (tmp_path / "part" / "a.sql").write_text("SELECT 1;\n")
    [found] = read_migrations(tmp_path)
    assert statements(found.text, {}) == ["SELECT 1", "SELECT 2"]


def test_constants_are_part_of_the_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0001_a.sql").write_text("--: constants\nSELECT {sketch_accuracy};\n")
    [first] = read_migrations(tmp_path)
    assert statements(first.text, {}) == ["SELECT 0.01"]
    monkeypatch.setattr("provisioning.clickhouse.constants.SKETCH_ACCURACY", 0.02)
    [second] = read_migrations(tmp_path)
    assert statements(second.text, {}) == ["SELECT 0.02"]
    assert first.checksum != second.checksum


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["0001_a.sql", "0003_b.sql"], "0003_b.sql: expected number 0002"),
        (["0001_a.sql", "0001_b.sql"], "0001_b.sql: expected number 0002"),
        (["0000_a.sql"], "0000_a.sql: expected number 0001"),
        (["1_a.sql"], "1_a.sql: migrations are named"),
        (["0001_A.sql"], "0001_A.sql: migrations are named"),
    ],
)
def test_files_count_without_gaps(tmp_path: Path, names: list[str], complaint: str) -> None:
    for name in names:
        (tmp_path / name).write_text("SELECT 1;")
    with pytest.raises(MigrationError, match=complaint):
        read_migrations(tmp_path)


def test_what_is_missing_comes_in_order() -> None:
    files = [migration(1), migration(2), migration(3)]
    assert outstanding(files, []) == files
    assert outstanding(files, [recorded(1)]) == files[1:]
    assert outstanding(files, [recorded(2), recorded(1), recorded(3)]) == []


def test_a_store_that_does_not_belong_to_the_files_is_refused() -> None:
    files = [migration(1), migration(2, "new")]
    with pytest.raises(MigrationError, match=r"0002_m2\.sql was changed.*checksum old.*has new"):
        outstanding(files, [recorded(1), recorded(2, "old")])
    with pytest.raises(MigrationError, match=r"0003_m3, which this version.*newest is 0002"):
        outstanding(files, [recorded(1), recorded(2, "new"), recorded(3)])
    with pytest.raises(MigrationError, match=r"lacks migration 0001_m1\.sql but has 0002"):
        outstanding(files, [recorded(2, "new")])
