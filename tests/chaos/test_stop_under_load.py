"""SIGTERM while events come in: every process drains and ends by itself, and nothing is lost."""

import os
import signal
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.until import until
from tests.system.recovery_load import Sender, wait_for_rows
from tests.system.stack import Stack

pytestmark = [pytest.mark.chaos, pytest.mark.slow]
SENDERS = 4
OURS = ("store", "collector", "rows", "archive", "api")
KILLED = "did not stop in time"


def test_a_stop_under_load_kills_nothing_and_loses_nothing(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data", environment={"SEAMARK_COLLECTOR_PROCESSES": "2"})
    with stack, ExitStack() as load:
        senders = [load.enter_context(Sender(stack)) for _ in range(SENDERS)]
        until(lambda: sum(sender.accepted for sender in senders) > 2_000)
        for name in OURS:  # each alone; the supervisor starts it again
            ended(stack, name)
        half_sent(stack, load)
        code, seconds = stack.stop()
        assert (code, KILLED in stack.output) == (0, False), stack.output
        assert seconds < 10
        assert stack.left_over() == []
    for name in OURS:
        said = (stack.data / "logs" / f"{name}.log").read_text()
        assert KILLED not in said, said
        assert "would not stop" not in said, said
    with stack:
        wait_for_rows(stack, sum(sender.accepted for sender in senders))


def half_sent(stack: Stack, held: ExitStack) -> None:
    """A batch that stops half-way, on a connection that stays open."""
    connection = held.enter_context(
        socket.create_connection(("127.0.0.1", stack.urls.ports.collector_http))
    )
    key = stack.credentials["ingest_key"]
    connection.sendall(
        b"POST /v1/ingest/batch HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"X-API-Key: %s\r\nContent-Length: 500\r\n\r\n{" % key.encode()
    )


def ended(stack: Stack, name: str) -> None:
    """SIGTERM one process; it ends by itself with exit code 0 and is started again."""
    pid = stack.pids[name]
    os.kill(pid, signal.SIGTERM)
    until(lambda: stack.pids.get(name, pid) != pid, seconds=30)
    stack.wait_ready(within_seconds=60)
    assert f"{name} ended with exit code 0" in stack.output, stack.output
