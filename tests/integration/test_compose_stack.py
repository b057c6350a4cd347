"""The processes of compose.yaml, with the environment and the servers' files that it gives them.

The embedded store stands in for ClickHouse (`test_compose_store.py` has its users); nats-server,
the S3 server and redis-server are real, over TLS, each process under its own user.
"""

import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from provisioning.compose import layout
from tests.support.compose_file import services
from tests.support.compose_parts import Machine
from tests.support.s3_server import s3_binary
from tests.support.servers import binary
from tests.support.until import until

pytestmark = [pytest.mark.integration, pytest.mark.slow]
STORE = "embedded"


def _cache_has_tls() -> bool:
    """Whether this redis-server was built with TLS: without it, it does not know the option.

    It ends at once either way, having nothing to listen on.
    """
    ended = subprocess.run(
        [binary("redis-server"), "--port", "0", "--tls-port", "0"],
        check=False,
        capture_output=True,
        timeout=20,
    )
    return b"Bad directive" not in ended.stdout + ended.stderr


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("compose"))


@pytest.fixture(scope="module")
def stack(machine: Machine) -> Iterator[Machine]:
    """Everything up to the API, ready."""
    with ExitStack() as up:
        up.enter_context(machine.log_server())
        up.enter_context(store(machine))
        up.enter_context(objects(machine))
        up.enter_context(cache(machine))
        provision(machine)
        for service, port in (
            ("collector", "COLLECTOR_PORT"),
            ("rows", "ROWS_PORT"),
            ("archive", "ARCHIVE_PORT"),
            ("api", "API_PORT"),
        ):
            up.enter_context(
                machine.process(
                    service,
                    ready=f"http://127.0.0.1:{machine.ports[port]}/readyz",
                    more=otherwise(machine, service),
                )
            )
        yield machine


def instead_of_clickhouse(service: str) -> dict[str, str]:
    """The embedded store has one user."""
    if "SEAMARK_STORE_URL" not in services()[service].environment:
        return {}
    return {
        "SEAMARK_STORE_USER": "seamark",
        "SEAMARK_STORE_PASSWORD": STORE,
        "SEAMARK_STORE_PASSWORD_FILE": "",
    }


def otherwise(machine: Machine, service: str) -> dict[str, str]:
    """What differs here from compose.yaml: the store's user, and what would make a test slow."""
    more = instead_of_clickhouse(service)
    if service == "archive":
        more["SEAMARK_ARCHIVE_BLOCK_AGE_SECONDS"] = "0.5"
    if service in layout.CACHE_USERS and not _cache_has_tls():
        told = machine.environment(service)["SEAMARK_CACHE_URL"]
        more["SEAMARK_CACHE_URL"] = told.replace("rediss:", "redis:").partition("?")[0]
    return more


def store(machine: Machine) -> AbstractContextManager[Path]:
    port = machine.ports["clickhouse:8443"]
    return machine.running(
        "store",
        *(sys.executable, "-P", "-m", "seamark.standalone.store"),
        environment={
            "SEAMARK_STORE_SERVER_PATH": str(machine.root / "volumes/store/embedded"),
            "SEAMARK_STORE_SERVER_PORT": str(port),
            "SEAMARK_STORE_SERVER_PASSWORD": STORE,
            "SEAMARK_STORE_SERVER_TLS_CERT": str(machine.secrets("clickhouse") / "cert.pem"),
            "SEAMARK_STORE_SERVER_TLS_KEY": str(machine.secrets("clickhouse") / "key.pem"),
        },
        ready=f"https://127.0.0.1:{port}/ping",
    )


def objects(machine: Machine) -> AbstractContextManager[Path]:
    """The S3 server by the stack's own script, with the environment of compose.yaml."""
    programs = machine.root / "programs"
    programs.mkdir()
    (programs / "versitygw").symlink_to(s3_binary())
    port = machine.ports["s3:7070"]
    environment = {
        name: value.replace("/run/seamark", str(machine.secrets("s3")))
        for name, value in services()["s3"].environment.items()
    }
    return machine.running(
        "s3",
        *("/bin/sh", "provisioning/compose/s3.sh"),
        environment=environment
        | {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "VGW_PORT": f"127.0.0.1:{port}",
            "SEAMARK_OBJECTS": str(machine.root / "volumes/objects"),
        },
        ready=f"https://127.0.0.1:{port}/health",
    )


