"""The store's users of the compose stack, by the very engine: grants, digests, and what they cover.

The engine in the process takes `users.xml` as a server does. It knows no way to sign in as one of
its users, so each role's own rights are given to the user that a process is: one process a role.
"""

import hashlib
import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from provisioning.clickhouse.migrate import read_migrations
from provisioning.clickhouse.template import statements
from provisioning.clickhouse.variant import Variant, placeholders
from provisioning.compose import layout
from provisioning.compose.backup import DISK, statement
from seamark.wire.insert import INSERT_SETTINGS
from seamark.wire.signals import Signal, input_table
from tests.support.compose_file import CONFIGURATIONS
from tests.support.compose_parts import Machine
from tests.support.s3_server import BUCKET, KEY, SECRET, S3Server

pytestmark = pytest.mark.integration
RUN = """
import json, sys, chdb
folder, config = sys.argv[1:]
connection = chdb.connect(f"{folder}?config-file={config}")
answers = []
for sql in json.load(sys.stdin):
    try:
        answers.append(connection.query(sql, "TabSeparated").bytes().decode().strip())
    except Exception as error:
        answers.append("refused" if "ACCESS_DENIED" in str(error) else f"failed: {error}")
print(json.dumps(answers))
"""
RAW = ("events", "spans", "logs", "metric_points")
READABLE = (*RAW, "ledger", "receipts", "dead_letters")


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("compose"))


@pytest.fixture(scope="module")
def store(machine: Machine) -> Path:
    """A store made by the migrations, under the rights of `provisioning`."""
    folder = machine.root / "engine"
    values = placeholders(Variant.EMBEDDED, database="seamark")
    made = ["CREATE DATABASE IF NOT EXISTS seamark ENGINE = Atomic"]
    for migration in read_migrations():
        made += statements(migration.text, values)
    answers = ask(machine, folder, "provisioning", *made)
    assert [answer for answer in answers if answer] == []
    return folder


def config_of(machine: Machine, role: str, more: str = "") -> Path:
    """A configuration in which the user of the process has the rights of `role`."""
    tree = ET.parse(CONFIGURATIONS / "clickhouse/users.xml")  # noqa: S314  # our own file
    root = tree.getroot()
    include, users = root.find("include_from"), root.find("users")
    assert include is not None
    assert users is not None
    include.text = str(machine.secrets("clickhouse") / "passwords.xml")
    if role:
        found = users.find(role)
        assert found is not None
        own = ET.SubElement(users, "default")
        own.extend(part for part in found if part.tag != "password_sha256_hex")
        ET.SubElement(own, "no_password")
    else:
        anyone = ET.SubElement(users, "default")
        ET.SubElement(anyone, "no_password")
        ET.SubElement(anyone, "access_management").text = "1"
    folder = machine.root / "etc" / f"clickhouse-{role}"
    folder.mkdir(parents=True, exist_ok=True)
    tree.write(folder / "users.xml")
    config = folder / "config.xml"
    config.write_text(
        f"<clickhouse><users_config>{folder / 'users.xml'}</users_config>{more}</clickhouse>"
    )
    return config


def ask(machine: Machine, folder: Path, role: str, *sql: str, more: str = "") -> list[str]:
    """What the engine answers to a role, statement by statement; "refused" where it may not."""
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(folder), str(config_of(machine, role, more))],
        input=json.dumps(sql),
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr
    answers: list[str] = json.loads(ended.stdout.splitlines()[-1])
    return answers


def test_the_digests_are_those_of_the_passwords(machine: Machine) -> None:
    users = ET.parse(machine.secrets("clickhouse") / "passwords.xml").getroot()  # noqa: S314
    for user in layout.STORE_USERS:
        password = (machine.secrets(user) / "store").read_text()
        assert users.findtext(user) == hashlib.sha256(password.encode()).hexdigest()


def test_the_engine_knows_every_user(machine: Machine, tmp_path: Path) -> None:
    (users,) = ask(
        machine,
        tmp_path / "engine",
        "",
        "SELECT groupArray(name) FROM (SELECT name FROM system.users WHERE name != 'default' "
        "AND has(auth_type, 'sha256_password') ORDER BY name)",
    )
    assert users == str(sorted(layout.STORE_USERS)).replace(" ", "")


