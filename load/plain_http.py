"""One plain HTTP request and its answer, blocking; for what is not measured itself."""

import http.client
from collections.abc import Mapping
from urllib.parse import urlsplit


class BadAnswer(Exception):
    """An answer other than 200, or none at all; the message says which."""


def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_seconds: float = 60.0,
) -> bytes:
    """The body of a 200. Raises BadAnswer."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=timeout_seconds
    )
    try:
        connection.request(method, target, body, dict(headers or {}))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            text = content[:500].decode(errors="replace")
            raise BadAnswer(f"{method} {parts.path}: {answer.status} {text}")
    except (OSError, http.client.HTTPException) as error:
        raise BadAnswer(f"{method} {parts.path}: {error}") from error
    finally:
        connection.close()
    return content
