"""Nothing lost, nothing doubled by the spool: nats-server and the collector are killed under load.

The batches are anonymous, so nothing behind the log could tell a second copy from a first. The
stream's duplicate window is made shorter than the outages, so the log does not tell them apart
either. Every 202 has to be in the log exactly once; what was not answered may be there, once.
"""

import http.client
import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.collector_process import KEY, ROUTE, CollectorProcess, messages, prepare
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
WINDOW_SECONDS = 2.0
ROUNDS = 8
BODY = json.dumps({"events": [{"ts": 1795316640000, "name": "page_view"}]}).encode()


class Senders:
    """Threads that send batches for ever and remember what was answered."""

    def __init__(self, port: int, threads: int) -> None:
        self._port = port
        self._stop = threading.Event()
        self.accepted: list[str] = []
        self.statuses: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._send, args=(n,)) for n in range(threads)]

    def __enter__(self) -> "Senders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def _send(self, number: int) -> None:
        headers = {"Content-Type": "application/json", "X-API-Key": KEY}
        headers["X-Forwarded-For"] = f"10.0.0.{number}"
        while not self._stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=15)
            try:
                while not self._stop.is_set():
                    connection.request("POST", ROUTE, BODY, headers)
                    response = connection.getresponse()
                    body = response.read()
                    self.statuses[response.status] += 1
                    if response.status == 202:
                        self.accepted.append(json.loads(body)["receiptId"])
            except (OSError, http.client.HTTPException):
                self._stop.wait(0.05)
            finally:
                connection.close()


@contextmanager
def running(folder: Path, **settings: object) -> Iterator[tuple[NatsServer, CollectorProcess]]:
    log = NatsServer(folder / "nats").start()
    try:
        prepare(log, duplicate_window_seconds=WINDOW_SECONDS)
        collector = CollectorProcess(
            log,
            folder,
            spool_path=folder / "spool",
            spool_after_seconds=0.3,
            trusted_proxies="127.0.0.0/8",
            **settings,
        )
        try:
            yield log, collector.start()
        finally:
            if collector.process is not None:
                collector.stop()
    finally:
        log.stop()


def kill(collector: CollectorProcess) -> None:
    assert collector.process is not None
    collector.process.send_signal(signal.SIGKILL)
    collector.process.wait(10)
    collector.process = None


def drained(collector: CollectorProcess) -> None:
    """Wait until the spool is empty and says so."""
    until(lambda: "seamark_collector_spool_frames 0.0" in collector.own_metrics())


def freeze(log: NatsServer, seconds: float) -> None:
    """What was sent lies unread in its connection, and is read when nobody waits for it."""
    assert log.process is not None
    log.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    log.process.send_signal(signal.SIGCONT)


@pytest.mark.parametrize(("seed", "processes"), [(1, 1), (2, 2)])
def test_every_202_is_in_the_log_once(tmp_path: Path, seed: int, processes: int) -> None:
    chance = random.Random(seed)
    with running(tmp_path, processes=processes) as (log, collector):
        with Senders(collector.port, threads=6) as senders:
            for _ in range(ROUNDS):
                time.sleep(chance.uniform(0.2, 0.8))
                victim = chance.choice(["log", "log", "collector", "both", "frozen"])
                if victim == "frozen":
                    freeze(log, chance.choice([0.6, WINDOW_SECONDS + 1.0]))
                if victim in ("log", "both"):
                    log.kill()
                    # past the window the log remembers ids for, or within it
                    time.sleep(chance.choice([0.1, 0.5, WINDOW_SECONDS + 0.7]))
                if victim in ("collector", "both"):
                    kill(collector)
                if log.process is None:
                    log.start()
                    if victim == "log" and chance.random() < 0.5:  # in the middle of the drain
                        time.sleep(chance.uniform(0.0, 0.4))
                        kill(collector)
                if collector.process is None:
                    collector.start()
        drained(collector)
        found = Counter(each.receipt for message in messages(log) for each in message.envelopes)
    accepted = set(senders.accepted)
    assert len(accepted) > 200, senders.statuses
    assert not accepted - set(found), "answered with 202 and lost"
    assert not [receipt for receipt, times in found.items() if times > 1], "doubled"
    assert list((tmp_path / "spool").rglob("*.spool")) == []
