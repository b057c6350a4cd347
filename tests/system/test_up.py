"""`seamark up`, `status` and `stop` as a person meets them: the real thing, from outside."""

import json
import os
import re
import signal
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from seamark.standalone.ports import Ports
from tests.support.until import until
from tests.system.free import free_offset
from tests.system.stack import Stack, run

pytestmark = pytest.mark.system
PARTS = ["nats", "redis", "store", "collector", "rows", "archive", "api"]
RESTART_SECONDS = 30.0


def get(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_status_shows_every_part(stack: Stack) -> None:
    code, rows = stack.status()

    assert code == 0
    assert [row["name"] for row in rows] == PARTS
    for row in rows:
        assert set(row) == {"name", "pid", "address", "ready", "since"}
        assert row["ready"] is True
        assert abs(time.time() - float(str(row["since"]))) < 3600
    addresses = {row["name"]: row["address"] for row in rows}
    assert addresses["collector"] == stack.urls.ingest
    assert addresses["api"] == stack.urls.api
    people = run("status", "--data", str(stack.data))
    assert people.returncode == 0
    assert all(name in people.stdout for name in PARTS)


def test_the_doors_are_open(stack: Stack) -> None:
    assert get(f"{stack.urls.ingest}/readyz") == 200
    assert get(f"{stack.urls.ingest}/v1/healthz") == 200
    assert get(f"{stack.urls.api}/readyz") == 200
    assert get(f"{stack.urls.rows}/readyz") == 200


def test_the_first_credentials_are_private_and_work(stack: Stack) -> None:
    path = stack.data / "credentials.json"

    assert path.stat().st_mode & 0o777 == 0o600
    assert set(stack.credentials) == {
        "org",
        "app",
        "ingest_key",
        "query_token",
        "admin_token",
        "operator_token",
    }
    assert (stack.credentials["org"], stack.credentials["app"]) == ("demo", "demo")
    request = urllib.request.Request(
        f"{stack.urls.ingest}/v1/ingest/batch",
        data=json.dumps(
            {"appId": "demo", "events": [{"name": "hello", "ts": int(time.time() * 1000)}]}
        ).encode(),
        headers={
            "X-API-Key": stack.credentials["ingest_key"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 202
        assert json.load(answer)["accepted"] == 1


def test_nothing_secret_is_on_a_command_line_or_in_a_log(stack: Stack) -> None:
    names = ("ingest_key", "query_token", "admin_token", "operator_token")
    hidden = [*stack.secrets.values(), *(stack.credentials[name] for name in names)]
    assert stack.process is not None
    processes = [psutil.Process(stack.process.pid)]
    processes += processes[0].children(recursive=True)
    seen = [word for process in processes for word in process.cmdline()]
    seen += [log.read_text(errors="replace") for log in (stack.data / "logs").iterdir()]

    assert len(processes) > len(PARTS)
    assert not [secret for secret in hidden for text in seen if secret in text]


def test_everything_in_the_folder_is_its_owners_only(stack: Stack) -> None:
    assert stack.data.stat().st_mode & 0o077 == 0
    for name in ("secrets.json", "state.json", "lock", "nats/nats.conf", "redis/redis.conf"):
        assert (stack.data / name).stat().st_mode & 0o077 == 0, name


def test_a_second_one_on_the_same_data_is_refused(stack: Stack) -> None:
    assert stack.process is not None
    second = run("up", "--data", str(stack.data), "--port-offset", str(free_offset()))

    assert second.returncode == 2
    assert (
        second.stderr
        == f"seamark: {stack.data} is in use by another seamark (pid {stack.process.pid})\n"
    )


def test_a_port_in_use_is_a_sentence(tmp_path: Path) -> None:
    offset = free_offset()
    port = Ports(offset).collector_http
    with socket.create_server(("127.0.0.1", port)):
        refused = run("up", "--data", str(tmp_path / "data"), "--port-offset", str(offset))

    assert refused.returncode == 2
    assert re.fullmatch(
        rf"seamark: port {port} \(collector HTTP\) is in use by another program; stop it, or "
        r"choose --port-offset \d+, whose ports are free\n",
        refused.stderr,
    )


def test_a_wrong_setting_is_a_sentence_of_the_part(tmp_path: Path) -> None:
    wrong = Stack(tmp_path / "data", environment={"SEAMARK_STORE_SERVER_THREADS": "many"}).start()
    assert wrong.process is not None

    assert wrong.process.wait(60) == 2
    assert "store: " in wrong.output
    assert "SEAMARK_STORE_SERVER_THREADS: 'many' is not a number" in wrong.output


@pytest.mark.parametrize("name", PARTS)
def test_a_killed_part_is_back_while_the_others_stay(stack_of_its_own: Stack, name: str) -> None:
    stack = stack_of_its_own.wait_ready(within_seconds=RESTART_SECONDS)
    before = stack.pids

    killed = stack.kill(name)
    until(lambda: stack.pids.get(name) not in (None, killed), seconds=RESTART_SECONDS)

    after = stack.wait_ready(within_seconds=RESTART_SECONDS).pids
    assert after[name] != before[name]
    assert {n: p for n, p in after.items() if n != name} == {
        n: p for n, p in before.items() if n != name
    }


def test_the_demo_sends_and_comes_back_when_it_dies(tmp_path: Path) -> None:
    demo = Stack(tmp_path / "data", arguments=("--demo", "--demo-rate=20"))
    with demo:
        assert [row["name"] for row in demo.status()[1]] == [*PARTS, "demo"]
        killed = demo.kill("demo")
        until(lambda: demo.pids.get("demo") not in (None, killed), seconds=RESTART_SECONDS)
        demo.wait_ready(within_seconds=RESTART_SECONDS)

        assert demo.pids["demo"] != killed
        assert "demo was killed by SIGKILL; starting again in 0.2 s" in demo.output


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that is killed and started again by the tests below, which run in order."""
    running = Stack(tmp_path_factory.mktemp("mortal") / "data")
    with running:
        yield running


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_is_clean(mortal: Stack) -> None:
    credentials = mortal.credentials

    mortal.kill_all()

    assert mortal.left_over() == []
    assert mortal.status() == (3, [])
    mortal.start().wait_ready()
    assert mortal.credentials == credentials


def test_sigterm_stops_everything_in_time(mortal: Stack) -> None:
    mortal.wait_ready()

    code, seconds = mortal.stop()

    assert code == 0
    assert seconds < 10
    assert mortal.left_over(within_seconds=0.0) == []
    assert mortal.status() == (3, [])
    assert not (mortal.data / "state.json").exists()


def test_everything_killed_at_once_starts_again(mortal: Stack) -> None:
    mortal.start().wait_ready()
    assert mortal.process is not None
    for pid in [mortal.process.pid, *mortal.pids.values()]:
        os.kill(pid, signal.SIGKILL)
    mortal.process.wait()

    mortal.start().wait_ready()

    stopped = run("stop", "--data", str(mortal.data))
    assert stopped.returncode == 0
    assert mortal.process.wait(5) == 0
    assert mortal.left_over(within_seconds=0.0) == []
    assert run("stop", "--data", str(mortal.data)).returncode == 3
