"""`seamark status`: the supervisor's word, held against what is so."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seamark.administration import access
from seamark.cli import app
from seamark.sender import target
from seamark.standalone.folder import Folder
from seamark.standalone.status import PartState, senders, status, stop, table
from tests.system.free import free_offset

HOLDER = """
import json, signal, sys, time
from pathlib import Path
from seamark.standalone.folder import Folder
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
Folder(Path(sys.argv[1])).lock(host="127.0.0.1", port_offset=int(sys.argv[2]), patience_seconds=0)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    made = Folder(tmp_path / "data")
    made.create()
    return made


@pytest.fixture
def holder(folder: Folder) -> Iterator[int]:
    command = [sys.executable, "-c", HOLDER, str(folder.path), str(free_offset())]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process.pid
        process.kill()


def row(name: str, *, pid: int | None, ready: bool) -> dict[str, object]:
    return {"name": name, "pid": pid, "address": "", "ready": ready, "since": 1.0}


def gone() -> int:
    """The pid of a process that has ended."""
    with subprocess.Popen(["/bin/true"]) as process:
        process.wait()
        return process.pid


def test_nothing_runs(folder: Folder) -> None:
    folder.state.write_text(json.dumps([row("demo", pid=1, ready=True)]))

    assert status(folder) is None
    assert stop(folder) is None
    result = CliRunner().invoke(app, ["status", "--json", "--data", str(folder.path)])
    assert (result.exit_code, json.loads(result.stdout)) == (3, [])


@pytest.mark.usefixtures("holder")
def test_a_dead_or_silent_part_is_not_ready_whatever_was_written(folder: Folder) -> None:
    folder.state.write_text(
        json.dumps(
            [
                row("api", pid=os.getpid(), ready=True),  # lives, but nothing answers there
                row("demo", pid=gone(), ready=True),
            ]
        )
    )

    rows = status(folder)

    assert rows is not None
    assert [(part.name, part.ready) for part in rows] == [("api", False), ("demo", False)]
    assert all(part.since > 1.0 for part in rows)
    result = CliRunner().invoke(app, ["status", "--data", str(folder.path)])
    assert result.exit_code == 1
    assert "not ready" in result.stdout


@pytest.mark.usefixtures("holder")
def test_commands_use_the_addresses_that_the_running_stack_wrote(folder: Folder) -> None:
    """Whatever certificates the environment of the command names."""
    folder.state.write_text(
        json.dumps(
            [
                row("collector", pid=1, ready=True) | {"address": "https://in.example:4318"},
                row("api", pid=1, ready=True) | {"address": "https://api.example:4320"},
            ]
        )
    )
    folder.credentials.write_text('{"ingest_key": "smk_a", "operator_token": "smo_a"}')

    assert access.find(folder.path, {}).url == "https://api.example:4320"
    found = target.find(folder.path, None, target.Addresses())
    assert (found.ingest, found.api) == ("https://in.example:4318", "https://api.example:4320")
    assert found.grpc.startswith("https://in.example:")
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={found.grpc} " in senders(folder)
    assert f"OTEL_EXPORTER_OTLP_ENDPOINT={found.ingest}\n" in senders(folder)


@pytest.mark.usefixtures("holder")
def test_all_ready_is_exit_code_0_with_exactly_these_fields(folder: Folder) -> None:
    folder.state.write_text(json.dumps([row("demo", pid=os.getpid(), ready=True)]))

    result = CliRunner().invoke(app, ["status", "--json", "--data", str(folder.path)])

    assert result.exit_code == 0
    assert json.loads(result.stdout) == [row("demo", pid=os.getpid(), ready=True)]


@pytest.mark.usefixtures("holder")
def test_a_supervisor_that_has_not_written_yet_is_not_ready(folder: Folder) -> None:
    result = CliRunner().invoke(app, ["status", "--data", str(folder.path)])

    assert result.exit_code == 1


def test_stop_asks_the_holder_and_waits(folder: Folder, holder: int) -> None:
    assert stop(folder) is True
    assert folder.holder() is None


def test_the_table_is_readable() -> None:
    rows = [
        PartState(name="nats", pid=12, address="nats://127.0.0.1:4222", ready=True, since=0.0),
        PartState(name="api", pid=None, address="", ready=False, since=3599.0),
    ]

    assert table(rows, now=3_725.0).splitlines() == [
        "part       state            for       pid  address",
        "nats       ready        1 h 2 m        12  nats://127.0.0.1:4222",
        "api        not ready    2 m 6 s         -",
    ]
