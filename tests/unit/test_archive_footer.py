"""Metadata in a footer: ours is read by pyarrow, pyarrow's by us, and rows stay as they were."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from processors.archive.footer import NotParquet, add_metadata, read_metadata

TEXTS = st.text(st.characters(codec="utf-8"), max_size=300)
TABLE = pa.table(
    {
        "n": pa.array([1, 2, None]),
        "m": pa.array([[("a", 1)], [], None], pa.map_(pa.string(), pa.int64())),
        "t": pa.array([1, 2, 3], pa.timestamp("ns", tz="UTC")),
        "b": pa.array([True, False, None]),
    }
)


def plain(path: Path) -> Path:
    """A file without metadata of its own."""
    pq.write_table(TABLE, path, store_schema=False, write_page_index=True)
    assert pq.read_metadata(path).metadata is None
    return path


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.dictionaries(TEXTS, TEXTS, min_size=1, max_size=20))
def test_what_is_added_is_read(tmp_path: Path, metadata: dict[str, str]) -> None:
    file = plain(tmp_path / "a.parquet")
    add_metadata(file, metadata)
    assert read_metadata(file) == metadata
    found = pq.read_metadata(file).metadata
    assert {key.decode(): value.decode() for key, value in found.items()} == metadata
    assert pq.read_table(file).equals(TABLE)


def test_what_pyarrow_wrote_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(TABLE.replace_schema_metadata({"k": "v" * 1000, "leer": ""}), file)
    found = read_metadata(file)
    assert found["k"] == "v" * 1000
    assert found["leer"] == ""
    with pytest.raises(NotParquet, match="already"):
        add_metadata(file, {"a": "b"})


def test_a_file_without_metadata_has_none(tmp_path: Path) -> None:
    assert read_metadata(plain(tmp_path / "a.parquet")) == {}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 100, b"PAR1" + b"\xff" * 4 + b"PAR1"])
def test_other_files_are_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a"
    file.write_bytes(content)
    with pytest.raises(NotParquet):
        read_metadata(file)


def test_a_footer_that_is_cut_is_refused(tmp_path: Path) -> None:
    file = plain(tmp_path / "a.parquet")
    content = file.read_bytes()
    length = int.from_bytes(content[-8:-4], "little")
    for cut in (1, 10, length // 2, length - 1):
        footer = content[-8 - length : -8][:cut]
        file.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
        with pytest.raises(NotParquet):
            read_metadata(file)
