"""The table of parts: what each is told, and what nobody may see."""

import dataclasses
import subprocess
from pathlib import Path

import pytest

from provisioning.jetstream.layout import wanted
from seamark.service.connections import LogSettings
from seamark.service.settings import SettingsError, load
from seamark.standalone import configurations, programs
from seamark.standalone.folder import Folder, Secrets
from seamark.standalone.parts import Choices, LogShape, StackPart, overridden, plan, stream_bytes
from seamark.standalone.ports import Ports
from seamark.standalone.public_addresses import public_addresses
from seamark.standalone.terminal import summary
from tests.support.certificate import self_signed

SECRETS = Secrets(nats="nats-word", redis="redis-word", store="store-word")
PLAIN = {"PATH": "/bin", "HOME": "/home/someone"}


@pytest.fixture
def choices(tmp_path: Path) -> Choices:
    folder = Folder(tmp_path / "da ta")
    folder.create()
    return Choices(folder=folder, ports=Ports(300))


def parts(choices: Choices, environ: dict[str, str]) -> dict[str, StackPart]:
    addresses = public_addresses(choices.host, choices.ports, environ)
    stages = plan(choices, SECRETS, addresses, parent_pid=42, environ=environ)
    return {part.name: part for stage in stages for part in stage}


def test_the_order_of_the_stages(choices: Choices) -> None:
    addresses = public_addresses(choices.host, choices.ports, PLAIN)
    stages = plan(choices, SECRETS, addresses, parent_pid=42, environ=PLAIN)

    assert [[part.name for part in stage] for stage in stages] == [
        ["nats", "redis", "store"],
        ["provisioning"],
        ["collector", "rows", "archive", "api"],
    ]


def test_no_secret_is_on_a_command_line(choices: Choices) -> None:
    for part in parts(choices, PLAIN).values():
        assert not [word for word in part.command if "-word" in word], part.name


def test_each_part_gets_its_own_settings_alone(choices: Choices) -> None:
    told = {
        name: {
            variable: value
            for variable, value in part.environment().items()
            if variable.startswith("SEAMARK_")
        }
        for name, part in parts(choices, PLAIN).items()
    }

    assert told["nats"] == told["redis"] == {"SEAMARK_PARENT_PID": "42"}
    assert told["store"]["SEAMARK_STORE_SERVER_PORT"] == "8423"
    assert told["store"]["SEAMARK_STORE_SERVER_PASSWORD"] == "store-word"
    assert "SEAMARK_LOG_PASSWORD" not in told["store"]
    assert "SEAMARK_STORE_PASSWORD" not in told["collector"]
    assert told["collector"]["SEAMARK_LOG_URL"] == "nats://127.0.0.1:4522"
    assert told["collector"]["SEAMARK_COLLECTOR_PORT"] == "4618"
    assert told["api"]["SEAMARK_CACHE_URL"] == "redis://:redis-word@127.0.0.1:6679/0"


def test_every_variable_of_the_table_is_a_setting(choices: Choices) -> None:
    from seamark.standalone.catalogue import rows

    known = {row.name for _, settings in rows() for row in settings} | {"SEAMARK_PARENT_PID"}
    for part in parts(choices, PLAIN).values():
        told = {name for name in part.environment() if name.startswith("SEAMARK_")}
        assert told <= known, part.name


def test_the_users_settings_reach_the_parts_but_not_over_the_wiring(choices: Choices) -> None:
    environ = PLAIN | {
        "SEAMARK_ROWS_INSERTS": "3",
        "SEAMARK_LOG_URL": "nats://elsewhere:4222",
        "SEAMARK_PARENT_PID": "1",
    }
    rows = parts(choices, environ)["rows"].environment()

    assert rows["SEAMARK_ROWS_INSERTS"] == "3"
    assert rows["SEAMARK_LOG_URL"] == "nats://127.0.0.1:4522"
    assert rows["SEAMARK_PARENT_PID"] == "42"
    assert rows["HOME"] == "/home/someone"
    assert overridden(choices, environ) == ["SEAMARK_LOG_URL"]


