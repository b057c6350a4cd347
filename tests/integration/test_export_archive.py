"""Exports from the archive: the rows of the store, from files that are what the manifest says."""

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pyarrow.parquet as pq
import pytest
import zstandard
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from api.exports.job import RESULT, ExportJob, ExportProgress, Failed, StoreAccess
from api.exports.worker import ExportWorker
from processors.rows.__main__ import serve as serve_rows
from processors.rows.settings import RowsSettings
from seamark.service.connections import LogSettings, StoreSettings, connect_log
from seamark.wire.envelope import Outcome, Sender, encode_envelope
from seamark.wire.signals import Signal, subject
from tests.support.archive_stack import HOUR_NS, RECEIVED_NS, ArchiveStack, archive_stack
from tests.support.export_rows import NOW, envelopes, expected, from_csv, job, read_csv, shown
from tests.support.questions_stack import RunningStore
from tests.support.s3_server import BUCKET, KEY, SECRET, S3Server
from tests.support.store_server import PASSWORD

pytestmark = pytest.mark.integration
RECEIVED_MS = RECEIVED_NS // 1_000_000
COUNTS = "SELECT (SELECT count() FROM seamark.events), (SELECT count() FROM seamark.logs)"
RANGE: dict[str, Any] = {"from": NOW - 6 * 3_600_000, "to": NOW + 1}
LOGS: dict[str, Any] = {"signal": "logs", "from": RECEIVED_MS - 1000, "to": RECEIVED_MS + 7_200_000}


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[ArchiveStack]:
    async with archive_stack(tmp_path) as made:
        yield made


def log_envelope(org: str, number: int, count: int) -> bytes:
    """Records of a stretch of two hours, with ids and times of nanoseconds."""
    request = ExportLogsServiceRequest()
    records = request.resource_logs.add().scope_logs.add().log_records
    for place in range(count):
        records.add(
            time_unix_nano=RECEIVED_NS + (number * count + place) * 7_000_000_001,
            severity_number=9,
            body=AnyValue(string_value=f'line {number}.{place}, "quoted"\n{org}'),
            trace_id=bytes(range(16)),
            attributes=[KeyValue(key="k", value=AnyValue(string_value=str(place % 3)))],
        )
    return encode_envelope(
        Sender(org=org, app="shop", key_id="k").encode(),
        receipt=f"018f0000-0000-7000-8000-{number:012d}",
        received_ns=RECEIVED_NS + number * HOUR_NS // 8,
        sent_ms=None,
        outcome=Outcome(offered=count, accepted=count),
        signal=Signal.LOGS,
        body=request.SerializeToString(),
    )


async def filled(stack: ArchiveStack, tmp_path: Path, **settings: str) -> None:
    """Events and log records in the log, then in the store and the archive."""
    process = stack.process(**settings)
    process.start()
    stop = asyncio.Event()
    rows = asyncio.create_task(
        serve_rows(
            RowsSettings(port=0, block_age_seconds=0.1, state_path=str(tmp_path / "rows")),
            LogSettings(url=stack.server.url, partitions=1),
            StoreSettings(url=stack.store.url, password=PASSWORD),
            stop,
        )
    )
    client = await connect_log(LogSettings(url=stack.server.url), name="test")
    jetstream = client.jetstream(timeout=20)
    for made in envelopes():
        await jetstream.publish(subject(Signal.EVENTS, 0), zstandard.compress(made))
    for number in range(8):
        for org in ("acme", "other"):
            made = log_envelope(org, number, 40)
            await jetstream.publish(subject(Signal.LOGS, 0), zstandard.compress(made))
    await client.close()
    await stack.archived(1500 + 640, within_seconds=120)
    async with asyncio.timeout(120):
        while await stack.ask(COUNTS) != [["1500", "640"]]:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    stop.set()
    assert await asyncio.wait_for(rows, 30) == 0
    process.end(signal.SIGKILL)


@contextmanager
def archive_at(url: str, **settings: str) -> Iterator[None]:
    """The environment that the reader is started with."""
    named = {f"SEAMARK_ARCHIVE_{name.upper()}": text for name, text in settings.items()}
    before = dict(os.environ)
    os.environ.update({"SEAMARK_ARCHIVE_URL": url} | named)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


async def made(
    stack: ArchiveStack, folder: Path, body: Mapping[str, Any], scope: str = "acme", **limits: Any
) -> tuple[ExportProgress, Path]:
    """An export by the code that its process runs."""
    assert stack.store.process is not None
    running = RunningStore(stack.store.url, stack.store.process)
    asked = msgspec.structs.replace(
        job(running, folder, scope, body, **limits),
        store=StoreAccess(
            url=stack.store.url, user="seamark", password=PASSWORD, database="seamark", tls_ca=""
        ),
    )
    return await asyncio.to_thread(_export, asked)


