"""OTLP/HTTP with the stock exporters, over a server that does no more than carry."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from google.rpc import status_pb2
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

from collector.receivers import otlp_http
from collector.receivers.exchange import Head, Receiver
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES
from seamark.wire.failures import Rejected, Unavailable
from tests.integration.otlp_exporters import export_points, export_records, export_spans
from tests.unit.otlp_ingest import KEY, LOG_AWAY, FakeIngest

pytestmark = pytest.mark.integration
GOLDEN = Path(__file__).parents[1] / "golden" / "otlp"


def _route(receiver: Receiver) -> web.RouteDef:
    async def post(request: web.Request) -> web.Response:
        head = Head(
            method=request.method,
            path=request.path,
            query=request.query,
            headers={name.lower(): value for name, value in request.headers.items()},
            remote=request.remote or "",
            received_ns=0,
        )
        try:
            reply = await receiver.accept(head, await request.read())
        except (Rejected, Unavailable) as failure:
            reply = receiver.failure(head, failure)
        headers = {**reply.headers, "Content-Type": reply.content_type}
        return web.Response(status=reply.status, body=reply.body, headers=headers)

    return web.post(receiver.path, post)


@asynccontextmanager
async def _served(ingest: FakeIngest) -> AsyncIterator[str]:
    app = web.Application()
    app.add_routes([_route(receiver) for receiver in otlp_http.build(ingest)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
async def test_stock_exporters(compression: Compression) -> None:
    ingest = FakeIngest()
    async with _served(ingest) as url:
        for kind, exporter_type, export, count in (
            (TRACES, OTLPSpanExporter, export_spans, 512),
            (METRICS, OTLPMetricExporter, export_points, 60),
            (LOGS, OTLPLogExporter, export_records, 3),
        ):
            exporter: Any = exporter_type(
                endpoint=url + kind.path, headers={"X-API-Key": KEY}, compression=compression
            )
            assert await asyncio.to_thread(export, exporter, count)
            await asyncio.to_thread(exporter.shutdown)
    taken = {kind.signal: 0 for kind in KINDS}
    for appended in ingest.appended:
        assert appended.outcome.accepted == appended.outcome.offered
        taken[appended.signal] += appended.outcome.accepted
    assert taken == {TRACES.signal: 512, METRICS.signal: 60, LOGS.signal: 3}
    assert ingest.admissions[0][1][0] == "OTel-OTLP-Exporter-Python"


async def test_the_stock_exporter_comes_back_after_503() -> None:
    ingest = FakeIngest(failures=[LOG_AWAY])
    async with _served(ingest) as url:
        exporter = OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers={"x-api-key": KEY})
        assert await asyncio.to_thread(export_spans, exporter, 7)
        await asyncio.to_thread(exporter.shutdown)
    assert [appended.outcome.accepted for appended in ingest.appended] == [7]
    assert len(ingest.admissions) == 2


async def test_json_requests_and_their_failures() -> None:
    ingest = FakeIngest()
    headers = {"X-API-Key": KEY, "Content-Type": "application/json; charset=utf-8"}
    async with _served(ingest) as url, aiohttp.ClientSession(url, headers=headers) as client:
        for kind in KINDS:
            body = (GOLDEN / f"{kind.signal.value}.json").read_bytes()
            async with client.post(kind.path, data=body) as reply:
                assert (reply.status, await reply.json()) == (200, {})
        async with client.post("/v1/logs", data=b'{"resourceLogs":7}') as reply:
            status = await reply.json()
            assert (reply.status, reply.content_type) == (400, "application/json")
    assert [appended.outcome.accepted for appended in ingest.appended] == [1, 8, 2]
    assert status["details"][1]["fieldViolations"][0]["field"] == "$.resourceLogs"


async def test_a_failure_of_a_binary_request_is_a_binary_status() -> None:
    async with _served(FakeIngest()) as url, aiohttp.ClientSession(url) as client:
        headers = {"X-API-Key": "smk_no", "Content-Type": "application/x-protobuf"}
        async with client.post("/v1/traces", data=b"", headers=headers) as reply:
            status = status_pb2.Status.FromString(await reply.read())
            assert (reply.status, reply.content_type) == (401, "application/x-protobuf")
    assert status.message == "this key is not known"
    assert json.dumps(dict(reply.headers)).count("Bearer") == 1
