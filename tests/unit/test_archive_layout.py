"""Names in the archive: read back as they were written, one name for one token."""

import pytest

from processors.archive.layout import Hour, block_name, hour_of, merged_name, sequences
from seamark.wire.signals import Signal

TOKEN = "SEAMARK_events_0:1-500:1795390822080159825"


def test_a_path_says_its_signal_and_hour() -> None:
    hour = Hour(Signal.TRACES, 498_699)
    assert hour.folder == "signal=traces/year=2026/month=11/day=22/hour=03"
    assert hour_of(f"{hour.folder}/{block_name(TOKEN)}") == hour
    assert hour.end_ms == 1_795_320_000_000


@pytest.mark.parametrize(
    "path",
    [
        "signal=traces/year=2026/month=11/day=22/part-1.parquet",
        "signal=traces/year=2026/month=11/day=22/hour=03/part-1.parquet.tmp",
        "signal=traces/year=2026/month=11/day=22/hour=03/x/part-1.parquet",
        "signal=other/year=2026/month=11/day=22/hour=03/part-1.parquet",
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        hour_of(path)


def test_a_block_is_named_by_its_token() -> None:
    assert block_name(TOKEN) == "part-SEAMARK_events_0-1-500-1795390822080159825.parquet"
    assert block_name(f"{TOKEN}/3") != block_name(f"{TOKEN}/4")
    assert sequences(TOKEN) == sequences(f"{TOKEN}/3/notice") == (1, 500)
    assert sequences("something else") == (0, 0)


def test_a_merged_file_is_named_by_what_it_is_made_of() -> None:
    assert merged_name(["a", "b"]) == merged_name(["b", "a"])
    assert merged_name(["a", "b"]) != merged_name(["a", "b", "c"])
