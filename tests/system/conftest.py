"""Fixtures of the black-box tests."""

from collections.abc import Iterator

import pytest

from tests.system.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One stack for every test that leaves it running: up, ready, with first credentials."""
    with Stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def stack_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack for the tests of one module that kill parts of it."""
    with Stack(tmp_path_factory.mktemp("stack") / "data") as running:
        yield running
