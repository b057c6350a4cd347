"""Servers that tests of several folders start: a log, a collector on it, a store with the schema.

A module adapts them: it overrides `collector_settings`, or has a `fill(store)`. One that needs
another kind of server defines a fixture of the same name.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import settings
from nats.aio.client import Client as NatsClient

from seamark.service.connections import LogSettings, connect_log
from tests.support.collector_process import CollectorProcess, prepare
from tests.support.questions_stack import RunningStore, running_store
from tests.support.servers import NatsServer, running_cache

settings.register_profile("tests", deadline=None)  # a busy machine's pauses are no law's failures
settings.load_profile("tests")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server with the streams, buckets and keys that a collector needs."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as server:
        prepare(server)
        yield server


@pytest.fixture(scope="module")
def collector_settings() -> Mapping[str, Any]:
    """Settings of `collector` beside its defaults."""
    return {}


@pytest.fixture(scope="module")
def collector(
    log: NatsServer,
    collector_settings: Mapping[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[CollectorProcess]:
    """A collector on `log`; it must never have printed a traceback."""
    folder = tmp_path_factory.mktemp("collector")
    with CollectorProcess(log, folder, **collector_settings) as running:
        yield running
    assert "Traceback" not in running.output.read_text()


@pytest.fixture(scope="module")
def store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningStore]:
    """The embedded store with the schema, filled by the module's coroutine function `fill`."""
    fill = getattr(request.module, "fill", None)

    async def provide(running: RunningStore) -> None:
        await running.provision()
        if fill is not None:
            await fill(running)

    with running_store(tmp_path_factory.mktemp("store")) as running:
        asyncio.run(provide(running))
        yield running


@pytest.fixture
def cache_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an empty Redis."""
    with running_cache(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """An empty nats-server."""
    with NatsServer(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture
async def client(server: NatsServer) -> AsyncIterator[NatsClient]:
    """A connection to `server`."""
    connected = await connect_log(LogSettings(url=server.url), name="test")
    yield connected
    await connected.close()
