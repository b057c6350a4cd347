"""A log and a collector for each case. A module that needs another log defines its own `log`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.collector_process import CollectorProcess, prepare
from tests.support.servers import NatsServer, free_port


@pytest.fixture
def log(tmp_path: Path) -> Iterator[NatsServer]:
    with NatsServer(tmp_path / "nats") as server:
        prepare(server)
        yield server


@pytest.fixture
def collector(log: NatsServer, tmp_path: Path) -> Iterator[CollectorProcess]:
    with CollectorProcess(log, tmp_path / "collector", grpc_port=free_port()) as running:
        yield running