def test_a_certificate_makes_the_listeners_https(choices: Choices, tmp_path: Path) -> None:
    def secured(cert: Path, key: Path) -> dict[str, StackPart]:
        named = {"SEAMARK_API_TLS_CERT": str(cert), "SEAMARK_API_TLS_KEY": str(key)}
        return parts(choices, PLAIN | named)

    plain, secure = parts(choices, PLAIN), secured(*self_signed(tmp_path, "any", "IP:127.0.0.1"))
    named = secured(*self_signed(tmp_path, "telemetry.example"))

    assert plain["api"].address == "http://127.0.0.1:4620"
    assert secure["api"].address == "https://127.0.0.1:4620"
    assert named["api"].address == "https://telemetry.example:4620"
    assert secure["collector"].address == "http://127.0.0.1:4618"


@pytest.mark.parametrize("partitions", [1, 2, 7])
def test_all_streams_fit_into_the_room(partitions: int) -> None:
    room = 10_000_000_000
    size = stream_bytes(room, {"SEAMARK_LOG_PARTITIONS": str(partitions)})
    streams = wanted(LogSettings(partitions=partitions, max_bytes=size))

    reserved = sum(stream.max_bytes or 0 for stream in streams)
    assert 0.9 * room < reserved < 0.96 * room


def test_a_large_disk_does_not_make_streams_larger_than_the_setting() -> None:
    assert stream_bytes(10**15, {}) == load(LogSettings, prefix="X", environ={}).max_bytes
    assert stream_bytes(10**6, {"SEAMARK_LOG_MAX_BYTES": "5000000"}) == 5_000_000


def test_the_shape_of_the_log_is_that_of_its_settings() -> None:
    theirs = {field.name: field for field in dataclasses.fields(LogSettings)}

    for field in dataclasses.fields(LogShape):
        same = theirs[field.name]
        assert field.default == same.default
        assert field.metadata["minimum"] == same.metadata["minimum"]
        assert field.metadata["maximum"] == same.metadata["maximum"]


def test_wrong_log_settings_are_found_before_anything_starts(choices: Choices) -> None:
    with pytest.raises(SettingsError, match="SEAMARK_LOG_PARTITIONS: 'many' is not a number"):
        parts(choices, PLAIN | {"SEAMARK_LOG_PARTITIONS": "many"})


def test_a_missing_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_NATS", (("no-such-wheel", "nats-server"),))

    with pytest.raises(
        SettingsError, match=r"nats-server is not installed, .* pip install seamark"
    ):
        programs.nats_server()


def test_the_demo_gets_its_key_when_it_starts(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data")
    folder.create()
    choices = Choices(folder=folder, demo=True, demo_rate=25)
    demo = parts(choices, PLAIN)["demo"]
    with pytest.raises(SettingsError, match=r"credentials\.json is missing"):
        demo.environment()

    folder.credentials.write_text('{"ingest_key": "smk_x", "app": "demo"}')

    told = demo.environment()
    assert told["SEAMARK_DEMO_KEY"] == "smk_x"
    assert told["SEAMARK_DEMO_RATE"] == "25"
    assert told["SEAMARK_DEMO_INGEST_URL"] == "http://127.0.0.1:4318"


def test_the_servers_take_their_files(choices: Choices) -> None:
    nats = choices.folder.part("nats") / "nats.conf"
    store = choices.folder.part("nats") / 'a "quoted" folder'
    nats.write_text(
        configurations.nats(choices.ports, store=store, password='p"\\w', log_bytes=10**9)
    )

    checked = subprocess.run(
        [programs.nats_server(), "-t", "-c", str(nats)], check=False, capture_output=True, text=True
    )

    assert checked.returncode == 0, checked.stderr


def test_the_key_is_shown_at_a_keyboard_only(choices: Choices) -> None:
    credentials = {"ingest_key": "smk_secret", "app": "demo"}
    addresses = public_addresses(choices.host, choices.ports, PLAIN)

    quiet, lines = (
        summary(choices.folder, addresses, credentials, seconds=1, talkative=talkative)
        for talkative in (False, True)
    )
    talkative = "\n".join(lines)

    assert len(quiet) == 1
    assert "smk_secret" not in quiet[0]
    assert "X-API-Key: smk_secret" in talkative
    assert """'{"appId":"demo","events":[{"name":"hello","ts":'$(date +%s000)'}]}'""" in talkative
    assert str(choices.folder.credentials) in talkative
