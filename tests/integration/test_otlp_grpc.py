"""OTLP/gRPC with the stock exporters and with calls no exporter would make."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

from collector.http.budget import Budget
from collector.receivers.otlp_grpc import GrpcServer, peer_address
from collector.receivers.otlp_kinds import KINDS, LOGS, METRICS, TRACES, Kind
from seamark.wire.failures import Rejected, Unavailable
from seamark.wire.reasons import Reason
from seamark.wire.signals import Signal
from tests.integration.otlp_exporters import export_points, export_records, export_spans
from tests.unit.otlp_ingest import KEY, LOG_AWAY, FakeIngest

pytestmark = pytest.mark.integration
BUDGET = Budget(64 * 1024 * 1024)
KEYED = (("x-api-key", KEY),)
TRACE, SPAN = bytes(range(1, 17)), bytes(range(1, 9))


@asynccontextmanager
async def _served(ingest: FakeIngest, **options: Any) -> AsyncIterator[int]:
    server = GrpcServer(ingest, host="127.0.0.1", port=0, share=BUDGET.share, **options)
    port = await server.start()
    try:
        yield port
    finally:
        await server.stop(0)


async def _call(
    port: int,
    body: bytes,
    *,
    kind: Kind = TRACES,
    metadata: tuple[tuple[str, str], ...] = KEYED,
    compression: grpc.Compression | None = None,
) -> bytes:
    options = [("grpc.max_send_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as channel:
        export = channel.unary_unary(f"/{kind.service}/Export")
        return bytes(await export(body, metadata=metadata, timeout=20, compression=compression))


async def _status(
    port: int, body: bytes, **options: Any
) -> tuple[grpc.StatusCode, status_pb2.Status]:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await _call(port, body, **options)
    details = dict(error.value.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    return error.value.code(), status_pb2.Status.FromString(details)


def _spans(*trace_ids: bytes) -> bytes:
    request: Any = TRACES.request()
    spans = request.resource_spans.add().scope_spans.add().spans
    for trace_id in trace_ids:
        spans.add(trace_id=trace_id, span_id=SPAN)
    return bytes(request.SerializeToString())


class HeldIngest(FakeIngest):
    """Says when an append has begun, and ends it when `release` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.release = asyncio.Event(), asyncio.Event()

    async def append(self, *args: Any, **options: Any) -> str:
        self.reached.set()
        await self.release.wait()
        return await super().append(*args, **options)


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
@pytest.mark.parametrize("header", [("x-api-key", KEY), ("authorization", f"Bearer {KEY}")])
async def test_stock_exporters(compression: Any, header: tuple[str, str]) -> None:
    ingest = FakeIngest()
    async with _served(ingest) as port:
        options: Any = {
            "endpoint": f"http://127.0.0.1:{port}",
            "headers": (header,),
            "compression": compression,
        }
        for exporter, export, count in (
            (OTLPSpanExporter(**options), export_spans, 512),
            (OTLPMetricExporter(**options), export_points, 60),
            (OTLPLogExporter(**options), export_records, 3),
        ):
            assert await asyncio.to_thread(export, exporter, count)
            await asyncio.to_thread(exporter.shutdown)
    taken = {kind.signal: 0 for kind in KINDS}
    for appended in ingest.appended:
        assert appended.outcome.accepted == appended.outcome.offered
        assert appended.head.remote == "127.0.0.1"
        taken[appended.signal] += appended.outcome.accepted
    assert taken == {TRACES.signal: 512, METRICS.signal: 60, LOGS.signal: 3}
    protocol, (name, version) = ingest.admissions[0]
    assert (protocol, name) == ("otlp/grpc", "OTel-OTLP-Exporter-Python")
    assert version


async def test_the_stock_exporter_comes_back_after_unavailable() -> None:
    ingest = FakeIngest(failures=[LOG_AWAY, LOG_AWAY])
    async with _served(ingest) as port:
        exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{port}", headers=KEYED)
        assert await asyncio.to_thread(export_spans, exporter, 7)
        await asyncio.to_thread(exporter.shutdown)
    assert [appended.outcome.accepted for appended in ingest.appended] == [7]
    assert len(ingest.admissions) == 3


async def test_partial_success() -> None:
    async with _served(ingest := FakeIngest()) as port:
        response: Any = TRACES.response.FromString(await _call(port, _spans(TRACE, b"", TRACE)))
    assert response.partial_success.rejected_spans == 1
    assert ingest.appended[0].body == _spans(TRACE, TRACE)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.signal.value)
async def test_nothing_is_a_success(kind: Kind) -> None:
    async with _served(ingest := FakeIngest()) as port:
        assert await _call(port, b"", kind=kind) == b""
    assert ingest.appended == []


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ((), grpc.StatusCode.UNAUTHENTICATED),
        ((("x-api-key", "smk_no"),), grpc.StatusCode.UNAUTHENTICATED),
    ],
)
async def test_who_is_not_known(metadata: Any, code: grpc.StatusCode) -> None:
    async with _served(FakeIngest()) as port:
        assert (await _status(port, b"", metadata=metadata))[0] is code


