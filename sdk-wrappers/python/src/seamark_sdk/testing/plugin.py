"""The pytest plugin: `seamark` is what arrives at a collector inside the test's process."""

from collections.abc import Iterator

import pytest

import seamark_sdk
from seamark_sdk.testing.received import Received
from seamark_sdk.testing.server import TestCollector


@pytest.fixture(scope="session")
def seamark_collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Received]:
    """One collector for the whole run, because SDKs are configured once in a process.

    SEAMARK_* and OTEL_* name it meanwhile: SDKs that read the environment, and programs that a test
    starts, send to it by themselves.
    """
    collector = TestCollector().start()
    found = collector.received
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "SEAMARK_ENDPOINT": found.endpoint,
            "SEAMARK_KEY": found.key,
            "SEAMARK_SPOOL_DIR": str(tmp_path_factory.mktemp("seamark")),
            "OTEL_EXPORTER_OTLP_ENDPOINT": found.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_HEADERS": f"x-api-key={found.key}",
        }.items():
            patch.setenv(name, value)
        yield found
        seamark_sdk.shutdown()
    collector.stop()


@pytest.fixture
def seamark(seamark_collector: Received) -> Received:
    """What arrives during this test; what the SDK still held of an earlier one is let go first."""
    seamark_sdk.flush()
    seamark_collector.clear()
    return seamark_collector