def _export(asked: ExportJob) -> tuple[ExportProgress, Path]:
    folder = Path(asked.folder)
    folder.mkdir()
    return ExportWorker(asked).run(), folder / RESULT


BODIES: dict[str, dict[str, Any]] = {
    "all": RANGE,
    "a part": RANGE | {"from": NOW - 5_000_000, "to": NOW - 1_000_000},
    "filtered": RANGE
    | {"filters": [{"key": "page", "op": "exists"}, {"key": "name", "op": "!=", "value": "pay"}]},
    "nothing": RANGE | {"filters": [{"key": "name", "value": "none"}]},
    "before": RANGE | {"from": 0, "to": 1000},
}  # fmt: skip


async def test_archive_and_store_give_the_same(stack: ArchiveStack, tmp_path: Path) -> None:
    await filled(stack, tmp_path, merge_every_seconds="0.5", merge_after_seconds="0")
    with archive_at(str(stack.root)):
        for name, body in BODIES.items():
            for token in ("acme", "shop", "other") if name == "all" else ("shop",):
                found = {}
                for source in ("store", "archive"):
                    folder = tmp_path / f"{name} {token} {source}"
                    said, file = await made(stack, folder, body | {"source": source}, token)
                    found[source] = from_csv(read_csv(file))
                    assert said.rows == len(found[source])
                assert found["archive"] == found["store"] == shown(expected(token, body)), name
        for token in ("acme", "other"):
            tables = {}
            for source in ("store", "archive"):
                body = LOGS | {"source": source, "format": "parquet"}
                _, file = await made(stack, tmp_path / f"logs {token} {source}", body, token)
                rows = pq.read_table(file).to_pylist()
                tables[source] = sorted(rows, key=lambda row: str(row["body"]))
                assert pq.read_schema(file).field("time").type.unit == "ns"
            assert tables["archive"] == tables["store"]
            assert len(tables["store"]) == 320
            assert all(row["body"].endswith(token) for row in tables["store"])
        said, file = await made(
            stack, tmp_path / "limit", RANGE | {"source": "archive", "limit": 7}
        )
        assert said.rows == len(read_csv(file)) == 7
        with pytest.raises(Failed, match="SEAMARK_EXPORT_ROWS"):
            await made(stack, tmp_path / "too many", RANGE | {"source": "archive"}, most_rows=100)
        bad = {"source": "archive", "filters": [{"key": "page", "op": "=~", "value": "("}]}
        with pytest.raises(Failed, match="RE2"):
            await made(stack, tmp_path / "pattern", RANGE | bad)


async def test_a_file_is_what_the_manifest_says_or_is_not_read(
    stack: ArchiveStack, tmp_path: Path
) -> None:
    await filled(stack, tmp_path)
    body = RANGE | {"source": "archive"}
    [path, *_] = [path for path in await stack.live() if "signal=events" in path]
    file = stack.root / path
    content = file.read_bytes()
    with archive_at(str(stack.root)):
        file.write_bytes(content[:100] + b"x" + content[101:])
        with pytest.raises(Failed) as caught:
            await made(stack, tmp_path / "corrupt", body)
        assert caught.value.reason == "corrupt"
        file.unlink()  # as a merge does, when the manifest has been read
        with pytest.raises(Failed) as caught:
            await made(stack, tmp_path / "gone", body)
        assert caught.value.reason == "unavailable"
        file.write_bytes(content)
        said, _ = await made(stack, tmp_path / "whole", body)
        assert said.rows == len(expected("acme", RANGE))
    stray = file.with_name("part-stray.parquet")  # the manifest does not know it
    stray.write_bytes(content)
    with archive_at(str(stack.root)):
        said, _ = await made(stack, tmp_path / "stray", body)
    assert said.rows == len(expected("acme", RANGE))
    with archive_at(str(tmp_path / "elsewhere")), pytest.raises(Failed) as caught:
        await made(stack, tmp_path / "away", body)
    assert caught.value.reason == "unavailable"
    assert threading.active_count() < 20


async def test_from_a_bucket(stack: ArchiveStack, tmp_path: Path) -> None:
    server = S3Server(tmp_path / "s3").start()
    access = {
        "s3_endpoint": server.endpoint, "s3_region": "us-east-1", "s3_key": KEY,
        "s3_secret": SECRET, "s3_timeout_seconds": "20",
    }  # fmt: skip
    url = f"s3://{BUCKET}/some/prefix"
    try:
        await filled(stack, tmp_path, url=url, **access)
        with archive_at(url, **access):
            folder = tmp_path / "export"
            said, file = await made(stack, folder, RANGE | {"source": "archive"})
        assert from_csv(read_csv(file)) == shown(expected("acme", RANGE))
        assert said.rows == len(expected("acme", RANGE))
        assert not list(folder.glob("copies/*"))  # each is removed when it has been read
    finally:
        server.kill()