async def test_who_is_known_and_not_allowed() -> None:
    ingest = FakeIngest(refusal=Rejected(Reason.DISABLED, "this app is disabled"))
    async with _served(ingest) as port:
        code, status = await _status(port, b"")
    assert (code, status.message) == (grpc.StatusCode.PERMISSION_DENIED, "this app is disabled")


async def test_what_is_not_protobuf_is_an_invalid_argument() -> None:
    async with _served(FakeIngest()) as port:
        code, status = await _status(port, b"\xff")
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    assert "ExportTraceServiceRequest" in bad.field_violations[0].description


@pytest.mark.parametrize(
    ("reason", "code"),
    [
        (Reason.LIMITED, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (Reason.UNAVAILABLE, grpc.StatusCode.UNAVAILABLE),
    ],
)
async def test_overload_is_answered_with_a_retry_delay(
    reason: Reason, code: grpc.StatusCode
) -> None:
    ingest = FakeIngest(failures=[Unavailable("later", retry_after=1.5, reason=reason)])
    async with _served(ingest) as port:
        got, status = await _status(port, _spans(TRACE))
    info = error_details_pb2.RetryInfo()
    assert got is code
    assert status.details[1].Unpack(info)
    assert info.retry_delay.ToMilliseconds() == 1500


async def test_more_calls_than_may_wait_get_a_retry_delay() -> None:
    ingest = HeldIngest()
    async with _served(ingest, max_in_flight=1) as port:
        first = asyncio.create_task(_call(port, _spans(TRACE)))
        await ingest.reached.wait()
        code, status = await _status(port, _spans(TRACE))
        ingest.release.set()
        assert await first == b""
        assert await _call(port, _spans(TRACE)) == b""
    assert code is grpc.StatusCode.UNAVAILABLE
    assert status.details[1].Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    assert len(ingest.appended) == 2
    assert ingest.refusals == [(Signal.TRACES, Reason.UNAVAILABLE)]


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
async def test_a_message_over_the_limit_is_refused_for_good(compression: Any) -> None:
    """Also when it is small as sent: inflation stops at the limit."""
    async with _served(ingest := FakeIngest(), max_message_bytes=100_000) as port:
        body = _spans(TRACE) + b"\xaa\x06\xe0\xa7\x12" + bytes(300_000)
        TRACES.request.FromString(body)
        code, status = await _status(port, body, compression=compression)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not status.details
    assert ingest.appended == []


async def test_an_internal_error_is_retried_and_shows_no_internals(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ingest = FakeIngest(failures=[ZeroDivisionError("the secret place")])
    async with _served(ingest) as port:
        code, status = await _status(port, _spans(TRACE))
        assert await _call(port, _spans(TRACE)) == b""
    assert code is grpc.StatusCode.UNAVAILABLE
    assert status.details[1].Is(error_details_pb2.RetryInfo.DESCRIPTOR)
    assert "secret" not in status.message
    assert "Zero" not in status.message
    assert "the secret place" in caplog.text


async def test_unknown_methods_are_unimplemented() -> None:
    async with (
        _served(FakeIngest()) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await channel.unary_unary("/opentelemetry.Other/Export")(b"", metadata=KEYED)
    assert error.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_two_servers_share_a_port() -> None:
    ingest = FakeIngest()
    async with _served(ingest) as port:
        second = GrpcServer(ingest, host="127.0.0.1", port=port, share=BUDGET.share)
        assert await second.start() == port
        await second.stop(0)
        assert await _call(port, _spans(TRACE)) == b""


async def test_stopping_lets_calls_under_way_finish() -> None:
    ingest = HeldIngest()
    server = GrpcServer(ingest, host="127.0.0.1", port=0, share=BUDGET.share)
    port = await server.start()
    call = asyncio.create_task(_call(port, _spans(TRACE)))
    await ingest.reached.wait()
    stopping = asyncio.create_task(server.stop(10))
    await asyncio.sleep(0)
    ingest.release.set()
    assert await call == b""
    await stopping


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl to make a certificate")
async def test_tls(tmp_path: Path) -> None:
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = await asyncio.create_subprocess_exec(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *(
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ),
        *("-keyout", str(key), "-out", str(cert)),
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert await made.wait() == 0
    credentials = grpc.ssl_channel_credentials(cert.read_bytes())
    async with _served(ingest := FakeIngest(), tls_cert=str(cert), tls_key=str(key)) as port:
        exporter = OTLPSpanExporter(
            endpoint=f"https://127.0.0.1:{port}", headers=KEYED, credentials=credentials
        )
        assert await asyncio.to_thread(export_spans, exporter, 3)
        await asyncio.to_thread(exporter.shutdown)
    assert ingest.appended[0].outcome.accepted == 3


def test_a_key_without_a_certificate_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="together"):
        GrpcServer(FakeIngest(), host="127.0.0.1", port=0, share=BUDGET.share, tls_key="key.pem")


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.1:50000", "10.0.0.1"),
        ("ipv6:%5B::1%5D:50000", "::1"),
        ("ipv6:[2001:db8::7]:1", "2001:db8::7"),
        ("unix:/run/x.sock", ""),
        ("", ""),
    ],
)
def test_address_of_a_peer(peer: str, address: str) -> None:
    assert peer_address(peer) == address
