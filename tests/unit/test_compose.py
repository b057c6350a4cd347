"""`compose.yaml` says what the code does: commands, settings, ports, addresses.

There is no Docker engine in these tests. What a process does with what is written here is shown by
`tests/integration/test_compose_*.py`.
"""

import importlib.util
import re
from collections.abc import Iterator, Mapping

import pytest

from collector.http.health_pages import build
from provisioning.jetstream.layout import wanted
from seamark.demo.access import read_access
from seamark.service.connections import LogSettings
from seamark.service.health import Health
from seamark.service.health_answers import READY
from seamark.service.settings import load
from seamark.standalone import catalogue
from tests.support.compose_file import MOUNTED, ROOT, Service, named, services, text

SERVICES = services()
OURS = [service for service in SERVICES.values() if service.ours]
ONCE = ("init", "provisioning", "admin")
PUBLIC_PARTS_WITH_TLS = {
    "SEAMARK_PUBLIC_SCHEME": "https",
    "SEAMARK_PUBLIC_CERT": "/run/seamark/cert.pem",
    "SEAMARK_PUBLIC_KEY": "/run/seamark/key.pem",
}
_EVERYONE = ("SEAMARK_LOG", "SEAMARK_STORE", "SEAMARK_OWN_METRICS")
READ_BY = {
    "provisioning": ("SEAMARK_LOG", "SEAMARK_STORE", "SEAMARK_PROVISION"),
    "collector": ("SEAMARK_LOG", "SEAMARK_OWN_METRICS", "SEAMARK_CACHE", "SEAMARK_COLLECTOR"),
    "rows": (*_EVERYONE, "SEAMARK_ROWS"),
    "archive": (*_EVERYONE, "SEAMARK_ARCHIVE"),
    # exports of long ranges read the archive
    "api": (*_EVERYONE, "SEAMARK_CACHE", "SEAMARK_API", "SEAMARK_EXPORT", "SEAMARK_ARCHIVE"),
    "admin": ("SEAMARK_LOG", "SEAMARK_STORE", "SEAMARK_ARCHIVE"),
}
"""What each service's process is told: beginnings of variables, as the catalogue has them."""
PORTS = {"collector": "COLLECTOR", "api": "API", "rows": "ROWS", "archive": "ARCHIVE"}


# --- settings and commands ---------------------------------------------------------------------


@pytest.mark.parametrize("service", OURS, ids=named)
def test_what_a_service_runs_is_there(service: Service) -> None:
    command = service.command
    if command[0] == "python":
        assert command[1] == "-m"
        assert importlib.util.find_spec(f"{command[2]}.__main__") is not None
    else:
        assert command[0] == "seamark"


@pytest.mark.parametrize("chosen", [{}, PUBLIC_PARTS_WITH_TLS], ids=["plain", "tls"])
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


def test_the_demo_gets_the_settings_it_asks_for() -> None:
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
    listens |= {environment.get(f"SEAMARK_{PORTS[name]}_GRPC_PORT", "")}
    published = {str(port).rsplit(":", 1)[1] for port in service.said.get("ports", [])}
    assert published <= listens
    if published:
        assert environment[f"SEAMARK_{PORTS[name]}_HOST"] == "0.0.0.0"


def test_the_health_paths_are_served() -> None:
    assert "/readyz" in build(Health())
    assert "/readyz" in READY


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
