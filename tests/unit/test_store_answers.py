"""Errors, the handshake, the end of a broken result: bytes that clients were written against."""

import pytest
from clickhouse_connect.driver.transform import extract_exception_with_tag

from seamark.standalone.store.failures import StoreError, engine_error, own_error
from seamark.standalone.store.handshake import handshake, is_handshake
from seamark.standalone.store.stream_errors import new_tag, stream_error


@pytest.mark.parametrize(
    ("raised", "code", "status", "text"),
    [
        (
            "Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE)",
            60,
            404,
            "Code: 60. DB::Exception: Table t does not exist. (UNKNOWN_TABLE)",
        ),
        (
            "Streaming query failed: Code: 164. DB::Exception: Code: 164. DB::Exception: No. (X)",
            164,
            500,
            "Code: 164. DB::Exception: No. (X)",
        ),
        ("Code: 159. DB::Exception: Late. (T)", 159, 408, "Code: 159. DB::Exception: Late. (T)"),
        (
            "",
            1002,
            500,
            "Code: 1002. DB::Exception: the engine gave no reason. (UNKNOWN_EXCEPTION)",
        ),
    ],
)
def test_errors_of_the_engine(raised: str, code: int, status: int, text: str) -> None:
    error = engine_error(raised)

    assert (error.code, error.status, error.text) == (code, status, text)


def test_errors_of_our_own_look_the_same() -> None:
    error = own_error(516, "No such user")

    assert isinstance(error, StoreError)
    assert error.status == 403
    assert error.text == "Code: 516. DB::Exception: No such user. (AUTHENTICATION_FAILED)"


def test_clickhouse_connect_reads_the_end_of_a_broken_result() -> None:
    tag = new_tag()
    message = "Code: 395. DB::Exception: Two\nlines. (X)"

    result = b"\x00rows\xff" + stream_error(tag, message)

    assert extract_exception_with_tag(result, tag) == message
    assert extract_exception_with_tag(result, new_tag()) is None


@pytest.mark.parametrize(
    ("query", "yes"),
    [
        (b"SELECT displayName(), version(), revision(), timezone()", True),
        (b"  select displayName(),version(), revision(), timezone() ;\n", True),
        (b"SELECT displayName(), version(), revision(), timezone(), 1", False),
        (b"SELECT 1", False),
    ],
)
def test_the_driver_s_first_question_is_known(query: bytes, yes: bool) -> None:
    assert is_handshake(query) is yes


@pytest.mark.parametrize(
    ("revision", "block_info", "plain"),
    [(0, b"", b""), (54405, b"\x01\x00\x02\xff\xff\xff\xff\x00", b""), (54460, None, b"\x00")],
)
def test_the_handshake_is_one_native_block(
    revision: int, block_info: bytes | None, plain: bytes
) -> None:
    info = b"\x01\x00\x02\xff\xff\xff\xff\x00" if block_info is None else block_info

    block = handshake(revision, version="26.9", timezone="UTC")

    assert block == b"".join(
        (
            info,
            b"\x04\x01",
            b"\x0ddisplayName()\x06String" + plain + b"\x07seamark",
            b"\x09version()\x06String" + plain + b"\x0426.9",
            b"\x0arevision()\x06UInt32" + plain + b"\x00\x00\x00\x00",
            b"\x0atimezone()\x06String" + plain + b"\x03UTC",
        )
    )
