"""clickhouse-connect, unmodified, against the embedded store: as against a ClickHouse server."""

import datetime
import gzip
import json
import uuid
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import lz4.frame  # type: ignore[import-untyped]  # it has no stubs
import pytest
import zstandard
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_connect.driver.external import ExternalData

from tests.support.store_server import BREAKS_LATE, PASSWORD, StoreServer

pytestmark = pytest.mark.integration


def connect(client_store: StoreServer, **options: Any) -> Client:
    return clickhouse_connect.get_client(
        host="127.0.0.1", port=client_store.port, username="seamark", password=PASSWORD, **options
    )


@pytest.fixture
def client(client_store: StoreServer) -> Iterator[Client]:
    with connect(client_store, database="seamark") as connected:
        yield connected


def test_types_come_back_as_they_went_in(client: Client) -> None:
    client.command("DROP TABLE IF EXISTS types")
    client.command(
        "CREATE TABLE types (id UInt64, map Map(LowCardinality(String), String),"
        " text Nullable(String), day DateTime64(3), u UUID, pair Tuple(Int8, String))"
        " ENGINE = MergeTree ORDER BY id"
    )
    moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000)
    rows = [
        [1, {"a": "b"}, None, moment, uuid.UUID(int=7), (1, "x")],
        [2, {}, "ö'\\\n", moment, uuid.UUID(int=8), (-1, "")],
    ]

    client.insert("types", rows, column_names=["id", "map", "text", "day", "u", "pair"])

    assert [
        list(row) for row in client.query("SELECT * FROM types ORDER BY id").result_rows
    ] == rows


def test_parameters_are_values_not_text(client: Client) -> None:
    hostile = "'; DROP TABLE types --\n\\"

    answer = client.query(
        "SELECT {text:String}, {numbers:Array(UInt8)}",
        parameters={"text": hostile, "numbers": [1, 2]},
    )

    assert answer.result_rows == [(hostile, [1, 2])]


@pytest.mark.parametrize(
    ("sql", "settings", "code"),
    [
        ("SELEC 1", {}, 62),
        ("SELECT nope", {}, 47),
        ("SELECT * FROM nope", {}, 60),
        ("SELECT throwIf(1)", {}, 395),
        ("SELECT 1; SELECT 2", {}, 62),
        ("SELECT count() FROM numbers(10000000)", {"max_rows_to_read": 1000}, 158),
        ("SELECT number FROM numbers(10)", {"max_result_rows": 5}, 396),
        ("SELECT sum(cityHash64(number)) FROM numbers(1e12)", {"max_execution_time": 0.1}, 159),
        ("SELECT groupArray(number) FROM numbers(1e8)", {"max_memory_usage": 10_000_000}, 241),
        ("CREATE TABLE x (a UInt8) ENGINE = Null", {"readonly": 1}, 164),
    ],
)
def test_errors_carry_their_code(
    client: Client, sql: str, settings: dict[str, object], code: int
) -> None:
    with pytest.raises(DatabaseError) as caught:
        client.query(sql, settings=settings)

    assert caught.value.code == code
    assert f"Code: {code}. DB::Exception: " in str(caught.value)


def test_an_error_after_the_first_megabyte_is_an_error_still(client: Client) -> None:
    with pytest.raises(DatabaseError, match="FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"):
        client.query(BREAKS_LATE)


@pytest.mark.parametrize("encoding", ["zstd", "lz4", "gzip", False])
def test_results_and_inserts_are_compressed_as_the_client_likes(
    client_store: StoreServer, encoding: str | bool
) -> None:
    with connect(client_store, database="seamark", compress=encoding) as client:
        client.command("CREATE OR REPLACE TABLE packed (n UInt64) ENGINE = MergeTree ORDER BY n")
        client.insert("packed", [[n] for n in range(10_000)], column_names=["n"])

        assert client.query("SELECT count(), sum(n) FROM packed").result_rows == [
            (10_000, 49995000)
        ]
        assert sum(client.query("SELECT n FROM packed").result_columns[0]) == 49995000


@pytest.mark.parametrize("compression", [None, "zstd", "gzip", "lz4"])
def test_raw_insert(client: Client, compression: str | None) -> None:
    client.command("CREATE OR REPLACE TABLE raw (a UInt64, b String) ENGINE = MergeTree ORDER BY a")
    data = b'1,"one"\n2,"two"\n'
    if compression == "zstd":
        data = zstandard.ZstdCompressor().compress(data)
    elif compression == "gzip":
        data = gzip.compress(data)
    elif compression == "lz4":
        data = lz4.frame.compress(data)

    client.raw_insert(
        "raw", column_names=["a", "b"], insert_block=data, fmt="CSV", compression=compression
    )

    assert client.query("SELECT * FROM raw ORDER BY a").result_rows == [(1, "one"), (2, "two")]


def test_a_session_keeps_temporary_tables_and_settings(client_store: StoreServer) -> None:
    with connect(client_store, session_id="one") as client:
        client.command("CREATE TEMPORARY TABLE mine (a UInt8)")
        client.command("INSERT INTO mine VALUES (1), (2)")
        client.command("SET max_block_size = 7")
        once = client.query("SELECT getSetting('max_block_size')", settings={"max_block_size": 3})
        limited = client.query("SELECT getSetting('readonly')", settings={"readonly": 1})

        assert once.result_rows == [(3,)]
        assert limited.result_rows == [(1,)]
        assert client.query(
            "SELECT sum(a), getSetting('max_block_size') FROM mine"
        ).result_rows == [(3, 7)]

    assert client_store.ask("SELECT * FROM mine", session_id="two").code == "60"
    assert client_store.ask("SELECT 1", session_id="three", session_check="1").code == "372"


def test_external_data(client: Client) -> None:
    external = ExternalData(file_name="wanted.csv", fmt="CSV", structure="n UInt64", data=b"3\n5\n")

    answer = client.query(
        "SELECT number FROM numbers(10) WHERE number IN wanted ORDER BY number",
        external_data=external,
        settings={"readonly": 1},
    )

    assert answer.result_rows == [(3,), (5,)]


async def test_the_async_client(client_store: StoreServer) -> None:
    client = await clickhouse_connect.get_async_client(
        host="127.0.0.1",
        port=client_store.port,
        username="seamark",
        password=PASSWORD,
        database="seamark",
    )
    try:
        await client.command("CREATE OR REPLACE TABLE a (n UInt64) ENGINE = MergeTree ORDER BY n")
        await client.insert("a", [[n] for n in range(100)], column_names=["n"])
        body = await client.raw_query(
            "SELECT sum(n) FROM a WHERE n < {most:UInt64}",
            parameters={"most": 10},
            settings={"readonly": 1, "max_execution_time": 5},
            fmt="JSONCompact",
        )

        assert json.loads(body)["data"] == [[45]]
        assert (await client.query("SELECT count() FROM a")).result_rows == [(100,)]
        with pytest.raises(DatabaseError, match="FUNCTION_THROW_IF"):
            await client.query(BREAKS_LATE)
    finally:
        await client.close()


def test_large_results_stream(client: Client) -> None:
    rows = 0
    with client.query_row_block_stream("SELECT number, toString(number) FROM numbers(500000)") as s:
        for block in s:
            rows += len(block)

    assert rows == 500_000
