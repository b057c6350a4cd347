"""`python -m api` as a process: ready when the registry and the store are, gone when told to."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import grpc
import nats
import pytest

from api.grpc.query_pb2 import FunnelRequest
from api.grpc.server import SERVICE
from seamark.service.registry import TokenRecord, digest, put_record
from seamark.wire.buckets import CONFIG_BUCKET
from tests.support.questions_stack import ROOT, RunningStore
from tests.support.servers import NatsServer, free_port, wait_for_port

pytestmark = pytest.mark.integration


@pytest.fixture
def log_url(tmp_path: Path) -> Iterator[str]:
    with NatsServer(tmp_path / "nats") as log:
        yield log.url


async def wait_for(url: str, status: int) -> str:
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            async with session.get(url) as response:
                if response.status == status:
                    return await response.text()
            await asyncio.sleep(0.05)


async def test_its_life(store: RunningStore, log_url: str, tmp_path: Path) -> None:
    port, grpc_port = free_port(), free_port()
    environment = {
        **os.environ,
        "SEAMARK_API_PORT": str(port),
        "SEAMARK_API_GRPC_PORT": str(grpc_port),
        "SEAMARK_API_MONITOR_PORT": "0",
        "SEAMARK_LOG_URL": log_url,
        "SEAMARK_STORE_URL": store.url,
        "SEAMARK_CACHE_URL": "redis://127.0.0.1:1/0",
    }
    with (tmp_path / "api.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220  # it returns at once
            [sys.executable, "-m", "api"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        await asyncio.to_thread(wait_for_port, port, process)
        url = f"http://127.0.0.1:{port}"
        assert '"registry"' in await wait_for(url + "/readyz", 503)  # the bucket is not there yet
        client = await nats.connect(log_url)
        bucket = await client.jetstream().create_key_value(bucket=CONFIG_BUCKET)
        await wait_for(url + "/readyz", 200)
        record = TokenRecord(token_id="t", kind="query", org="acme", digest=digest("smq_late"))
        await put_record(bucket, record)
        headers = {"Authorization": "Bearer smq_late"}
        async with aiohttp.ClientSession(headers=headers) as session, asyncio.timeout(10):
            while True:  # until the registry has been told of the new token
                async with session.get(url + "/v1/metrics") as response:
                    if response.status == 200:
                        break
                    assert response.status == 401
                await asyncio.sleep(0.02)
        async with grpc.aio.insecure_channel(f"127.0.0.1:{grpc_port}") as channel:
            asked = channel.unary_stream(f"/{SERVICE}/Funnel")
            metadata = (("authorization", "Bearer smq_late"),)
            call = asked(FunnelRequest().SerializeToString(), metadata=metadata, timeout=10)
            with pytest.raises(grpc.aio.AioRpcError, match="required field `steps`"):
                await call.read()
        await client.close()
    finally:
        process.send_signal(signal.SIGTERM)
        code = await asyncio.to_thread(process.wait, 10)
    assert code == 0, (tmp_path / "api.log").read_text()


def test_wrong_settings_are_all_named_at_once() -> None:
    environment = {**os.environ, "SEAMARK_API_PORT": "x", "SEAMARK_API_QUERY_SECONDS": "0"}
    ended = subprocess.run(
        [sys.executable, "-m", "api"], cwd=ROOT, env=environment, capture_output=True, timeout=20,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert b"SEAMARK_API_PORT" in ended.stderr
    assert b"SEAMARK_API_QUERY_SECONDS" in ended.stderr
