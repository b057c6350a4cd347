"""One stack for all clients: they are told apart by their service."""

from collections.abc import Iterator

import pytest

from tests.system.stack import Stack


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-pages", action="store_true", help="pages that need a build too")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Up and ready, with first credentials."""
    with Stack(tmp_path_factory.mktemp("clients") / "data") as running:
        yield running
