"""A log for each test, with the keys of two orgs."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.collector_process import prepare
from tests.support.other_org import add_other_org
from tests.support.servers import NatsServer


@pytest.fixture
def fresh_log(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        prepare(server)
        asyncio.run(add_other_org(server.url))
        yield server
