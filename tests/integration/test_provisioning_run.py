"""`python -m provisioning` against a real log and store: twice, and when something is off."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.servers import NatsServer, free_port

pytestmark = pytest.mark.integration
PASSWORD = "store-word"


@dataclass(frozen=True)
class EmbeddedStore:
    """`python -m seamark.standalone.store`, running."""

    url: str

    def ask(self, sql: str) -> str:
        request = urllib.request.Request(
            f"{self.url}/?{urllib.parse.urlencode({'query': sql})}",
            headers={"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": PASSWORD},
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStore]:
    folder, port = tmp_path_factory.mktemp("store"), free_port()
    environment = os.environ | {
        "SEAMARK_STORE_SERVER_PATH": str(folder / "data"),
        "SEAMARK_STORE_SERVER_PORT": str(port),
        "SEAMARK_STORE_SERVER_PASSWORD": PASSWORD,
    }
    url = f"http://127.0.0.1:{port}"
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-P", "-m", "seamark.standalone.store"], env=environment, stderr=log
        ) as process,
    ):
        deadline = time.monotonic() + 60
        while not answers(f"{url}/ping"):
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield EmbeddedStore(url)
        process.terminate()
        process.wait(15)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        yield server


def provision(
    log: NatsServer, store: EmbeddedStore, folder: Path, **settings: str
) -> tuple[int, list[dict[str, object]]]:
    """Run it to its end: exit code and log lines."""
    told = {
        "SEAMARK_LOG_URL": log.url,
        "SEAMARK_LOG_MONITOR_URL": log.monitor_url,
        "SEAMARK_LOG_MAX_BYTES": "4000000",
        "SEAMARK_STORE_URL": store.url,
        "SEAMARK_STORE_PASSWORD": PASSWORD,
        "SEAMARK_PROVISION_STORE_VARIANT": "embedded",
        "SEAMARK_PROVISION_CREDENTIALS": str(folder / "credentials.json"),
        "SEAMARK_PROVISION_WAIT_SECONDS": "20",
    }
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "provisioning"],
        env=os.environ | told | settings,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ended.returncode, [json.loads(line) for line in ended.stderr.splitlines()]


def test_twice_is_as_good_as_once(log: NatsServer, store: EmbeddedStore, tmp_path: Path) -> None:
    code, first = provision(log, store, tmp_path)
    assert code == 0, first
    credentials = (tmp_path / "credentials.json").read_text()
    tables = store.ask("SELECT count() FROM system.tables WHERE database = 'seamark'")

    code, second = provision(log, store, tmp_path)

    assert code == 0, second
    assert [line["message"] for line in second] == ["all is in place"]
    assert (tmp_path / "credentials.json").read_text() == credentials
    assert store.ask("SELECT count() FROM system.tables WHERE database = 'seamark'") == tables
    assert int(tables) > 10


def test_a_killed_run_is_finished_by_the_next(
    log: NatsServer, store: EmbeddedStore, tmp_path: Path
) -> None:
    # The file is there and the registry knows nothing of it: as after a kill in between. It is of
    # before there were operators.
    made = {
        "org": "acme",
        "app": "web",
        "ingest_key": "smk_" + "a" * 27,
        "query_token": "smq_" + "b" * 27,
        "admin_token": "sma_" + "c" * 27,
    }
    (tmp_path / "credentials.json").write_text(json.dumps(made))

    code, lines = provision(log, store, tmp_path)

    assert code == 0
    assert [line["records"] for line in lines if "records" in line] == [6]
    found = json.loads((tmp_path / "credentials.json").read_text())
    assert found.pop("operator_token").startswith("smo_")
    assert found == made


def test_wrong_settings_are_all_reported_at_once(
    log: NatsServer, store: EmbeddedStore, tmp_path: Path
) -> None:
    code, lines = provision(
        log, store, tmp_path, SEAMARK_LOG_PARTITIONS="0", SEAMARK_LOG_REPLICAS="9"
    )

    assert code == 2
    assert "SEAMARK_LOG_PARTITIONS: 0 is below" in str(lines[-1]["error"])
    assert "SEAMARK_LOG_REPLICAS: 9 is above" in str(lines[-1]["error"])


def test_a_log_that_does_not_sync_is_refused(store: EmbeddedStore, tmp_path: Path) -> None:
    with NatsServer(tmp_path / "lazy", sync="2m") as lazy:
        code, lines = provision(lazy, store, tmp_path)

    assert code == 2
    assert "sync_interval: always" in str(lines[-1]["error"])


def test_a_log_that_is_away_is_waited_for_and_then_reported(
    store: EmbeddedStore, tmp_path: Path
) -> None:
    away = NatsServer(tmp_path / "away")
    code, lines = provision(away, store, tmp_path, SEAMARK_PROVISION_WAIT_SECONDS="0.5")

    assert code == 1
    assert lines[-1]["message"] == "the log is away"


def test_a_store_that_is_away_is_waited_for_and_then_reported(
    log: NatsServer, tmp_path: Path
) -> None:
    away = EmbeddedStore(f"http://127.0.0.1:{free_port()}")
    code, lines = provision(log, away, tmp_path, SEAMARK_PROVISION_WAIT_SECONDS="0.5")

    assert code == 1
    assert lines[-1]["message"] == "the store failed"
    assert f"{away.url} after 0.5 s" in str(lines[-1]["error"])


def test_a_wrong_store_password_is_for_a_person(
    log: NatsServer, store: EmbeddedStore, tmp_path: Path
) -> None:
    code, lines = provision(log, store, tmp_path, SEAMARK_STORE_PASSWORD="wrong")

    assert code == 2
    assert "does not know user seamark with this password" in str(lines[-1]["error"])
