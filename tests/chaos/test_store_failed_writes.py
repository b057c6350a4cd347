"""A write that the disk failed: whichever file of a part it was, nothing is lost and nothing twice.

The engine says nothing of such a write: it puts the part in place with a file that is empty. So the
store asks its count of failed writes, and an engine that has another name for it fails here.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.preload import built
from tests.chaos.token_inserts import TABLES, begun_anew, insert, insert_until_taken, wrong
from tests.support.store_server import StoreServer

pytestmark = [pytest.mark.chaos, pytest.mark.integration, pytest.mark.slow]


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where to write which write is to fail; see failed_writes.c."""
    library = built(Path(__file__).with_name("failed_writes.c"), tmp_path)
    path = tmp_path / "order"
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("SEAMARK_TEST_FAILING", str(path))
    return path


@pytest.fixture
def store(order: Path, tmp_path: Path) -> Iterator[StoreServer]:
    with StoreServer(tmp_path / "store") as store:
        for sql in TABLES:
            assert store.ask(sql).status == 200
        yield store


def files_of_a_part(store: StoreServer) -> list[str]:
    [part] = (store.folder / "engine").glob("store/*/*/20260101_1_1_0")
    return sorted(path.name for path in part.iterdir())


def test_an_insert_is_not_taken_before_every_file_of_it_is(store: StoreServer, order: Path) -> None:
    insert_until_taken(store, 0)
    files = files_of_a_part(store)
    assert {"data.bin", "checksums.txt", "count.txt"} <= set(files)
    for batch, name in enumerate(files, start=1):
        order.write_text(f"tmp_insert_ /{name}")
        assert insert(store, batch).code == "75", name
        assert not order.exists()
        assert store.process is not None
        assert store.process.wait(60) == 1  # to begin anew
        insert_until_taken(store, batch)
        assert wrong(store, batch + 1) == {}, name
    begun_anew(store)
    assert wrong(store, len(files) + 1) == {}


@pytest.mark.parametrize("name", ["data.bin", "checksums.txt", "count.txt"])
def test_what_a_merge_did_not_write_is_in_the_parts_before_it(
    store: StoreServer, order: Path, name: str
) -> None:
    for batch in range(3):
        insert_until_taken(store, batch)
    order.write_text(f"tmp_merge_ /{name}")
    store.ask("OPTIMIZE TABLE seamark.base PARTITION '2026-01-01' FINAL")
    assert not order.exists()
    assert store.process is not None
    assert store.process.wait(60) == 1  # nothing has to be inserted for that
    insert_until_taken(store, 3)
    assert wrong(store, 4) == {}
