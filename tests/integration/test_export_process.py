"""`python -m api`, killed half-way through an export: the next one finishes it, exactly once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import nats
import psutil
import pytest

from seamark.service.registry import TokenRecord, digest, put_record
from seamark.wire.buckets import CONFIG_BUCKET
from seamark.wire.signals import Signal
from tests.support.export_rows import HOUR, NOW, envelopes, expected, from_csv, read_csv, shown
from tests.support.questions_stack import ROOT, RunningStore, running_store
from tests.support.servers import NatsServer, free_port, wait_for_port

pytestmark = [pytest.mark.integration, pytest.mark.chaos]
TOKEN = "smq_export"
BODY: dict[str, Any] = {"signal": "events", "from": NOW - 6 * HOUR, "to": NOW + 1}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunningStore]:
    with running_store(tmp_path) as running:
        asyncio.run(running.provision())
        asyncio.run(running.insert(Signal.EVENTS, envelopes()))
        yield running


class Api:
    """The process, and questions to it."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process = process
        self.url = f"http://127.0.0.1:{port}"

    async def ask(self, method: str, path: str, **given: Any) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.request(method, self.url + path, **given) as answer,
        ):
            return answer.status, await answer.read()

    async def json(self, method: str, path: str, status: int, **given: Any) -> Any:
        """An answer, once its status is this: the process may have just begun."""
        async with asyncio.timeout(60):
            while True:
                found, body = await self.ask(method, path, **given)
                if found == status:
                    return json.loads(body)
                assert found in (401, 503), (found, body)
                await asyncio.sleep(0.05)

    async def until(self, id_: str, *statuses: str, rows: int = 0) -> Any:
        async with asyncio.timeout(120):
            while True:
                found = await self.json("GET", f"/v1/exports/{id_}", 200)
                if found["status"] in statuses and found["rows"] >= rows:
                    return found
                await asyncio.sleep(0.05)

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


@contextmanager
def running_api(store: RunningStore, log_url: str, folder: Path, **settings: str) -> Iterator[Api]:
    port = free_port()
    environment = {
        **os.environ,
        "SEAMARK_API_PORT": str(port),
        "SEAMARK_API_GRPC_PORT": "0",
        "SEAMARK_API_MONITOR_PORT": "0",
        "SEAMARK_LOG_URL": log_url,
        "SEAMARK_STORE_URL": store.url,
        "SEAMARK_CACHE_URL": "redis://127.0.0.1:1/0",
        "SEAMARK_EXPORT_PATH": str(folder / "exports"),
        "SEAMARK_EXPORT_DISK_KEEP_BYTES": "0",
        **{f"SEAMARK_EXPORT_{name.upper()}": text for name, text in settings.items()},
    }
    with (folder / "api.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "api"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        wait_for_port(port, process)
        yield Api(process, port)
    finally:
        process.kill()
        process.wait()


async def provide(url: str) -> None:
    """A token of org acme."""
    client = await nats.connect(url)
    bucket = await client.jetstream().create_key_value(bucket=CONFIG_BUCKET)
    await put_record(
        bucket, TokenRecord(token_id="t", kind="query", org="acme", digest=digest(TOKEN))
    )
    await client.close()


async def test_killed_half_way_it_is_finished_once(store: RunningStore, tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as log:
        await provide(log.url)
        with running_api(store, log.url, tmp_path, slice_rows="1") as api:
            begun = await api.json("POST", "/v1/query/export", 202, json=BODY)
            half = await api.until(begun["id"], "running", rows=20)
            assert half["rows"] < len(expected("acme", BODY))
            children = await asyncio.to_thread(api.children)
            assert children
            api.process.send_signal(signal.SIGKILL)
            await asyncio.to_thread(api.process.wait, 10)
            _, alive = await asyncio.to_thread(psutil.wait_procs, children, 10)
            assert not alive  # nobody goes on with it but the next API process
        with running_api(store, log.url, tmp_path) as api:
            done = await api.until(begun["id"], "done", "failed")
            status, body = await api.ask("GET", f"/v1/exports/{begun['id']}/file")
            assert (done["status"], done["attempt"], status) == ("done", 2, 200)
            (tmp_path / "file").write_bytes(body)
            assert from_csv(read_csv(tmp_path / "file")) == shown(expected("acme", BODY))
            listed = await api.json("GET", "/v1/exports", 200)
            assert [export["id"] for export in listed["exports"]] == [begun["id"]]
            assert not list((tmp_path / "exports").glob("*/attempt-*"))
            api.process.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(api.process.wait, 15) == 0


async def test_one_whose_process_dies_is_begun_again(store: RunningStore, tmp_path: Path) -> None:
    with NatsServer(tmp_path / "nats") as log:
        await provide(log.url)
        with running_api(store, log.url, tmp_path) as api:
            begun = await api.json("POST", "/v1/query/export", 202, json=BODY)
            async with asyncio.timeout(60):
                while not (children := await asyncio.to_thread(api.children)):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            for child in children:  # it has only begun to import what it needs
                child.kill()
            done = await api.until(begun["id"], "done", "failed")
            assert (done["status"], done["attempt"]) == ("done", 2)
            assert done["rows"] == len(expected("acme", BODY))
