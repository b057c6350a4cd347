"""The servers of `compose.yaml` are configured for the users, schemas and scripts that we have."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from provisioning.compose import layout
from provisioning.compose.server_files import SERVER_FILES
from tests.support.compose_file import CONFIGURATIONS, MOUNTED, ROOT, services, text

SERVICES = services()


def test_the_store_has_no_user_that_was_not_declared() -> None:
    users = parsed("clickhouse/users.xml").find("users")
    assert users is not None
    assert [user.tag for user in users] == list(layout.STORE_USERS)
    for user in users:
        digest = user.find("password_sha256_hex")
        assert digest is not None
        assert digest.get("incl") == user.tag
        assert user.find("password") is None
        assert user.find("no_password") is None


def test_the_store_takes_the_schema_of_our_inserts() -> None:
    config = parsed("clickhouse/config.xml")
    assert config.findtext("format_schema_path") == f"{MOUNTED}/"
    schema = SERVER_FILES["clickhouse"]["seamark_envelope.proto"]
    assert schema.read_text() == (ROOT / "seamark/wire/envelope.proto").read_text()


def test_replicated_tables_have_what_they_need() -> None:
    config = parsed("clickhouse/config.xml")
    assert config.findtext("macros/shard")
    assert config.findtext("macros/replica")
    assert config.findtext("interserver_http_port")
    assert config.findtext("zookeeper/node/port") == config.findtext("keeper_server/tcp_port")
    assert config.findtext("tcp_port") is None
    assert config.findtext("http_port") is None
    assert SERVICES["provisioning"].environment["SEAMARK_PROVISION_STORE_VARIANT"] == "server"


def parsed(name: str) -> ET.Element:
    return ET.parse(CONFIGURATIONS / name).getroot()  # noqa: S314  # our own file


def test_each_log_user_has_permissions_of_its_own() -> None:
    found = re.findall(r"user: (\w+)\n\s+password: \$(\w+)_password", text("nats.conf"))
    assert found == [(user, user) for user in layout.LOG_USERS]
    assert text("nats.conf").count("permissions {") == len(layout.LOG_USERS) - 1  # admin: none
    assert "sync_interval: always" in text("nats.conf")


def test_the_credentials_are_those_that_are_made() -> None:
    for name in ("provisioning", "collector", "rows", "archive", "api", "admin"):
        assert SERVICES[name].environment["SEAMARK_LOG_USER"] == name
        assert name in layout.LOG_USERS
    for name in ("provisioning", "rows", "archive", "api", "admin"):
        assert SERVICES[name].environment["SEAMARK_STORE_USER"] == name
    for name in layout.CACHE_USERS:
        assert f"rediss://{name}@" in SERVICES[name].environment["SEAMARK_CACHE_URL"]
    archive = SERVICES["archive"].environment
    assert archive["SEAMARK_ARCHIVE_URL"].startswith(f"s3://{layout.BUCKET}/")
    assert archive["SEAMARK_ARCHIVE_S3_KEY"] == layout.OBJECTS_KEY
    assert SERVICES["s3"].environment["ROOT_ACCESS_KEY_ID"] == layout.OBJECTS_KEY


def test_scripts_are_for_a_plain_shell() -> None:
    for script in CONFIGURATIONS.rglob("*.sh"):
        assert script.read_text().startswith("#!/bin/sh\n")
        assert "set -eu" in script.read_text()
    assert Path(SERVICES["s3"].command[-1]).name == "s3.sh"
