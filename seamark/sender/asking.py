"""One HTTP request as a sender makes it, by the standard library; what is wrong is named."""

import http.client
import socket
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from seamark.service.tls import client_context

_SECONDS = 10.0


class Unreachable(Exception):
    """There was no answer; its text is for a person."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whatever its status. `seconds`: until it was read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> dict[str, object]:
        """The body, when it is a JSON object; else an empty one."""
        try:
            found = msgspec.json.decode(self.body)
        except msgspec.DecodeError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def message(self) -> str:
        """The message of a failure, or the body as text; at most 300 characters."""
        found = self.json()
        words = found.get("message") or found.get("error") or self.body.decode(errors="replace")
        return " ".join(str(words).split())[:300]


def ask(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    ca: str = "",
    seconds: float = _SECONDS,
) -> Answer:
    """The answer to one request; redirects are not followed. Blocks. Raises Unreachable."""
    began = time.monotonic()
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310  # http and https alone, below
    if request.type not in ("http", "https"):
        raise Unreachable(f"{url} is no address of HTTP: it begins with neither http nor https")
    try:
        opener = urllib.request.build_opener(
            _NoRedirect, urllib.request.HTTPSHandler(context=client_context(ca))
        )
        with opener.open(request, timeout=seconds) as answer:
            return _answer(answer, began)
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error, began)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(_why(url, error, seconds)) from error


def _answer(answer: http.client.HTTPResponse | urllib.error.HTTPError, began: float) -> Answer:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    body = answer.read()
    return Answer(answer.status or 0, headers, body, time.monotonic() - began)


def _why(url: str, error: Exception, seconds: float) -> str:
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"{url}: its certificate is not trusted ({cause.verify_message}); --ca FILE names the "
            "authority to trust"
        )
    if isinstance(cause, ssl.SSLError):
        return f"{url}: TLS fails ({cause.reason or cause}); is http meant?"
    if isinstance(cause, socket.gaierror):
        return f"{url}: the name of the host is not known"
    if isinstance(cause, ConnectionRefusedError):
        return f"{url}: nothing listens there"
    if isinstance(cause, TimeoutError):
        return f"{url}: no answer within {seconds:g} s; a firewall may drop what is sent there"
    if isinstance(cause, http.client.RemoteDisconnected | ConnectionResetError):
        return f"{url}: the connection was closed without an answer; is https meant?"
    return f"{url}: {cause}"


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST becomes a GET: nothing would be sent."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None
