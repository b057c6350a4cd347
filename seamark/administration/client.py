"""The routes of administration, asked over HTTP. Blocks."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

from seamark.administration.access import AdminAccess
from seamark.service.tls import client_context

_SECONDS: Final = 30.0


class Refused(Exception):
    """The API did not do it. The text is for a person."""

    def __init__(self, status: int, reason: str, message: str, field: str = "") -> None:
        where = f" ({field})" if field else ""
        super().__init__(f"{message}{where} [{status} {reason}]")
        self.status = status
        self.reason = reason
        self.field = field


class Unreachable(Exception):
    """The API did not answer; whether it did it is not known."""


@dataclass(frozen=True, slots=True)
class AdminClient:
    """Asks with one token."""

    access: AdminAccess

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        idempotency_key: str = "",
    ) -> Any:
        """One request; its answer, decoded. `query` without what is empty.

        Raises Refused, Unreachable.
        """
        headers = {"Authorization": f"Bearer {self.access.token}"}
        if idempotency_key:
            headers["Idempotency-Key"] = idempotency_key
        sent = None if body is None else json.dumps(body).encode()
        parameters = urlencode({name: value for name, value in (query or {}).items() if value})
        try:
            status, answered = self._send(
                method, f"{path}?{parameters}" if parameters else path, sent, headers
            )
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"the API at {self.access.url} does not answer: {error}") from error
        try:
            decoded = json.loads(answered)
        except ValueError:
            decoded = None
        if status < 300 and decoded is not None:
            return decoded
        failed = decoded.get("error", {}) if isinstance(decoded, dict) else {}
        raise Refused(
            status,
            str(failed.get("reason", "")),
            str(failed.get("message", f"{self.access.url} is not Seamark's API")),
            str(failed.get("field", "")),
        )

    def _send(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        url = urlsplit(self.access.url)
        place = url.netloc
        connection: http.client.HTTPConnection
        if url.scheme == "https":
            context = client_context(self.access.tls_ca)
            connection = http.client.HTTPSConnection(place, timeout=_SECONDS, context=context)
        else:
            connection = http.client.HTTPConnection(place, timeout=_SECONDS)
        try:
            connection.request(method, url.path + target, body=body, headers=dict(headers))
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


def org_path(org: str = "") -> str:
    """`/v1/admin/orgs`, or one of them."""
    return f"/v1/admin/orgs/{quote(org, safe='')}" if org else "/v1/admin/orgs"


def app_path(app: str = "", more: str = "") -> str:
    """`/v1/admin/apps`, or one of them, and what follows its name."""
    return f"/v1/admin/apps/{quote(app, safe='')}{more}" if app else "/v1/admin/apps"
