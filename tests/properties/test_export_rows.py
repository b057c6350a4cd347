"""The rows of exports, against looking at every row in Python."""

import asyncio
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.exports.job import Failed
from seamark.wire.signals import Signal
from tests.support.export_rows import (
    HOSTILE,
    HOUR,
    NOW,
    ROWS,
    SCOPES,
    envelopes,
    expected,
    from_csv,
    from_parquet,
    iso_ms,
    job,
    make,
    read_csv,
    shown,
)
from tests.support.questions_stack import RunningStore, running_store

pytestmark = pytest.mark.integration
ALL: dict[str, Any] = {"from": NOW - 6 * HOUR, "to": NOW + 1}
_numbers = itertools.count()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    with running_store(Path(tmp_path_factory.mktemp("store"))) as running:
        asyncio.run(running.provision())
        asyncio.run(running.insert(Signal.EVENTS, envelopes()))
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exports")


KEYS = st.sampled_from(["page", "plan", "a,b", 'q"', "=k", "name", "app", "none"])
TEXTS = st.sampled_from([*HOSTILE, "view", "shop"])
FILTERS = st.one_of(
    st.builds(
        lambda key, op, value: {"key": key, "op": op, "value": value},
        KEYS, st.sampled_from(["=", "!="]), TEXTS,
    ),
    st.builds(
        lambda key, op, value: {"key": key, "op": op, "value": value},
        KEYS, st.sampled_from(["in", "!in"]), st.lists(TEXTS, max_size=4),
    ),
    st.builds(
        lambda key, op, value: {"key": key, "op": op, "value": value},
        KEYS, st.sampled_from(["=~", "!~"]), st.sampled_from(["[a-z]*", "v.*", "", "x{5,}|,"]),
    ),
    st.builds(
        lambda key, op: {"key": key, "op": op}, KEYS, st.sampled_from(["exists", "!exists"])
    ),
)  # fmt: skip
TIMES = st.sampled_from([row.time for row in ROWS[:200]]) | st.integers(NOW - 6 * HOUR, NOW + 5)


