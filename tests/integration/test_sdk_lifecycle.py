"""However a process ends, and however long the collector is away: each event arrives once.

The outage is 6 seconds here; SEAMARK_TEST_OUTAGE_SECONDS=60 makes it the long form.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from faults.proxy import Proxy

from tests.support.collector_process import KEY, CollectorProcess
from tests.support.sdk_log import ROOT, delivered, sdk_environment
from tests.support.servers import NatsServer

CHILD = ROOT / "tests" / "support" / "sdk_child.py"
OUTAGE_SECONDS = float(os.environ.get("SEAMARK_TEST_OUTAGE_SECONDS", "6"))
COUNT = 700
"""More than one batch holds."""


def child(
    way: str, endpoint: str, store: Path, *, prefix: str = "", count: int = COUNT
) -> subprocess.CompletedProcess[str]:
    """Run the app to its end."""
    return subprocess.run(
        [sys.executable, str(CHILD), way, prefix, str(count)],
        env=sdk_environment(
            SEAMARK_KEY=KEY, SEAMARK_ENDPOINT=endpoint, SEAMARK_SPOOL_DIR=str(store)
        ),
        check=False,
        capture_output=True,
        text=True,
        timeout=count + 60,
    )


def names(log: NatsServer, prefix: str) -> Counter[str]:
    """The names in the log, as they are counted behind it."""
    found = (str(event["name"]) for event in delivered(log))
    return Counter(name for name in found if name.startswith(f"{prefix}."))


def expected(prefix: str, *processes: int) -> Counter[str]:
    return Counter(f"{prefix}.{process}.{n}" for process in processes for n in range(COUNT))


@pytest.mark.parametrize(
    ("way", "code"),
    [
        ("exit", 0),
        ("raise", 1),
        ("os_exit", 0),
        ("SIGTERM", -signal.SIGTERM),
        ("SIGKILL", -signal.SIGKILL),
    ],
)
def test_what_was_tracked_arrives_once_however_the_process_ends(
    way: str, code: int, collector: CollectorProcess, log: NatsServer, tmp_path: Path
) -> None:
    endpoint = f"http://127.0.0.1:{collector.port}"
    assert child(way, endpoint, tmp_path, prefix=way).returncode == code

    assert child("flush", endpoint, tmp_path, count=20).returncode == 0
    assert names(log, way) == expected(way, 0)


def test_each_process_of_a_fork_delivers_its_own(
    collector: CollectorProcess, log: NatsServer, tmp_path: Path
) -> None:
    endpoint = f"http://127.0.0.1:{collector.port}"
    done = child("fork", endpoint, tmp_path, prefix="fork")
    assert done.returncode == 0, done.stderr

    assert child("flush", endpoint, tmp_path, count=20).returncode == 0
    found = names(log, "fork")
    busy = {name: n for name, n in found.items() if name.startswith("fork.busy.")}
    assert found - Counter(busy) == expected("fork", 0, 1, 2, 3)
    assert set(busy.values()) == {1}
    assert busy.keys() == {f"fork.busy.{number}" for number in range(len(busy))}


def test_an_outage_loses_nothing_and_doubles_nothing(
    collector: CollectorProcess, log: NatsServer, tmp_path: Path
) -> None:
    """The app is started twice within the outage, and killed; its third start delivers all."""
    proxy = Proxy(collector.port)  # refuses until it is started
    began = time.monotonic()
    assert child("SIGKILL", proxy.url, tmp_path, prefix="out.a").returncode < 0
    assert child("exit", proxy.url, tmp_path, prefix="out.b").returncode == 0
    left = max(OUTAGE_SECONDS - (time.monotonic() - began), 1.0)
    ending = threading.Timer(left, proxy.start)
    ending.start()
    try:
        done = child("flush", proxy.url, tmp_path, count=int(left) * 2 + 20)
        assert done.returncode == 0
    finally:
        ending.join()
        proxy.stop()
    assert names(log, "out") == expected("out.a", 0) + expected("out.b", 0)


@pytest.mark.parametrize("fault", [{"slow": 60.0}, {"refuse": 60.0}, {"status": 503, "times": 99}])
def test_the_end_of_a_process_is_never_held_up(
    fault: dict[str, float], collector: CollectorProcess, tmp_path: Path
) -> None:
    """Measured in the app; what the machine was late by in a sleep just before is taken off."""
    with Proxy(collector.port, [fault]) as proxy:
        done = child("timed", proxy.url, tmp_path, prefix="held")
    assert done.returncode == 0
    late, took = (float(text) for text in done.stdout.split())
    assert took - late <= 2.0


def test_no_key_is_on_disk_and_nobody_else_can_read_what_waits(
    collector: CollectorProcess, tmp_path: Path
) -> None:
    with Proxy(collector.port, [{"refuse": 60.0}]) as proxy:
        child("os_exit", proxy.url, tmp_path, prefix="disk")
        child("exit", proxy.url, tmp_path, prefix="disk")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    for path in files:
        assert KEY not in str(path)
        assert KEY.encode() not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0
