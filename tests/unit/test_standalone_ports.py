"""Ports: all moved together, and a sentence for one that is taken."""

import contextlib
import re
import socket
import threading
import time

from seamark.standalone.ports import Ports, busy, reachable
from tests.system.free import free_offset


def test_an_offset_moves_every_port() -> None:
    plain, moved = Ports().listed("127.0.0.1"), Ports(100).listed("127.0.0.1")

    assert [port + 100 for _, port, _ in plain] == [port for _, port, _ in moved]
    assert len({port for _, port, _ in plain}) == len(plain)


def test_free_ports_are_no_trouble() -> None:
    assert busy(Ports(free_offset()), "127.0.0.1", patience_seconds=0) is None


def test_a_taken_port_is_named_with_a_way_out() -> None:
    """The way out is an offset that is free: the next one is not."""
    ports = Ports(free_offset())
    next_one = Ports(ports.offset + 100)
    with contextlib.ExitStack() as held:
        held.enter_context(socket.create_server(("127.0.0.1", ports.collector_http)))
        with contextlib.suppress(OSError):  # it may be in use already, which is as well
            held.enter_context(socket.create_server(("127.0.0.1", next_one.api)))
        problem = busy(ports, "127.0.0.1", patience_seconds=0)

    assert problem is not None
    named = f"port {ports.collector_http} (collector HTTP) is in use by another program"
    found = re.fullmatch(
        re.escape(named) + r"; stop it, or choose --port-offset (\d+), whose ports are free",
        problem,
    )
    assert found
    proposed = int(found[1])
    assert proposed not in (ports.offset, next_one.offset)
    assert busy(Ports(proposed), "127.0.0.1", patience_seconds=0) is None


def test_a_port_that_is_being_let_go_is_waited_for() -> None:
    ports = Ports(free_offset())
    dying = socket.create_server(("127.0.0.1", ports.nats))
    timer = threading.Timer(0.3, dying.close)
    timer.start()
    began = time.monotonic()

    assert busy(ports, "127.0.0.1", patience_seconds=10) is None
    assert 0.2 < time.monotonic() - began < 9
    timer.join()


def test_a_host_that_is_not_ours_is_a_sentence() -> None:
    problem = busy(Ports(free_offset()), "192.0.2.1", patience_seconds=0)

    assert problem is not None
    assert "192.0.2.1: Cannot assign requested address" in problem


def test_where_to_reach_what_listens() -> None:
    assert reachable("0.0.0.0") == "127.0.0.1"
    assert reachable("::1") == "[::1]"
    assert reachable("10.0.0.7") == "10.0.0.7"
