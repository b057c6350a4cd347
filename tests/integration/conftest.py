"""A server that answers as Grafana does; a store, a folder; a browser with the web SDK."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.push_grafana import State, serving
from tests.support.store_server import StoreServer
from tests.support.web_browser import WebBrowser, build_sdk, web_browser


@pytest.fixture
def grafana() -> State:
    """What the server holds."""
    return State()


@pytest.fixture
def grafana_url(grafana: State) -> Iterator[str]:
    with serving(grafana) as address:
        yield address


@pytest.fixture(scope="module")
def client_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreServer]:
    """An embedded store with an empty database `seamark`, for the tests of a module."""
    with StoreServer(tmp_path_factory.mktemp("store") / "data") as server:
        assert server.ask("CREATE DATABASE seamark ENGINE = Atomic").status == 200
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where an embedded store of the test's own keeps its data."""
    return tmp_path / "data"


@pytest.fixture(scope="module")
def browser() -> Iterator[WebBrowser]:
    """A browser, with the web SDK built from its sources."""
    build_sdk()
    with web_browser() as running:
        yield running
