"""One HTTP attempt: a body to the collector, and its answer."""

from collections.abc import Mapping
from typing import Final, NamedTuple

import requests
from opentelemetry import context

from seamark_sdk.version import NAME, VERSION

ROUTES: Final = {
    "events": "/v1/ingest/batch",
    "traces": "/v1/traces",
    "metrics": "/v1/metrics",
    "logs": "/v1/logs",
}
_MEDIA_TYPES: Final = {"events": "application/json"}
_TIMEOUTS: Final = (3.05, 15.0)
_UNTRACED: Final = "suppress_instrumentation"
"""The name by which OpenTelemetry's instrumentations know what not to trace."""


class Answer(NamedTuple):
    """`status` 0: there was none. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: str


class Transport:
    """Connections to one collector. Used by one thread at a time."""

    def __init__(self, endpoint: str, key: str) -> None:
        self._endpoint = endpoint
        self._key = key
        self._session = requests.Session()

    def send(self, kind: str, body: bytes) -> Answer:
        """Send a gzip body and read the whole answer. Raises nothing; blocks for 15 s at most."""
        headers = {
            "X-API-Key": self._key,
            "Content-Type": _MEDIA_TYPES.get(kind, "application/x-protobuf"),
            "Content-Encoding": "gzip",
            "User-Agent": f"{NAME}/{VERSION}",
        }
        token = context.attach(context.set_value(_UNTRACED, True))
        try:
            response = self._session.post(
                self._endpoint + ROUTES[kind],
                data=body,
                headers=headers,
                timeout=_TIMEOUTS,
                allow_redirects=False,
            )
            found = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status_code, found, response.text)
        except (requests.RequestException, OSError):
            return Answer(0, {}, "")
        finally:
            context.detach(token)
