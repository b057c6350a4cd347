"""Memory for bodies in flight has shares: one key, org or address cannot take it from the rest."""

import json
import socket
import time
from pathlib import Path

import pytest

from seamark.wire.signals import Signal
from tests.hostile.half_sent import MEBIBYTE, HalfSentBodies
from tests.support.collector_process import (
    CollectorProcess,
    batch,
    messages,
)
from tests.support.other_org import OTHER_KEY
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = pytest.mark.integration
SIZES = {"otlp_body_bytes": 4 * MEBIBYTE, "otlp_inflated_bytes": 4 * MEBIBYTE}


def _page(collector: CollectorProcess) -> str:
    return collector.own_metrics()


def _held(collector: CollectorProcess) -> float:
    line = next(
        line
        for line in _page(collector).splitlines()
        if line.startswith("seamark_collector_in_flight_bytes")
    )
    return float(line.rpartition(" ")[2])


def test_bodies_of_one_key_that_do_not_end_refuse_nobody_else(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    body = 500 * 1024
    settings = {**SIZES, "in_flight_bytes": 16 * MEBIBYTE, "address_share_percent": 100.0}
    with CollectorProcess(fresh_log, tmp_path / "collector", **settings) as collector:
        held = HalfSentBodies(collector.port, count=150, size=body)
        try:
            until(lambda: _held(collector), lambda size: size > 7 * MEBIBYTE, seconds=20)
            for _ in range(20):
                answer = collector.send(batch(), key=OTHER_KEY)
                assert answer.status == 202, answer.body
            large = json.dumps(
                batch(*({"ts": 1795316640000, "name": "n" * 100} for _ in range(900)))
            )
            assert collector.send(large.encode(), key=OTHER_KEY).status == 202
            assert _held(collector) <= 8 * MEBIBYTE
        finally:
            held.close()


def test_what_a_key_holds_beyond_its_share_is_refused_and_counted(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    settings = {**SIZES, "in_flight_bytes": 16 * MEBIBYTE, "body_rate_seconds": 60.0}
    with CollectorProcess(fresh_log, tmp_path / "collector", **settings) as collector:
        held = HalfSentBodies(collector.port, count=30, size=500 * 1024)
        try:
            found = held.answers(0.5)
            assert {reason for _, reason in found} == {"over_share"}
            assert {status for status, _ in found} == {429}
        finally:
            held.close()
    counted = [
        e.request_rejections for m in messages(fresh_log, Signal.EVENTS) for e in m.envelopes
    ]
    total = sum(each.get("over_share", 0) for each in counted)
    assert total == len(found) > 0


def test_a_body_that_comes_too_slowly_is_ended_before_its_deadline(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    with CollectorProcess(fresh_log, tmp_path / "collector", body_rate_seconds=0.5) as collector:
        held = HalfSentBodies(collector.port, count=3, size=100_000)
        started = time.monotonic()
        try:
            assert held.answers(10.0) == [(408, "too_slow")] * 3
        finally:
            held.close()
        assert time.monotonic() - started < 8
        assert _held(collector) == 0


def test_the_slowest_bodies_of_the_largest_org_give_way_when_memory_is_full(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    settings = {
        **SIZES,
        "in_flight_bytes": 8 * MEBIBYTE,
        "key_share_percent": 100.0,
        "org_share_percent": 100.0,
        "address_share_percent": 100.0,
        "body_rate_seconds": 60.0,
    }
    with CollectorProcess(fresh_log, tmp_path / "collector", **settings) as collector:
        held = HalfSentBodies(collector.port, count=20, size=500 * 1024)
        try:
            until(lambda: _held(collector), lambda size: size > 7 * MEBIBYTE, seconds=20)
            time.sleep(1.2)  # a body may be evicted once it has been arriving for a second
            large = b" " * 480_000 + json.dumps(batch()).encode()
            for _ in range(3):
                assert collector.send(large, key=OTHER_KEY).status == 202
            assert (503, "too_slow") in held.answers(0.2)
        finally:
            held.close()


def test_connections_beyond_the_share_of_an_address_are_refused(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    with CollectorProcess(
        fresh_log, tmp_path / "collector", connections_per_address=20
    ) as collector:
        held = [socket.create_connection(("127.0.0.1", collector.port)) for _ in range(20)]
        try:
            assert b'"over_share"' in collector.raw(b"", seconds=5)
            other = socket.create_connection(
                ("127.0.0.1", collector.port), source_address=("127.0.0.2", 0), timeout=5
            )
            with other:
                other.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert other.recv(4096).startswith(b"HTTP/1.1 200")
        finally:
            for connection in held:
                connection.close()
        until(lambda: collector.get("/livez").status == 200, seconds=10)
