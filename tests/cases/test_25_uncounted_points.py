"""1.9 million empty data points in 3.7 KB are refused; what comes behind them is taken."""

import gzip
from pathlib import Path

import pytest

from collector.receivers.otlp_kinds import METRICS
from seamark.wire.envelope import bytes_field
from tests.support.collector_process import CollectorProcess
from tests.support.otlp_sending import items, post
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration
MEBIBYTE = 1024 * 1024


def _points(name: bytes, points: bytes) -> bytes:
    metric = bytes_field(1, name) + bytes_field(5, points)
    return bytes_field(1, bytes_field(2, bytes_field(2, metric)))


def test_nearly_two_million_empty_points(log: NatsServer, tmp_path: Path) -> None:
    body = gzip.compress(_points(b"x", b"\x0a\x00" * 1_900_000), 9)
    assert len(body) < 5_000
    with CollectorProcess(log, tmp_path / "collector") as collector:
        before = collector.rss_bytes()
        refused = post(collector, METRICS, body, Content_Encoding="gzip")
        assert refused.status == 413
        assert b"200,000" in refused.body
        assert collector.rss_bytes() - before < 64 * MEBIBYTE
        for number in range(40):
            good = _points(b"behind %d" % number, bytes_field(1, b"\x19" + b"\1" * 8))
            assert post(collector, METRICS, good).status == 200
    assert len(items(log, METRICS)) == 40
