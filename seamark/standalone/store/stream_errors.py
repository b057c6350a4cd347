"""An error in the middle of a result, after its status has gone out. Pure but for the tag.

Format: ClickHouse 25.11, `src/Server/HTTP/WriteBufferFromHTTPServerResponse.cpp`; read by
clickhouse-connect's `extract_exception_with_tag`. The tag is told in `X-ClickHouse-Exception-Tag`
and is random, so that no data can look like an error.
"""

import secrets
import string


def new_tag() -> str:
    """Sixteen random dead letters."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))


def stream_error(tag: str, message: str) -> bytes:
    """The bytes that end a broken result."""
    text = message.encode()
    mark = tag.encode()
    return b"".join(
        (
            b"\r\n__exception__\r\n" + mark + b"\r\n",
            text + b"\n",
            str(len(text)).encode() + b" " + mark,
            b"\r\n__exception__\r\n",
        )
    )
