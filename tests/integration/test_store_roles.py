"""One user for each role in the embedded store: what each may do, and that it may do no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seamark.standalone.store.roles import role_password
from tests.damage.parts import provision
from tests.support.store_server import PASSWORD, StoreServer

pytestmark = pytest.mark.integration
DENIED = "497"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    with StoreServer(tmp_path_factory.mktemp("store") / "data", fsync="false") as running:
        provision(running)
        yield running


def ask(store: StoreServer, role: str, sql: str) -> str:
    """The code of the error; "" for an answer."""
    headers = {"X-ClickHouse-User": role, "X-ClickHouse-Key": role_password(PASSWORD, role)}
    return store.request("POST", "/", sql.encode(), headers).code


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count() FROM seamark.events",
        "SELECT count() FROM events_1m FINAL WHERE org = 'a' FORMAT JSONCompact",
        "WITH q AS (SELECT 1 AS z) SELECT z FROM (SELECT number AS z FROM numbers(3))",
        "SELECT name FROM system.columns WHERE database = 'seamark'",
        "SELECT version(), timezone()",
    ],
)
def test_the_api_reads_the_tables(store: StoreServer, sql: str) -> None:
    assert ask(store, "api", sql) == ""


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT file('/etc/passwd')",
        "SELECT * FROM file('/etc/passwd', 'LineAsString')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
        "SELECT * FROM s3('http://127.0.0.1:1/a', 'LineAsString')",
        "SELECT * FROM remote('127.0.0.1', 'system', 'one')",
        "SELECT * FROM (SELECT 1 AS a UNION ALL SELECT length(file('/etc/passwd')))",
        "SELECT 1 WHERE 1 IN (SELECT length(line) FROM file('/etc/passwd', 'LineAsString'))",
        "SELECT * FROM default.`/etc/passwd`",
        "SELECT 1 IN default.`/etc/passwd`",
        "SELECT * FROM merge('seamark', 'events')",
        "SELECT * FROM sqlite('/tmp/x.db', 't')",
        "SELECT * FROM system.processes",
        "SELECT 1 INTO OUTFILE '/tmp/seamark-outfile'",
        "INSERT INTO seamark.errors SELECT * FROM seamark.errors",
        "INSERT INTO FUNCTION file('/tmp/seamark-outfile') SELECT 1",
        "TRUNCATE TABLE seamark.events",
        "DROP DATABASE seamark",
        "CREATE TABLE seamark.x (a Int8) ENGINE = Memory",
        "SET readonly = 0",
        "KILL QUERY WHERE 1",
        "SYSTEM STOP MERGES",
        "BACKUP DATABASE seamark TO File('x')",
    ],
)
@pytest.mark.parametrize("role", ["api", "rows", "archive"])
def test_nobody_but_the_owner_reaches_outside_or_changes_tables(
    store: StoreServer, role: str, sql: str
) -> None:
    assert ask(store, role, sql) == DENIED
    assert not Path("/tmp/seamark-outfile").exists()  # noqa: S108  # where it would have been
    assert store.ask("SELECT count() FROM seamark.events").status == 200


def test_rows_inserts_blocks_and_reads_what_it_compares(store: StoreServer) -> None:
    assert ask(store, "rows", "SELECT max(last) FROM seamark.stored_blocks") == ""
    assert ask(store, "rows", "SELECT * FROM seamark.damaged_parts FINAL") == ""
    assert ask(store, "rows", "SELECT * FROM seamark.ledger") == DENIED
    for table, code in (("in_events", ""), ("events", DENIED), ("ledger", DENIED)):
        sql = f"INSERT INTO seamark.{table} (org) FORMAT JSONEachRow\n" + '{"org": "a"}'
        assert ask(store, "rows", sql) == code
    for role in ("api", "archive"):
        sql = 'INSERT INTO seamark.in_events (org) FORMAT JSONEachRow\n{"org": "a"}'
        assert ask(store, role, sql) == DENIED


def test_a_role_does_not_enter_with_the_password_of_another(store: StoreServer) -> None:
    for user, password in (("api", PASSWORD), ("seamark", role_password(PASSWORD, "api"))):
        headers = {"X-ClickHouse-User": user, "X-ClickHouse-Key": password}
        assert store.request("POST", "/", b"SELECT 1", headers).code == "516"
