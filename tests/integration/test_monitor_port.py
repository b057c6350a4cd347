"""The monitor port of a process, and what the public ports do not show."""

import asyncio
import ssl
from pathlib import Path

import aiohttp
import pytest

from api.exports.settings import ExportSettings
from api.service import Configuration, serve
from api.settings import ApiSettings
from seamark.service.connections import CacheSettings, LogSettings, StoreSettings
from seamark.service.health import Health
from seamark.service.monitor.server import Monitored, serve_monitor
from seamark.service.monitor.settings import ON_LOOPBACK, MonitorSettings
from seamark.service.own_telemetry.settings import OwnMetricsSettings
from seamark.service.settings import SettingsError
from tests.support.certificate import self_signed
from tests.support.collector_process import CollectorProcess

pytestmark = pytest.mark.integration


def shown() -> Monitored:
    health = Health()
    health.up("log")
    return Monitored(health, lambda: b"seamark_test 1.0\n")


async def test_own_metrics_and_health_are_on_the_monitor_port() -> None:
    async with (
        serve_monitor(shown(), ON_LOOPBACK, port=0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for path in ("/livez", "/readyz", "/v1/healthz"):
            async with session.get(path) as answer:
                assert answer.status == 200
                assert (await answer.json())["status"] == "ok"
        async with session.get("/metrics") as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=")
            assert await answer.read() == b"seamark_test 1.0\n"


async def test_with_a_token_only_who_has_it_reads_own_metrics() -> None:
    settings = MonitorSettings(token="word")
    async with (
        serve_monitor(shown(), settings, port=0) as port,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session,
    ):
        for given, status in (("", 401), ("Bearer wörd", 401), ("word", 401), ("Bearer word", 200)):
            headers = {"Authorization": given} if given else {}
            async with session.get("/metrics", headers=headers) as answer:
                assert answer.status == status
                assert ("seamark_test" in await answer.text()) == (status == 200)
        async with session.get("/readyz") as answer:
            assert answer.status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.1.2.3", "monitor.example", ""])
def test_an_address_that_others_reach_needs_a_token(host: str) -> None:
    with pytest.raises(SettingsError, match="SEAMARK_MONITOR_TOKEN"):
        MonitorSettings(host=host).check()
    assert MonitorSettings(host=host, token="word").check() is None


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_needs_none(host: str) -> None:
    assert MonitorSettings(host=host).check() is None


async def test_a_certificate_makes_it_tls_of_1_2_at_least(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path, "localhost")
    settings = MonitorSettings(tls_cert=str(cert), tls_key=str(key))
    context = settings.check()
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    trusting = ssl.create_default_context(cafile=str(cert))
    async with (
        serve_monitor(shown(), settings, port=0) as port,
        aiohttp.ClientSession(f"https://localhost:{port}") as session,
        session.get("/livez", ssl=trusting) as answer,
    ):
        assert answer.status == 200


def test_the_public_port_shows_no_own_metrics(collector: CollectorProcess) -> None:
    answer = collector.get("/metrics")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert b"seamark_collector" not in answer.body
    assert "seamark_collector_requests_total" in collector.own_metrics()


async def test_a_start_that_fails_releases_what_was_started(tmp_path: Path) -> None:
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    async with taken:
        told = Configuration(
            api=ApiSettings(port=taken.sockets[0].getsockname()[1], monitor_port=0, grpc_port=0),
            log=LogSettings(url="nats://127.0.0.1:1"),
            store=StoreSettings(url="http://127.0.0.1:1"),
            cache=CacheSettings(url="redis://127.0.0.1:1/0"),
            export=ExportSettings(path=str(tmp_path / "exports")),
            monitor=ON_LOOPBACK,
            own=OwnMetricsSettings(),
        )
        with pytest.raises(OSError, match="address already in use"):
            await serve(told, asyncio.Event())
        left = {task.get_name() for task in asyncio.all_tasks()} & {"exports", "watch"}
        assert not left
