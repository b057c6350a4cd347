"""The collector and its log: a 2xx only while the log is there, syncs, and has room."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.collector_process import CollectorProcess, batch, prepare, stored
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = pytest.mark.integration


def test_nothing_is_acknowledged_without_sync_always(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats", sync="2m") as log:
        prepare(log)
        collector = CollectorProcess(log, tmp_path)
        try:
            collector.start(ready=False)
            answer = collector.send(batch())
            ready = collector.get("/readyz")
        finally:
            collector.stop()
        assert stored(log) == {}

    assert (answer.status, answer.reason) == (503, "unavailable")
    assert "sync_interval: always" in answer.json["error"]["message"]
    assert answer.headers["retry-after"] == "2"
    assert ready.status == 503
    parts = {part["name"]: part for part in ready.json["parts"]}
    assert not parts["durability"]["ready"]
    assert parts["log"]["ready"]


def test_the_prompt_may_be_switched_off(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats", sync="2m") as log:
        prepare(log)
        with CollectorProcess(log, tmp_path, require_sync_always=False) as collector:
            assert collector.send(batch()).status == 202


def test_an_unseen_sync_setting_counts_as_not_syncing(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as log:
        prepare(log)
        collector = CollectorProcess(log, tmp_path)
        collector.environ["SEAMARK_LOG_MONITOR_URL"] = "http://127.0.0.1:1"
        try:
            collector.start(ready=False)
            answer = collector.send(batch())
        finally:
            collector.stop()

    assert answer.status == 503
    assert "does not answer" in answer.json["error"]["message"]


def test_the_log_goes_and_comes_back(tmp_path: Path) -> None:
    log = NatsServer(tmp_path / "nats").start()
    try:
        prepare(log)
        with CollectorProcess(log, tmp_path) as collector:
            first = collector.send(batch()).json["receiptId"]
            log.kill()
            until(lambda: collector.get("/readyz").status == 503)
            away = collector.send(batch())
            log.start()
            until(lambda: collector.send(batch(batchId="again")).status == 202)
            until(lambda: collector.get("/readyz").status == 200)
            again = collector.send(batch(batchId="again")).json["receiptId"]
            assert {first, again} <= set(stored(log))
    finally:
        log.stop()

    assert (away.status, away.reason) == (503, "unavailable")
    assert int(away.headers["retry-after"]) >= 1


def test_a_log_that_came_back_without_syncing(tmp_path: Path) -> None:
    log = NatsServer(tmp_path / "nats").start()
    try:
        prepare(log)
        with CollectorProcess(log, tmp_path) as collector:
            assert collector.send(batch()).status == 202
            log.stop()
            config = tmp_path / "nats" / "nats.conf"
            config.write_text(config.read_text().replace("always", "2m"))
            log.start()
            while "sync_interval" not in (answer := collector.send(batch())).body.decode():
                assert answer.status == 503
    finally:
        log.stop()

    assert answer.status == 503


def test_a_full_log(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as log:
        prepare(log, max_bytes=64 * 1024)
        with CollectorProcess(log, tmp_path) as collector:
            noise = os.urandom(3000).hex()[:4000]
            answers = []
            for n in range(80):
                attrs = {f"a{k}": noise[k:] + noise[:k] + str(n) for k in range(9)}
                events = [{"ts": 1, "name": "a", "attrs": {k: v[:4000] for k, v in attrs.items()}}]
                answers.append(collector.send(batch(*events)))
            accepted = {a.json["receiptId"] for a in answers if a.status == 202}
            refused = [answer for answer in answers if answer.status == 503]
            kept = set(stored(log))

    assert refused
    assert all(answer.json["nextRetryAfterMs"] > 0 for answer in refused)
    assert accepted == kept


def test_several_processes_on_one_port(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as log:
        prepare(log)
        collector = CollectorProcess(log, tmp_path, processes=2)
        parent = collector.start().pid
        try:
            until(lambda: len(_children(parent)) == 2)
            killed = _children(parent)[0]
            os.kill(killed, signal.SIGKILL)
            until(lambda: len(_children(parent)) == 2 and killed not in _children(parent))
            answers = [collector.send(batch()) for _ in range(20)]
            page = collector.own_metrics()
            children = _children(parent)
        finally:
            code = collector.stop()
        assert {answer.status for answer in answers} == {202}
        assert len(stored(log)) == 20

    assert code == 0
    assert not any(Path(f"/proc/{child}").exists() for child in children)
    assert 'seamark_collector_items_accepted_total{signal="events"} 20.0' in page


def _children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SEAMARK_COLLECTOR_PORT", "http", "is not a number"),
        ("SEAMARK_COLLECTOR_TLS_CERT", "/nowhere", "give both or neither"),
        ("SEAMARK_COLLECTOR_TRUSTED_PROXIES", "10.0.0.0/8,localhost", "localhost"),
    ],
)
def test_wrong_settings_fail_at_boot(name: str, value: str, said: str) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "collector"],
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert found.returncode == 2
    assert said in found.stderr
    assert name in found.stderr


def test_a_port_in_use_fails_at_boot(tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as log, socket.socket() as taken:
        prepare(log)
        collector = CollectorProcess(log, tmp_path)
        taken.bind(("127.0.0.1", collector.port))
        taken.listen(1)
        found = subprocess.run(
            [sys.executable, "-m", "collector"],
            env=collector.environ,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    assert found.returncode == 1
    assert "address already in use" in found.stderr