@given(
    token=st.sampled_from(sorted(SCOPES)),
    ends=st.tuples(TIMES, TIMES).filter(lambda ends: ends[0] != ends[1]).map(sorted),
    filters=st.lists(FILTERS, max_size=2),
    form=st.sampled_from(["csv", "parquet"]),
    slice_rows=st.sampled_from([1, 50, 10_000]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_export_holds_what_it_should_and_nothing_else(
    store: RunningStore,
    place: Path,
    token: str,
    ends: list[int],
    filters: list[dict[str, Any]],
    form: str,
    slice_rows: int,
) -> None:
    body = {"from": ends[0], "to": ends[1], "filters": filters, "format": form}
    folder = place / f"p{next(_numbers)}"
    slice_rows = max(slice_rows, (ends[1] - ends[0]) // HOUR * 20)  # or there are too many slices
    said, file = make(job(store, folder, token, body, slice_rows=slice_rows))
    wanted = expected(token, body)
    found = (
        from_csv(read_csv(file)) if form == "csv" else from_parquet(pq.read_table(file).to_pylist())
    )
    assert found == shown(wanted)
    assert (said.rows, said.expected, said.done) == (len(wanted), len(wanted), True)
    assert said.bytes == file.stat().st_size


def test_parquet_is_what_duckdb_reads(store: RunningStore, place: Path) -> None:
    """In a process of its own: DuckDB and the engine do not end well in one."""
    _, file = make(job(store, place / "duck", "acme", {**ALL, "format": "parquet"}))
    script = (
        "import duckdb, json, sys\n"
        "found = duckdb.sql(f\"select epoch_ms(time) as time, event_id, attrs['page'] as page,"
        " value, typeof(time) as kind from read_parquet('{sys.argv[1]}')\").fetchall()\n"
        "print(json.dumps(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(file)], capture_output=True, check=True, timeout=60
    )
    wanted = [
        [row.time, row.id, row.attrs.get("page"), row.value, "TIMESTAMP WITH TIME ZONE"]
        for row in expected("acme", ALL)
    ]
    assert sorted(msgspec.json.decode(done.stdout), key=lambda row: str(row[1])) == wanted


def test_parquet_has_types_and_row_groups(store: RunningStore, place: Path) -> None:
    _, file = make(job(store, place / "types", "acme", {**ALL, "format": "parquet"}))
    opened = pq.ParquetFile(file)
    types = {field.name: field.type for field in opened.schema_arrow}
    assert types["time"] == pa.timestamp("ms", tz="UTC")
    assert types["attrs"].key_type == pa.string()
    assert types["value"] == pa.float64()
    assert types["receipt"] == pa.string()
    assert opened.num_row_groups > 3


def test_columns_come_as_they_were_asked_for(store: RunningStore, place: Path) -> None:
    columns = ["session_id", "time", "name"]
    for form in ("csv", "parquet"):
        body = {**ALL, "columns": columns, "format": form}
        _, file = make(job(store, place / f"columns-{form}", "acme", body))
        if form == "csv":
            assert list(read_csv(file)[0]) == columns
        else:
            assert pq.read_schema(file).names == columns


def test_formulas_are_guarded_where_that_is_asked_for(store: RunningStore, place: Path) -> None:
    plain = make(job(store, place / "plain", "acme", ALL))[1]
    guarded = make(job(store, place / "guarded", "acme", {**ALL, "guardFormulas": True}))[1]
    before = sorted(row["session_id"] for row in read_csv(plain))
    after = sorted(row["session_id"] for row in read_csv(guarded))
    risky = tuple("=+-@\t\r")
    assert any(text.startswith(risky) for text in before)
    assert after == sorted(f"'{text}" if text.startswith(risky) else text for text in before)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_export_of_nothing_has_its_columns(store: RunningStore, place: Path, form: str) -> None:
    body = {**ALL, "filters": [{"key": "name", "value": "none"}], "format": form}
    said, file = make(job(store, place / f"nothing-{form}", "acme", body))
    assert (said.rows, said.done) == (0, True)
    if form == "csv":
        assert file.read_text().splitlines()[0].startswith('"time","received_at","app"')
        assert read_csv(file) == []
    else:
        assert pq.read_table(file).num_rows == 0


def test_a_limit_is_kept(store: RunningStore, place: Path) -> None:
    for limit in (1, 99, 10**6):
        said, file = make(job(store, place / f"limit-{limit}", "acme", {**ALL, "limit": limit}))
        found = [row["event_id"] for row in read_csv(file)]
        whole = {row.id for row in expected("acme", ALL)}
        assert said.rows == len(found) == len(set(found)) == min(limit, len(whole))
        assert set(found) <= whole


@pytest.mark.parametrize(
    ("limits", "body", "named"),
    [
        ({"most_rows": 100}, {}, "SEAMARK_EXPORT_ROWS"),
        ({"most_bytes": 5000}, {}, "SEAMARK_EXPORT_FILE_BYTES"),
        ({"disk_keep_bytes": 1 << 60}, {}, "SEAMARK_EXPORT_DISK_KEEP_BYTES"),
        ({"memory_bytes": 1000}, {"to": NOW - 6 * HOUR + 2}, "SEAMARK_EXPORT_MEMORY_BYTES"),
        ({}, {"filters": [{"key": "page", "op": "=~", "value": "("}]}, "RE2"),
    ],
)
def test_beyond_a_limit_it_fails_and_names_it(
    store: RunningStore, place: Path, limits: Any, body: Any, named: str
) -> None:
    with pytest.raises(Failed, match=named):
        make(job(store, place / f"limit-{next(_numbers)}", "acme", ALL | body, **limits))


def test_a_slice_that_takes_too_much_is_cut(store: RunningStore, place: Path) -> None:
    """Somewhere between too little for all and enough for a few there is room for halves."""
    body = {**ALL, "to": NOW - 10, "format": "parquet"}
    for memory in (6, 8, 12, 16, 24, 48):
        folder = place / f"memory-{memory}"
        try:
            of = job(store, folder, "acme", body, slice_rows=10**6, memory_bytes=memory * 100_000)
            said, file = make(of)
        except Failed:
            continue
        assert from_parquet(pq.read_table(file).to_pylist()) == shown(expected("acme", body))
        assert said.rows == len(expected("acme", body))
        return
    pytest.fail("never enough")


def test_times_in_csv_are_iso_8601_in_utc(store: RunningStore, place: Path) -> None:
    _, file = make(job(store, place / "times", "acme", {**ALL, "limit": 5}))
    for row in read_csv(file):
        assert row["time"].endswith("Z")
        assert iso_ms(row["received_at"]) == NOW
    assert b"\r\n" in file.read_bytes()
