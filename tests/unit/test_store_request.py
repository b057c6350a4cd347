"""HTTP requests as values: who may enter, what is a setting, what is refused."""

import base64
from typing import Any

import pytest

from seamark.standalone.store.failures import StoreError
from seamark.standalone.store.request import (
    External,
    SessionWish,
    StoreRequest,
    Upload,
    read_request,
    role_of,
)


def read(**changes: Any) -> StoreRequest:
    given: dict[str, Any] = {"method": "POST", "headers": {}, "arguments": {}, "query_id": "made"}
    return read_request(**given | changes)


def basic(text: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}


@pytest.mark.parametrize(
    ("headers", "arguments", "entered"),
    [
        (basic("seamark:pä:ss"), {}, True),
        ({"X-ClickHouse-User": "seamark", "X-ClickHouse-Key": "pä:ss"}, {}, True),
        ({}, {"user": "seamark", "password": "pä:ss"}, True),
        (basic("seamark:pä:s"), {}, False),
        (basic("default:pä:ss"), {}, False),
        (basic("seamark"), {}, False),
        ({"Authorization": "Bearer pä:ss"}, {}, False),
        ({"Authorization": "Basic ####"}, {"user": "seamark", "password": "pä:ss"}, False),
        ({}, {}, False),
    ],
)
def test_who_may_enter(headers: dict[str, str], arguments: dict[str, str], entered: bool) -> None:
    assert (role_of(headers, arguments, "pä:ss") is not None) is entered


def test_an_empty_password_still_asks_for_the_user() -> None:
    assert role_of({}, {"user": "seamark"}, "")
    assert not role_of({}, {}, "")


def test_arguments_are_transport_parameters_or_settings() -> None:
    request = read(
        arguments={
            "query": "SELECT {a:String}",
            "database": "d",
            "param_a": "1",
            "query_id": "mine",
            "max_threads": "2",
            "wait_end_of_query": "1",
            "client_protocol_version": "54405",
        }
    )

    assert request.query == b"SELECT {a:String}"
    assert (request.database, request.query_id, request.whole) == ("d", "mine", True)
    assert request.params == {"a": "1"}
    assert request.settings == {"max_threads": "2"}
    assert request.revision == 54405


def test_headers_say_what_arguments_do_not() -> None:
    headers = {
        "X-ClickHouse-Database": "d",
        "X-ClickHouse-Format": "JSON",
        "Content-Encoding": "ZSTD",
        "Accept-Encoding": "gzip, lz4",
    }

    request = read(headers=headers)

    assert (request.database, request.default_format) == ("d", "JSON")
    assert (request.body_encoding, request.output_encoding) == ("zstd", "lz4")
    assert request.query_id == "made"
    assert read(headers=headers, arguments={"enable_http_compression": "0"}).output_encoding == ""


@pytest.mark.parametrize(("method", "settings"), [("GET", {"readonly": "2"}), ("POST", {})])
def test_only_a_post_may_change_anything(method: str, settings: dict[str, str]) -> None:
    assert read(method=method).settings == settings


def test_files_of_a_form_are_tables() -> None:
    request = read(
        uploads=(Upload("t", b"1\n"), Upload("u", b"2")),
        arguments={"t_structure": "a UInt8", "t_format": "CSV", "u_types": "UInt8,String"},
    )

    assert request.externals == (
        External("t", "a UInt8", "CSV", b"1\n"),
        External("u", "_1 UInt8, _2 String", "TabSeparated", b"2"),
    )
    assert request.settings == {}


def test_a_session_and_its_limits() -> None:
    assert read().session is None
    assert read(arguments={"session_id": "s"}).session == SessionWish("s")
    arguments = {"session_id": "s", "session_timeout": "99999", "session_check": "1"}
    assert read(arguments=arguments | {"close_session": "1"}).session == SessionWish(
        "s", timeout_seconds=3600, must_exist=True, close=True
    )


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"compress": "1"}, 48),
        ({"decompress": "1"}, 48),
        ({"max_threads=1, readonly": "0"}, 36),
        ({"session_id": "s", "session_timeout": "long"}, 36),
    ],
)
def test_what_is_refused(arguments: dict[str, str], code: int) -> None:
    with pytest.raises(StoreError) as caught:
        read(arguments=arguments)

    assert caught.value.code == code


def test_a_file_without_a_structure_is_refused() -> None:
    with pytest.raises(StoreError, match="has no structure"):
        read(uploads=(Upload("t", b""),))
