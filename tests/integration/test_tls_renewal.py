"""A certificate that is replaced on disk is used from the next connection on: HTTP and gRPC."""

import asyncio
import shutil
import ssl
from pathlib import Path

import grpc
import pytest
from aiohttp import web

from seamark.service.grpc_certificate import server_credentials
from seamark.service.tls import server_context
from seamark.service.tls_renewal import RenewedContext
from tests.support.certificate import self_signed
from tests.support.servers import free_port
from tests.support.until import until

pytestmark = pytest.mark.integration


def two_pairs(folder: Path) -> tuple[Path, Path, dict[str, bytes]]:
    """Paths that hold the pair `old`, beside a pair `new`; and the bytes of each certificate."""
    for name in ("old", "new"):
        (folder / name).mkdir()
        self_signed(folder / name, "localhost")
    cert, key = folder / "cert.pem", folder / "key.pem"
    shutil.copy(folder / "old/cert.pem", cert)
    shutil.copy(folder / "old/key.pem", key)
    return cert, key, {n: (folder / n / "cert.pem").read_bytes() for n in ("old", "new")}


def served(port: int) -> bytes:
    """The certificate that a new connection gets."""
    return ssl.get_server_certificate(("localhost", port), timeout=5).encode()


def same(pem: bytes, other: bytes) -> bool:
    return ssl.PEM_cert_to_DER_cert(pem.decode()) == ssl.PEM_cert_to_DER_cert(other.decode())


async def test_an_http_server_takes_the_new_pair_once_it_is_whole(tmp_path: Path) -> None:
    cert, key, pairs = two_pairs(tmp_path)
    context = server_context(str(cert), str(key), prefix="SEAMARK_X")
    assert context is not None
    renewed = context.sni_callback
    assert isinstance(renewed, RenewedContext)
    renewed.look_seconds = 0.0
    runner = web.AppRunner(web.Application())
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "localhost", port, ssl_context=context).start()
    try:
        assert same(await asyncio.to_thread(served, port), pairs["old"])
        # Half of it is written: certificate and key do not go together.
        cert.write_bytes(pairs["new"])
        for _ in range(3):
            assert same(await asyncio.to_thread(served, port), pairs["old"])
        await asyncio.to_thread(renewed.look)
        assert same(await asyncio.to_thread(served, port), pairs["old"])
        shutil.copy(tmp_path / "new/key.pem", key)
        await asyncio.to_thread(until, lambda: served(port), lambda pem: same(pem, pairs["new"]))
        cert.unlink()
        await asyncio.to_thread(renewed.look)
        assert same(await asyncio.to_thread(served, port), pairs["new"]), "what it has, it keeps"
    finally:
        await runner.cleanup()


async def test_a_grpc_server_takes_the_new_pair(tmp_path: Path) -> None:
    cert, key, pairs = two_pairs(tmp_path)
    server = grpc.aio.server()
    credentials = await asyncio.to_thread(server_credentials, str(cert), str(key))
    port = server.add_secure_port("localhost:0", credentials)
    await server.start()
    try:
        assert same(await asyncio.to_thread(served, port), pairs["old"])
        shutil.copy(tmp_path / "new/key.pem", key)
        cert.write_bytes(pairs["new"])
        assert same(await asyncio.to_thread(served, port), pairs["new"])
    finally:
        await server.stop(0)
