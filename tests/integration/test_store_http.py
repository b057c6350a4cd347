"""The embedded store as plain HTTP: what goes over the wire, who may enter, what is refused."""

import http.client
import urllib.parse

import pytest
import zstandard

from tests.support.store_server import BREAKS_LATE, PASSWORD, StoreServer, authorization

pytestmark = pytest.mark.integration


def test_a_plain_reader_cannot_take_a_broken_result_for_a_whole_one(
    client_store: StoreServer,
) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        client_store.ask(BREAKS_LATE, default_format="JSONEachRow", enable_http_compression="0")

    assert b"FUNCTION_THROW_IF_VALUE_IS_NON_ZERO" in caught.value.partial[-1000:]


def test_compression_is_on_the_wire(client_store: StoreServer) -> None:
    headers = authorization() | {"Accept-Encoding": "gzip;q=0, zstd"}
    sql = b"SELECT number FROM numbers(100000) FORMAT TSV"

    packed = client_store.request("POST", "/", sql, headers)
    plain = client_store.request("POST", "/?enable_http_compression=0", sql, headers)

    assert packed.headers["Content-Encoding"] == "zstd"
    assert "Content-Encoding" not in plain.headers
    unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(packed.body)
    assert unpacked == plain.body == b"".join(b"%d\n" % n for n in range(100_000))


def test_inserts_of_every_spelling(client_store: StoreServer) -> None:
    client_store.rows(
        "CREATE OR REPLACE TABLE seamark.spelling (a UInt8, values String) ENGINE = Memory"
    )

    answers = [
        client_store.ask("INSERT INTO spelling VALUES (1, 'body')"),
        client_store.ask(
            'INSERT INTO spelling (a, values) FORMAT JSONEachRow {"a": 2, "values": "x"}'
        ),
        client_store.insert("INSERT INTO spelling (a, `values`) FORMAT CSV", b"3,url\n"),
        client_store.insert("/* FORMAT TSV */ insert into spelling values", b"(4, 'after')"),
        client_store.ask("INSERT INTO spelling SELECT 5, 'select'"),
        client_store.insert(
            "INSERT INTO spelling SETTINGS max_threads = 1 FORMAT TSV", b"6\ttsv\n"
        ),
    ]

    assert [answer.status for answer in answers] == [200] * 6, answers
    assert client_store.rows("SELECT a FROM spelling ORDER BY a") == [[str(n)] for n in range(1, 7)]


def test_a_session_serves_one_request_at_a_time(client_store: StoreServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", client_store.port, timeout=20)
    slow = "SELECT sleep(1.5)"
    before = client_store.metric("seamark_store_sessions")
    connection.request("POST", "/?session_id=busy", slow, authorization())
    while client_store.metric("seamark_store_sessions") == before:
        pass

    assert client_store.ask("SELECT 1", session_id="busy").code == "373"
    assert connection.getresponse().status == 200
    assert client_store.ask("SELECT 1", session_id="busy", close_session="1").status == 200
    assert client_store.metric("seamark_store_sessions") == before
    connection.close()


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        ({}, {}),
        ({}, {"user": "seamark", "password": "wrong"}),
        ({}, {"user": "default", "password": PASSWORD}),
        ({"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": ""}, {}),
        (authorization("default"), {}),
        (authorization("seamark", "wrong"), {"user": "seamark", "password": PASSWORD}),
        ({"Authorization": "Basic !"}, {}),
    ],
)
def test_who_does_not_know_the_password_stays_outside(
    client_store: StoreServer, headers: dict[str, str], arguments: dict[str, str]
) -> None:
    target = "/?" + urllib.parse.urlencode(arguments)

    answer = client_store.request("POST", target, b"SELECT 1", headers)

    assert (answer.status, answer.code) == (403, "516")
    assert b"AUTHENTICATION_FAILED" in answer.body


@pytest.mark.parametrize(
    ("headers", "arguments"),
    [
        ({}, {"user": "seamark", "password": PASSWORD}),
        ({"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": PASSWORD}, {}),
        (authorization(), {}),
    ],
)
def test_who_knows_it_comes_in(
    client_store: StoreServer, headers: dict[str, str], arguments: dict[str, str]
) -> None:
    target = "/?" + urllib.parse.urlencode(arguments)

    assert client_store.request("POST", target, b"SELECT 1", headers).body == b"1\n"


def test_a_link_changes_nothing(client_store: StoreServer) -> None:
    target = "/?" + urllib.parse.urlencode({"query": "CREATE TABLE linked (a UInt8) ENGINE = Null"})

    assert client_store.request("GET", target, headers=authorization()).code == "164"
    assert client_store.request("GET", "/?query=SELECT+7", headers=authorization()).body == b"7\n"


def test_totals_are_not_lost_to_streaming(client_store: StoreServer) -> None:
    sql = "SELECT number % 2 AS k, count() FROM numbers(10) GROUP BY k WITH TOTALS ORDER BY k"

    assert client_store.rows(sql) == [["0", "5"], ["1", "5"], [""], ["0", "10"]]


def test_what_cannot_be_done_is_reported(client_store: StoreServer) -> None:
    assert client_store.ask("SELECT 1", compress="1").status == 501
    assert client_store.ask("SELECT 1", **{"max_threads = 1, readonly": "0"}).code == "36"
    assert client_store.insert("SELECT 1", b"x", encoding="br").status == 501
