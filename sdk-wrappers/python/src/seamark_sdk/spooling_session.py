"""Stands in for the HTTP session of OpenTelemetry's OTLP exporters: a request goes to the spool.

The exporter's own retry therefore never runs, and nothing is sent twice. `session=` is the public
seam of the exporters for this.
"""

from typing import Any

import requests

from seamark_sdk.client import Client


class SpoolingSession(requests.Session):
    """Each request, gzip as the exporter made it, is stored; its answer is 200."""

    def __init__(self, client: Client, kind: str) -> None:
        super().__init__()
        self._client = client
        self._kind = kind

    def request(self, *_: Any, data: Any = None, **__: Any) -> requests.Response:
        """The request of `requests`: `data` is the encoded body."""
        self._client.store(self._kind, bytes(data or b""))
        response = requests.Response()
        response.status_code = 200
        response.headers["Content-Type"] = "application/x-protobuf"
        response._content = b""
        return response