def test_the_store_is_backed_up_into_the_bucket_by_admin_alone(
    machine: Machine, store: Path, tmp_path: Path
) -> None:
    """With the disk of `config.xml`; the S3 server speaks plain HTTP here."""
    tree = ET.parse(CONFIGURATIONS / "clickhouse/config.xml").getroot()  # noqa: S314  # our own file
    endpoint, secret = (
        tree.find(f"storage_configuration/disks/{DISK}/{name}")
        for name in ("endpoint", "secret_access_key")
    )
    assert endpoint is not None
    assert endpoint.text == f"https://s3:7070/{layout.BUCKET}/backups/"
    assert secret is not None
    name = secret.attrib.pop("incl")
    users = ET.parse(machine.secrets("clickhouse") / "passwords.xml").getroot()  # noqa: S314
    assert users.findtext(name) == (machine.secrets("s3") / "objects").read_text()
    (key,) = tree.iterfind(f"storage_configuration/disks/{DISK}/access_key_id")
    assert key.text == layout.OBJECTS_KEY
    with S3Server(tmp_path / "s3") as bucket:
        endpoint.text = f"{bucket.endpoint}/{BUCKET}/backups/"
        key.text, secret.text = KEY, SECRET
        more = "".join(
            ET.tostring(part, encoding="unicode")
            for part in (tree.find("storage_configuration"), tree.find("backups"))
            if part is not None
        )
        sql = statement("seamark", "one")
        (refused,) = ask(machine, store, "api", sql, more=more)
        assert refused == "refused"
        (made,) = ask(machine, store, "admin", sql, more=more)
        assert made.endswith("BACKUP_CREATED")
        restored = ask(
            machine,
            tmp_path / "empty",
            "admin",
            f"RESTORE DATABASE seamark FROM Disk('{DISK}', 'one')",
            "SELECT count() > 10 FROM system.tables WHERE database = 'seamark'",
            more=more,
        )
        assert restored[0].endswith("RESTORED")
        assert restored[1] == "1"


def test_a_block_needs_no_more_than_rows_has(machine: Machine, store: Path) -> None:
    settings = ", ".join(
        f"{name} = '{value}'" for name, value in INSERT_SETTINGS.items() if name != "format_schema"
    )
    blocks = [
        f"INSERT INTO seamark.{input_table(signal)} (org, app) SETTINGS {settings} "
        "VALUES ('demo', 'demo')"
        for signal in Signal
    ]
    assert ask(machine, store, "rows", *blocks) == [""] * len(Signal)
    (ledger,) = ask(machine, store, "api", "SELECT count() > 0 FROM seamark.receipts")
    assert ledger in ("0", "1")


def test_rows_reads_receipts_and_blocks_alone_and_changes_nothing(
    machine: Machine, store: Path
) -> None:
    last, *received = ask(
        machine,
        store,
        "rows",
        "SELECT count() FROM seamark.stored_blocks",
        *(f"SELECT count(receipt) FROM seamark.{table}" for table in RAW),
    )
    assert last.isdigit()
    assert all(count.isdigit() for count in received)
    answers = ask(
        machine,
        store,
        "rows",
        *(f"SELECT org FROM seamark.{table}" for table in RAW),
        *(f"SELECT count() FROM seamark.{table}" for table in READABLE if table not in RAW),
        "INSERT INTO seamark.events (org) VALUES ('demo')",
        "INSERT INTO seamark.archive_files (path) VALUES ('x')",
        "TRUNCATE TABLE seamark.events",
        "DROP TABLE seamark.events",
        "SELECT * FROM url('http://127.0.0.1:1/', 'RawBLOB')",
    )
    assert set(answers) == {"refused"}


def test_archive_has_its_manifest_and_nothing_else(machine: Machine, store: Path) -> None:
    allowed = ask(
        machine,
        store,
        "archive",
        "INSERT INTO seamark.archive_files (path) VALUES ('x')",
        "SELECT count() FROM seamark.archive_files FINAL",
    )
    assert allowed[0] == ""
    assert allowed[1].isdigit()
    refused = ask(
        machine,
        store,
        "archive",
        "SELECT count() FROM seamark.events",
        "INSERT INTO seamark.in_events (org) VALUES ('demo')",
        "TRUNCATE TABLE seamark.archive_files",
    )
    assert set(refused) == {"refused"}


def test_api_reads_every_table_and_writes_none(machine: Machine, store: Path) -> None:
    (listed,) = ask(
        machine,
        store,
        "admin",
        "SELECT name FROM system.tables WHERE database = 'seamark' AND engine LIKE '%MergeTree'",
    )
    tables = listed.split("\n")
    assert set(READABLE) <= set(tables)
    assert "events_1m" in tables
    answers = ask(
        machine, store, "api", *(f"SELECT count() FROM seamark.{name}" for name in tables)
    )
    assert all(answer.isdigit() for answer in answers), answers
    refused = ask(
        machine,
        store,
        "api",
        *(f"INSERT INTO seamark.{input_table(signal)} (org) VALUES ('x')" for signal in Signal),
        "ALTER TABLE seamark.events DELETE WHERE 1",
        "DROP TABLE seamark.events",
        "CREATE TABLE seamark.mine (x Int8) ENGINE = Memory",
        "SELECT * FROM file('/etc/passwd', 'RawBLOB')",
        "SELECT * FROM url('http://127.0.0.1:1/', 'RawBLOB')",
    )
    assert set(refused) == {"refused"}


def test_provisioning_makes_tables_and_no_users(machine: Machine, store: Path) -> None:
    refused = ask(
        machine,
        store,
        "provisioning",
        "CREATE USER somebody IDENTIFIED BY 'x'",
        "CREATE DATABASE elsewhere",
        "SYSTEM SHUTDOWN",
        "SELECT * FROM file('/etc/passwd', 'RawBLOB')",
    )
    assert set(refused) == {"refused"}