@contextmanager
def cache(machine: Machine) -> Iterator[None]:
    """redis-server; a wheel's is built without TLS and has to do without it."""
    changed = {
        "bind 0.0.0.0": "bind 127.0.0.1",
        "tls-port 6379": f"tls-port {machine.ports['redis:6379']}",
        "dir /tmp": f"dir {machine.root}",
    }
    if not _cache_has_tls():
        changed |= {
            "port 0\n": f"port {machine.ports['redis:6379']}\n",
            "\ntls-": "\n#tls-",
        }
    config = machine.configuration("redis.conf", "redis", changed)
    command = (binary("redis-server"), str(config))
    with machine.running("redis", *command, environment={}, says="Ready to accept"):
        yield


def provision(machine: Machine) -> None:
    environment = machine.environment("provisioning") | instead_of_clickhouse("provisioning")
    environment["SEAMARK_PROVISION_STORE_VARIANT"] = "embedded"
    ended = subprocess.run(
        [sys.executable, "-P", *services()["provisioning"].command[1:]],
        env=os.environ | environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ended.returncode == 0, ended.stderr


def sent(machine: Machine, events: int) -> str:
    """Send a batch with the demo's key; the receipt."""
    key = json.loads((machine.secrets("demo") / "credentials.json").read_text())["ingest_key"]
    now_ms = time.time_ns() // 1_000_000
    made = [{"ts": now_ms, "name": "page_view", "value": number} for number in range(events)]
    body = {"batchId": "b-1", "sentAt": now_ms, "events": made}
    request = urllib.request.Request(
        f"http://127.0.0.1:{machine.ports['COLLECTOR_PORT']}/v1/ingest/batch",
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
        return str(json.load(answer)["receiptId"])


def receipt(machine: Machine, name: str) -> dict[str, Any]:
    """What the API says of it, asked with Grafana's token."""
    token = (machine.secrets("grafana") / "token").read_text()
    request = urllib.request.Request(
        f"http://127.0.0.1:{machine.ports['API_PORT']}/v1/receipts/{name}",
        headers={"Authorization": f"Bearer {token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


async def test_an_event_goes_all_the_way_and_every_user_keeps_to_its_rights(stack: Machine) -> None:
    name = sent(stack, 5)
    await asyncio.to_thread(
        until,
        lambda: receipt(stack, name),
        lambda found: found["state"] == "stored" and found["archived"]["complete"],
    )
    assert stored_files(stack)
    assert "Permissions Violation" not in (stack.root / "nats.log").read_text()
    for service in ("collector", "rows", "archive", "api"):
        assert "ermissions" not in (stack.root / f"{service}.log").read_text()


def stored_files(machine: Machine) -> list[Path]:
    return sorted((machine.root / "volumes/objects/buckets/telemetry").rglob("*.parquet"))


def test_the_cache_is_used(stack: Machine) -> None:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{stack.ports['API_PORT']}/readyz", timeout=10
    ) as answer:
        report = json.load(answer)
    assert [part["ready"] for part in report["optional"]] == [True, True]  # the cache, the log


def test_the_health_checks_hold(stack: Machine) -> None:
    for service in ("collector", "rows", "archive", "api"):
        _, *command = services()[service].check[1:]
        command[2] = {
            "4318": str(stack.ports["COLLECTOR_PORT"]),
            "4320": str(stack.ports["API_PORT"]),
            "4321": str(stack.ports["ROWS_PORT"]),
            "4322": str(stack.ports["ARCHIVE_PORT"]),
        }[command[2]]
        ended = subprocess.run([sys.executable, "-P", *command], check=False, timeout=20)
        assert ended.returncode == 0, service
