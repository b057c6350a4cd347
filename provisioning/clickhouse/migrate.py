"""Brings the schema of a store to the newest migration: `NNNN_name.sql`, in order, each once.

A migration may be spread over several files: a line `--: include path` stands for the lines of
`path` (relative to the folder; with `*` in it, of every file that matches, in order of their
names), `--: constants` for those of constants.py. What was applied is recorded in
`<database>.migrations` with the checksum of the text that results. Invariants: a released text is
never edited; every statement can be run again (IF NOT EXISTS), so a runner that
dies in the middle of a migration is simply started again. Blocks on the store.
"""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from provisioning.clickhouse.constants import constants
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

logger = logging.getLogger(__name__)
FOLDER: Final = Path(__file__).parent
_FILE_NAME: Final = re.compile(r"([0-9]{4})_([a-z0-9_]+)\.sql\Z")
_INCLUDE: Final = "--: include "
_CONSTANTS: Final = "--: constants"
_OWN_TABLE: Final = (
    "CREATE DATABASE IF NOT EXISTS {database} {on_cluster} ENGINE = Atomic",
    "CREATE TABLE IF NOT EXISTS {database}.migrations {on_cluster} "
    "(version UInt32, name String, checksum String, "
    "applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) "
    "ENGINE = {merge_tree} ORDER BY version SETTINGS {deduplication}",
)


class MigrationError(Exception):
    """Files and store do not belong together; a person has to decide. Nothing was changed."""


class SchemaStore(Protocol):
    """What the runner needs of a store."""

    def command(self, sql: str) -> object:
        """Run a statement that answers nothing."""

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Run a query and return its rows."""


class OverHttp:
    """A store behind ClickHouse's HTTP interface."""

    def __init__(self, client: "Client") -> None:
        self._client = client

    def command(self, sql: str) -> object:
        """Run a statement that answers nothing. Raises clickhouse-connect's errors."""
        return self._client.command(sql, use_database=False)

    def rows(self, sql: str) -> Sequence[Sequence[Any]]:
        """Run a query and return its rows. Raises clickhouse-connect's errors."""
        return self._client.query(sql).result_rows


@dataclass(frozen=True, slots=True)
class Migration:
    """`version` is its number, `checksum` the SHA-256 of `text` (UTF-8), in hexadecimal."""

    version: int
    name: str
    text: str
    checksum: str

    @property
    def file_name(self) -> str:
        """The name of the file it was read from."""
        return f"{self.version:04d}_{self.name}.sql"


@dataclass(frozen=True, slots=True)
class AppliedMigration:
    """What the store says about a migration it has."""

    version: int
    name: str
    checksum: str


def read_migrations(folder: Path = FOLDER) -> list[Migration]:
    """The migrations of a folder in order.

    Raises MigrationError unless they count 1, 2, 3, …, and where an included file is missing.
    """
    found = []
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.match(path.name)
        if match is None:
            raise MigrationError(
                f"{path.name}: migrations are named NNNN_name.sql, the name in lower case."
            )
        text = _whole_text(folder, path.name)
        checksum = hashlib.sha256(text.encode()).hexdigest()
        found.append(Migration(int(match[1]), match[2], text, checksum))
    for expected, migration in enumerate(found, start=1):
        if migration.version != expected:
            raise MigrationError(
                f"{migration.file_name}: expected number {expected:04d}; migrations are numbered "
                "without gaps or repetitions."
            )
    return found


def _whole_text(folder: Path, name: str) -> str:
    """The text of a file, with what it includes in its place."""
    found: list[str] = []
    for line in (folder / name).read_text().splitlines():
        if line.startswith(_INCLUDE):
            included = _included(folder, line.removeprefix(_INCLUDE))
            found.extend(_whole_text(folder, each) for each in included)
        else:
            found.append(constants() if line == _CONSTANTS else line)
    return "\n".join(found)


def _included(folder: Path, pattern: str) -> list[str]:
    """Names of the files that an include stands for, relative to the folder, in order."""
    found = sorted(str(path.relative_to(folder)) for path in folder.glob(pattern))
    if not found:
        raise MigrationError(f"{folder / pattern} is included by a migration but missing.")
    return found


def outstanding(
    files: Sequence[Migration], recorded: Sequence[AppliedMigration]
) -> list[Migration]:
    """The migrations that a store still lacks, in order.

    Raises MigrationError where the store has one that is not among the files, has another content
    of one, or lacks one that comes before another which it has.
    """
    known = {migration.version: migration for migration in files}
    for record in recorded:
        migration = known.get(record.version)
        if migration is None:
            raise MigrationError(
                f"The store has migration {record.version:04d}_{record.name}, which this version "
                f"of Seamark does not know (its newest is {len(files):04d}). Run the newer version."
            )
        if migration.checksum != record.checksum:
            raise MigrationError(
                f"{migration.file_name} was changed after it had been applied: the store has "
                f"checksum {record.checksum}, the text has {migration.checksum}. Restore the text "
                "and put the change into a new migration, or rebuild the store from the archive "
                "(docs/recovery.md)."
            )
    applied = {record.version for record in recorded}
    missing = [migration for migration in files if migration.version not in applied]
    if missing and applied and missing[0].version < max(applied):
        raise MigrationError(
            f"The store lacks migration {missing[0].file_name} but has {max(applied):04d}: "
            f"its table of migrations was altered. Restore it from a backup."
        )
    return missing


def migrate(
    store: SchemaStore,
    *,
    variant: Variant,
    database: str = "seamark",
    cluster: str = "",
    folder: Path = FOLDER,
) -> list[Migration]:
    """Apply what is missing, in order; return it (empty: the store was up to date).

    `cluster` (server variant): name of the cluster for ON CLUSTER, "" for one node. Raises
    MigrationError before anything is changed, and the store's own errors as they come; after those,
    run it again.
    """
    values = placeholders(variant, database=database, cluster=cluster)
    files = read_migrations(folder)
    for template in _OWN_TABLE:
        for statement in statements(template, values):
            store.command(statement)
    applied = []
    for migration in outstanding(files, _recorded(store, database)):
        _apply(store, migration, values)
        logger.info("migration applied", extra={"migration": migration.file_name})
        applied.append(migration)
    return applied


def _recorded(store: SchemaStore, database: str) -> list[AppliedMigration]:
    rows = store.rows(
        f"SELECT DISTINCT version, name, checksum FROM {database}.migrations ORDER BY version"  # noqa: S608 - placeholders() checks the name
    )
    return [
        AppliedMigration(int(version), str(name), str(checksum)) for version, name, checksum in rows
    ]


def _apply(store: SchemaStore, migration: Migration, values: Mapping[str, str]) -> None:
    for statement in statements(migration.text, values):
        store.command(statement)
    store.command(
        f"INSERT INTO {values['database']}.migrations (version, name, checksum) "  # noqa: S608 - checked by placeholders() and the file name's pattern
        f"VALUES ({migration.version}, '{migration.name}', '{migration.checksum}')"
    )
