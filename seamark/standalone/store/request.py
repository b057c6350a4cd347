"""An HTTP request as a value. Pure.

Interface: https://clickhouse.com/docs/interfaces/http. Of its parameters, those of the transport
are known here; every other name is a setting of the engine.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from seamark.standalone.store.encodings import choose
from seamark.standalone.store.failures import (
    BAD_ARGUMENTS,
    NOT_IMPLEMENTED,
    own_error,
)
from seamark.standalone.store.roles import StoreRole, enters

_TRANSPORT: Final = frozenset(
    {
        "query",
        "database",
        "default_format",
        "user",
        "password",
        "query_id",
        "quota_key",
        "role",
        "compress",
        "decompress",
        "session_id",
        "session_timeout",
        "session_check",
        "close_session",
        "wait_end_of_query",
        "buffer_size",
        "client_protocol_version",
        "enable_http_compression",
        "http_zlib_compression_level",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "add_http_cors_header",
    }
)
_SETTING: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FALSE: Final = frozenset({"0", "false"})
_SESSION_SECONDS: Final = 60.0
_LONGEST_SESSION_SECONDS: Final = 3600.0


@dataclass(frozen=True, slots=True)
class External:
    """A table that comes with the request and lives as long as its query."""

    name: str
    structure: str
    format: str
    data: bytes


@dataclass(frozen=True, slots=True)
class SessionWish:
    """The session a request belongs to: `must_exist` refuses to begin one, `close` ends it."""

    name: str
    timeout_seconds: float = _SESSION_SECONDS
    must_exist: bool = False
    close: bool = False


@dataclass(frozen=True, slots=True)
class StoreRequest:
    """One statement and all that goes with it.

    `body` is as sent, in `body_encoding`. It is data for `query`, or the statement itself where
    `query` is empty. `output_encoding` is empty for none. `revision` is of the Native protocol.
    """

    query: bytes
    body: bytes = b""
    body_encoding: str = ""
    query_id: str = ""
    database: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    externals: tuple[External, ...] = ()
    default_format: str = "TabSeparated"
    output_encoding: str = ""
    whole: bool = False
    session: SessionWish | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of a multipart body."""

    name: str
    data: bytes


def role_of(
    headers: Mapping[str, str], arguments: Mapping[str, str], password: str
) -> StoreRole | None:
    """The role whose user and password the request names, in any of ClickHouse's ways."""
    return enters(*_credentials(headers, arguments), password)


def _credentials(headers: Mapping[str, str], arguments: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, rest = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, given = base64.b64decode(rest, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return user, given
    if "X-ClickHouse-User" in headers:
        return headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key", "")
    return arguments.get("user", ""), arguments.get("password", "")


def read_request(
    *,
    method: str,
    headers: Mapping[str, str],
    arguments: Mapping[str, str],
    query_id: str,
    body: bytes = b"",
    uploads: tuple[Upload, ...] = (),
) -> StoreRequest:
    """Put a request together. `arguments` are the URL's and those of a multipart body.

    `query_id` is used where the client gives none. Raises StoreError for what is not supported.
    """
    for name in ("compress", "decompress"):
        if arguments.get(name, "0") not in _FALSE:
            raise own_error(
                NOT_IMPLEMENTED,
                f"{name}=1 (ClickHouse's own blocks) is not supported by the embedded store, "
                "use Accept-Encoding and Content-Encoding",
            )
    settings = _settings(arguments, {f"{file.name}{end}" for file in uploads for end in _ENDINGS})
    if method in ("GET", "HEAD"):
        settings.setdefault("readonly", "2")  # as ClickHouse: a link must not change anything
    compressed = arguments.get("enable_http_compression", "1") not in _FALSE
    return StoreRequest(
        query=arguments.get("query", "").encode("utf-8", "surrogateescape"),
        body=body,
        body_encoding=headers.get("Content-Encoding", "").strip().lower(),
        query_id=arguments.get("query_id") or query_id,
        database=arguments.get("database") or headers.get("X-ClickHouse-Database", ""),
        settings=settings,
        params={
            name.removeprefix("param_"): value
            for name, value in arguments.items()
            if name.startswith("param_")
        },
        externals=tuple(_external(upload, arguments) for upload in uploads),
        default_format=headers.get("X-ClickHouse-Format")
        or arguments.get("default_format")
        or "TabSeparated",
        output_encoding=choose(headers.get("Accept-Encoding", "")) if compressed else "",
        whole=arguments.get("wait_end_of_query", "0") not in _FALSE,
        session=_session(arguments),
        revision=int(_number(arguments, "client_protocol_version", 0)),
    )


def _settings(arguments: Mapping[str, str], of_uploads: set[str]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for name, value in arguments.items():
        if name in _TRANSPORT or name.startswith("param_") or name in of_uploads:
            continue
        if not _SETTING.fullmatch(name):
            raise own_error(BAD_ARGUMENTS, f"{name!r} is not the name of a setting")
        settings[name] = value
    return settings


_ENDINGS: Final = ("_structure", "_types", "_format")


def _external(upload: Upload, arguments: Mapping[str, str]) -> External:
    structure = arguments.get(f"{upload.name}_structure", "")
    types = arguments.get(f"{upload.name}_types", "")
    if not structure and types:
        structure = ", ".join(f"_{i} {kind}" for i, kind in enumerate(types.split(","), start=1))
    if not structure:
        raise own_error(BAD_ARGUMENTS, f"The external table {upload.name!r} has no structure")
    form = arguments.get(f"{upload.name}_format") or "TabSeparated"
    return External(upload.name, structure, form, upload.data)


def _session(arguments: Mapping[str, str]) -> SessionWish | None:
    name = arguments.get("session_id", "")
    if not name:
        return None
    seconds = _number(arguments, "session_timeout", _SESSION_SECONDS)
    return SessionWish(
        name,
        timeout_seconds=min(max(seconds, 0.0), _LONGEST_SESSION_SECONDS),
        must_exist=arguments.get("session_check", "0") not in _FALSE,
        close=arguments.get("close_session", "0") not in _FALSE,
    )


def _number(arguments: Mapping[str, str], name: str, default: float) -> float:
    try:
        return float(arguments.get(name) or default)
    except ValueError:
        raise own_error(BAD_ARGUMENTS, f"{name} is not a number") from None
