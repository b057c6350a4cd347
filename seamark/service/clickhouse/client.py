"""ClickHouse over HTTP: requests on an aiohttp session, and the options of clickhouse-connect.

Questions go through clickhouse-connect, everything that streams or inserts goes through
`HttpClient`; both are told here how to reach the store.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import aiohttp

from seamark.service.clickhouse.errors import ErrorClass, classify, code_of
from seamark.service.connections import StoreSettings

_PORTS: Final = {"http": 8123, "https": 8443}
_ERROR_CHARS: Final = 500
_TAIL_BYTES: Final = 4096
_PING: Final = aiohttp.ClientTimeout(total=2)
Body = bytes | AsyncIterator[bytes] | aiohttp.FormData


class Access(Protocol):
    """How to reach a store; `StoreSettings` is one."""

    @property
    def url(self) -> str: ...
    @property
    def user(self) -> str: ...
    @property
    def password(self) -> str: ...
    @property
    def tls_ca(self) -> str: ...


class RequestFailed(Exception):
    """The store did not do it. `code` is ClickHouse's, 0 for none; `status` HTTP's, 0 for none.

    `timeout`: there was no answer in time, so it is unknown whether it was done.
    """

    def __init__(
        self, message: str, *, code: int = 0, status: int = 0, timeout: bool = False
    ) -> None:
        super().__init__(message[:_ERROR_CHARS])
        self.code = code
        self.status = status
        self.timeout = timeout

    @property
    def kind(self) -> ErrorClass:
        """What can be done about it. An answer that is not ClickHouse's is away."""
        return classify(self.code)


class HttpClient:
    """Requests to one store. Several may run at once; nothing is retried."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: StoreSettings, *, timeout_seconds: float
    ) -> None:
        self.database = settings.database
        self._session = session
        self._url = f"{settings.url.rstrip('/')}/"
        self._credentials = credentials(settings)
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds, connect=5)

    async def post(
        self,
        body: Body,
        query: Mapping[str, str],
        *,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """The whole answer to a request with these URL parameters. Raises RequestFailed."""
        try:
            async with self._session.post(
                self._url,
                params=dict(query),
                data=body,
                headers=self._credentials | dict(headers or {}),
                timeout=self._timeout,
                allow_redirects=False,
            ) as answer:
                data = await answer.read()
                status = answer.status
                header = answer.headers.get("X-ClickHouse-Exception-Code", "")
        except TimeoutError as error:
            raise RequestFailed("no answer in time", timeout=True) from error
        except (aiohttp.ClientError, OSError) as error:
            raise RequestFailed(f"{type(error).__name__}: {error}") from error
        text = data[-_TAIL_BYTES:].decode(errors="replace").strip()
        code = code_of(status, header, text)
        if code or status != 200 or "__exception__\r\n" in text:
            raise RequestFailed(text or f"HTTP {status}", code=code, status=status)
        return data

    async def ping(self) -> str:
        """Whether the store answers: "" or what is wrong. At most two seconds."""
        try:
            async with self._session.get(f"{self._url}ping", timeout=_PING) as answer:
                return "" if answer.status == 200 else f"/ping: HTTP {answer.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return f"/ping: {type(error).__name__}: {error}"


def credentials(settings: Access) -> dict[str, str]:
    """ClickHouse's headers of user and password."""
    if not settings.user:
        return {}
    return {"X-ClickHouse-User": settings.user, "X-ClickHouse-Key": settings.password}


def connector(settings: Access, *, limit: int = 100) -> aiohttp.TCPConnector:
    """For an aiohttp session to the store: its CA, and at most `limit` connections.

    Raises OSError or ssl.SSLError when the CA file cannot be read.
    """
    tls: ssl.SSLContext | bool = True
    if settings.tls_ca:
        tls = ssl.create_default_context(cafile=settings.tls_ca)
    return aiohttp.TCPConnector(ssl=tls, limit=limit)


def connect_options(settings: Access) -> dict[str, Any]:
    """Arguments of clickhouse-connect's `get_client` and `create_async_client`."""
    address = urlsplit(settings.url)
    return {
        "interface": address.scheme or "http",
        "host": address.hostname or "127.0.0.1",
        "port": address.port or _PORTS.get(address.scheme, 8123),
        "username": settings.user,
        "password": settings.password,
        "ca_cert": settings.tls_ca or None,
        "autogenerate_session_id": False,
        "query_retries": 0,
    }
