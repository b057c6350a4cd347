"""gRPC is as strict as HTTP: the key before the message, bounded memory, every refusal counted."""

import re
import time
from pathlib import Path
from typing import Any

import grpc
import pytest

from collector.receivers.otlp_kinds import LOGS
from tests.hostile.half_sent import MEBIBYTE, HalfSent
from tests.support.collector_process import KEY, CollectorProcess, messages
from tests.support.otlp_sending import call, items, record
from tests.support.servers import NatsServer, free_port
from tests.support.until import until

pytestmark = pytest.mark.integration


def _collector(fresh_log: NatsServer, tmp_path: Path, **settings: object) -> CollectorProcess:
    return CollectorProcess(fresh_log, tmp_path / "collector", grpc_port=free_port(), **settings)


def _half_sent(port: int, *, streams: int, key: bytes) -> HalfSent:
    return HalfSent(port, streams=streams, key=key)


def _page(collector: CollectorProcess) -> str:
    return collector.own_metrics()


def test_messages_of_calls_without_a_key_are_not_kept(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    with _collector(fresh_log, tmp_path) as collector:
        call(collector, LOGS, record("before"))
        before = collector.rss_bytes()
        held = [_half_sent(collector.grpc_port, streams=10, key=b"") for _ in range(4)]
        try:
            for connection in held:
                connection.pump(0.5)
            call(collector, LOGS, record("beside them"))
            until(
                lambda: _page(collector),
                lambda page: f'reason="missing_key",route="/{LOGS.service}/Export"}} 40.0' in page,
                seconds=20,
            )
            assert collector.rss_bytes() - before < 48 * MEBIBYTE
        finally:
            for connection in held:
                connection.close()
    texts = [one.body.string_value for one in items(fresh_log, LOGS)]
    assert sorted(texts) == ["before", "beside them"]


def test_a_large_message_without_a_key_is_refused_for_its_key(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    with _collector(fresh_log, tmp_path) as collector:
        call(collector, LOGS, record("warm"))
        before = collector.rss_bytes()
        for _ in range(20):
            with pytest.raises(grpc.RpcError) as refused:
                call(collector, LOGS, record("x" * 8 * MEBIBYTE), key="")
            assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert collector.rss_bytes() - before < 32 * MEBIBYTE


def test_a_message_that_does_not_arrive_is_ended_and_holds_no_memory(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    with _collector(fresh_log, tmp_path, body_deadline_seconds=0.5) as collector:
        held = _half_sent(collector.grpc_port, streams=5, key=KEY.encode())
        try:
            until(
                lambda: _page(collector),
                lambda page: f'reason="timeout",route="/{LOGS.service}/Export"}} 5.0' in page,
                seconds=20,
            )
            page = _page(collector)
        finally:
            held.close()
        assert "seamark_collector_in_flight_bytes 0.0" in page
        call(collector, LOGS, record("after"))
    assert [one.body.string_value for one in items(fresh_log, LOGS)] == ["after"]


def _refused(collector: CollectorProcess) -> float:
    """Calls that got no memory, or gave theirs up to another that waited."""
    found = re.findall(
        rf'reason="(?:over_share|too_slow)",route="/{LOGS.service}/Export"}} (\S+)',
        _page(collector),
    )
    return sum(map(float, found))


def test_calls_beyond_the_memory_budget_get_a_retry_delay(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    sizes = {"otlp_body_bytes": 4 * MEBIBYTE, "otlp_inflated_bytes": 4 * MEBIBYTE}
    with _collector(fresh_log, tmp_path, in_flight_bytes=16 * MEBIBYTE, **sizes) as collector:
        held = _half_sent(collector.grpc_port, streams=12, key=KEY.encode())
        try:
            until(lambda: _refused(collector), lambda refused: refused == 10, seconds=20)
        finally:
            held.close()
        until(lambda: _taken(collector), seconds=20)


def test_messages_of_one_key_that_do_not_end_leave_memory_for_others(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    """Of 300 streams, each with 4 MB less 300 bytes, a share is read and the rest waits."""
    with _collector(fresh_log, tmp_path) as collector:
        call(collector, LOGS, record("before"))
        before = collector.rss_bytes()
        held = [_half_sent(collector.grpc_port, streams=30, key=KEY.encode()) for _ in range(10)]
        try:
            for connection in held:
                connection.pump(0.3)
            most = collector.rss_bytes()
            sent = call(collector, LOGS, record("beside them"))
        finally:
            for connection in held:
                connection.close()
        assert most - before < 160 * MEBIBYTE
    assert sent is not None
    texts = [one.body.string_value for one in items(fresh_log, LOGS)]
    assert sorted(texts) == ["before", "beside them"]


def _taken(collector: CollectorProcess) -> bool:
    try:
        call(collector, LOGS, record("later"))
    except grpc.RpcError:
        return False
    return True


def test_a_message_over_the_limit_is_in_metrics_and_ledger(
    fresh_log: NatsServer, tmp_path: Path
) -> None:
    sizes = {"otlp_inflated_bytes": MEBIBYTE, "otlp_body_bytes": MEBIBYTE}
    with _collector(fresh_log, tmp_path, **sizes) as collector:
        with pytest.raises(grpc.RpcError) as refused:
            call(collector, LOGS, record("x" * 2 * MEBIBYTE))
        assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        page = _page(collector)
    assert f'reason="body_too_large",route="/{LOGS.service}/Export"}} 1.0' in page
    counted: list[Any] = [e for m in messages(fresh_log, LOGS.signal) for e in m.envelopes]
    assert [envelope.request_rejections for envelope in counted] == [{"body_too_large": 1}]


def test_connections_beyond_the_limit_are_closed(fresh_log: NatsServer, tmp_path: Path) -> None:
    with _collector(fresh_log, tmp_path, grpc_connections=3) as collector:
        held = [_half_sent(collector.grpc_port, streams=0, key=b"") for _ in range(3)]
        try:
            time_limit = time.monotonic() + 10
            while _taken(collector):
                assert time.monotonic() < time_limit
        finally:
            for connection in held:
                connection.close()
        until(lambda: _taken(collector), seconds=20)
