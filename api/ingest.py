"""The collector as the API needs it: batches of a replay, sent with the asker's own admin token."""

from typing import Final, Protocol

import aiohttp
import msgspec

from api.questions.upstreams import Taken, Turned
from api.reasons import QuestionReason
from seamark.service.tls import client_context
from seamark.wire.failures import Unavailable

PATH: Final = "/v1/ingest/replay"
_SECONDS: Final = 15.0


class _Problem(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""


class _Failure(msgspec.Struct, frozen=True):
    error: _Problem = _Problem()


class IngestClient(Protocol):
    """Where batches are sent."""

    async def replay(self, body: bytes, *, token: str, dry_run: bool) -> Taken | Turned:
        """Send a batch; once this returns it is in the log. A dry run only asks for the verdict.

        Raises Unavailable when it may be sent again.
        """


class HttpIngest:
    """A collector over HTTP. Connects when first asked; `close` when done."""

    def __init__(self, url: str, *, tls_ca: str = "", tls_name: str = "") -> None:
        self._url = url.rstrip("/") + PATH
        self._tls_ca = tls_ca
        self._tls_name = tls_name or None
        self._session: aiohttp.ClientSession | None = None

    async def replay(self, body: bytes, *, token: str, dry_run: bool) -> Taken | Turned:
        """See `IngestClient.replay`."""
        try:
            async with self._opened().post(
                self._url,
                data=body,
                params={"dryRun": "true"} if dry_run else {},
                headers={
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                },
                allow_redirects=False,
                server_hostname=self._tls_name,
            ) as answer:
                status, text = answer.status, await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Unavailable(
                f"The collector does not answer ({type(error).__name__}); SEAMARK_API_INGEST_URL "
                "says where it is looked for.",
                retry_after=2.0,
                reason=QuestionReason.UNAVAILABLE,
            ) from error
        try:
            if status in (200, 202):
                return msgspec.json.decode(text, type=Taken)
            words = msgspec.json.decode(text, type=_Failure).error.message
        except msgspec.MsgspecError:
            words = ""
        if status in (429, 503) or status >= 500 or status in (200, 202):
            raise Unavailable(
                f"The collector answered {status}: {words[:300]}",
                retry_after=2.0,
                reason=QuestionReason.UNAVAILABLE,
            )
        return Turned(words[:1000] or f"the collector answered {status}")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = client_context(self._tls_ca)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=8, ssl=tls),
                timeout=aiohttp.ClientTimeout(total=_SECONDS),
            )
        return self._session

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
