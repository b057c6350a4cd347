"""One resource with an attribute of a megabyte over 20,000 empty log records: a kilobyte as sent,
20 GB in the store. It is refused before it is accepted, and what comes behind it is taken.
"""

import gzip
from pathlib import Path

import pytest

from collector.receivers.otlp_kinds import LOGS
from seamark.wire.envelope import bytes_field
from tests.support.collector_process import CollectorProcess
from tests.support.otlp_sending import items, post, record
from tests.support.servers import NatsServer

pytestmark = pytest.mark.integration


def test_a_megabyte_over_20_000_records(log: NatsServer, tmp_path: Path) -> None:
    big = bytes_field(1, b"big") + bytes_field(2, bytes_field(1, b"A" * 1_000_000))
    resource = bytes_field(1, bytes_field(1, big))
    body = gzip.compress(bytes_field(1, resource + bytes_field(2, b"\x12\x00" * 20_000)), 9)
    assert len(body) < 2_000
    with CollectorProcess(log, tmp_path / "collector") as collector:
        refused = post(collector, LOGS, body, Content_Encoding="gzip")
        assert refused.status == 413
        assert b"20,00" in refused.body
        assert b"268,435,456" in refused.body
        for number in range(40):
            assert post(collector, LOGS, record(f"behind {number}")).status == 200
        page = collector.own_metrics()
    found = [one.body.string_value for one in items(log, LOGS)]
    assert sorted(found) == sorted(f"behind {number}" for number in range(40))
    assert 'reason="expanded_too_large",route="/v1/logs"} 1.0' in page
