"""A stream that is not the one its readers know is given nothing: first the spool, then 503."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from nats.js.api import KeyValueConfig

from seamark.service.connections import LogSettings, connect_log
from seamark.wire.buckets import POSITIONS_BUCKET
from seamark.wire.positions import Position
from tests.support.collector_process import CollectorProcess, batch, messages, prepare
from tests.support.servers import NatsServer
from tests.support.until import until

pytestmark = pytest.mark.integration
STREAMS = ("SEAMARK_events_0", "SEAMARK_events_1")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        prepare(server)
        yield server


async def _read_up_to(url: str, done: int) -> None:
    client = await connect_log(LogSettings(url=url), name="test")
    js = client.jetstream(timeout=5)
    bucket = await js.create_key_value(KeyValueConfig(bucket=POSITIONS_BUCKET))
    for stream in STREAMS:
        if done:
            record = Position(done, done, f"{stream}:1-{done}:{1_795_316_640_000_000_000}")
            await bucket.put(f"rows.{stream}", msgspec.json.encode(record))
        else:
            await bucket.delete(f"rows.{stream}")
    await client.close()


def read_up_to(log: NatsServer, done: int) -> None:
    """Rows has read so far; 0: its record is deleted."""
    asyncio.run(_read_up_to(log.url, done))


def test_what_is_for_a_replaced_stream_waits_in_the_spool(log: NatsServer, tmp_path: Path) -> None:
    read_up_to(log, 41)  # and the streams hold nothing
    folder = tmp_path / "collector"
    with CollectorProcess(
        log, folder, spool_path=folder / "spool", spool_after_seconds=0.2
    ) as collector:
        for _ in range(4):
            assert collector.send(batch()).status == 202
        report = collector.get("/readyz").json
        [said] = [one for one in report["degraded"] if one["part"] == "log streams"]
        assert "SEAMARK_events_0 is not the stream that rows has read" in said["detail"]
        assert "the log ends at 0, but 41 was already read" in said["detail"]
        assert "docs/recovery.md" in said["detail"]
        assert not messages(log)

        read_up_to(log, 0)  # what the document says
        until(lambda: len(messages(log)), lambda found: found > 0, seconds=30)
        until(
            lambda: sum(len(one.envelopes) for one in messages(log)),
            lambda found: found == 4,
            seconds=30,
        )
        until(lambda: collector.get("/readyz").json["status"] == "ok", seconds=30)


def test_without_a_spool_it_is_refused(log: NatsServer, tmp_path: Path) -> None:
    read_up_to(log, 41)
    collector = CollectorProcess(log, tmp_path / "collector")
    collector.start(ready=False)
    try:
        answer = collector.send(batch())
        assert answer.status == 503
        assert "retry-after" in answer.headers
        ready = collector.get("/readyz")
        assert ready.status == 503
        assert "is not the stream that rows has read" in ready.body.decode()
        assert not messages(log)
    finally:
        collector.stop()
