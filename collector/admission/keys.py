"""Who is asking: the key of a request, and whether it may be used, by whom and from where."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from seamark.service.registry import AppRecord, KeyRecord
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

_LONGEST_KEY: Final = 128
_BEARER: Final = "bearer "


class Directory(Protocol):
    """Where keys and apps are looked up (`seamark.service.registry.Registry`)."""

    def key(self, secret: str) -> KeyRecord | None:
        """The record of an ingest key."""

    def app(self, org: str, app: str) -> AppRecord | None:
        """The record of an app."""


def secret_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key of a request: `X-API-Key`, else `Authorization: Bearer`, else `k`; "" for none."""
    if secret := headers.get("x-api-key"):
        return secret.strip()
    authorization = headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip()
    return query.get("k", "")


def authenticate(
    directory: Directory, *, secret: str, origin: str, now_ms: int
) -> tuple[KeyRecord, AppRecord]:
    """The records behind a key that may be used now from this origin ("" = no browser).

    Raises Rejected (NO_KEY, UNKNOWN_KEY, DISABLED, ORIGIN).
    """
    if not secret:
        raise Rejected(
            Reason.NO_KEY,
            "no API key; send it as X-API-Key, as Authorization: Bearer, or as the query "
            "parameter k",
        )
    key = None
    if len(secret) <= _LONGEST_KEY and secret.isascii():
        key = directory.key(secret)
    if key is None:
        raise Rejected(Reason.UNKNOWN_KEY, "this API key is not known; check it for typing errors")
    if key.status != "active":
        raise Rejected(Reason.DISABLED, "this API key is disabled; use another, or enable it")
    if key.expires_at_ms and now_ms >= key.expires_at_ms:
        raise Rejected(
            Reason.UNKNOWN_KEY, "this API key was rotated and its grace window is over; use the new"
        )
    app = directory.app(key.org, key.app)
    if app is None or app.status != "active":
        raise Rejected(Reason.DISABLED, "the app of this API key is disabled or deleted")
    if origin and not origin_allowed(origin, app.origins):
        raise Rejected(
            Reason.ORIGIN,
            f"{origin[:100]} is not among the origins of this app; add it to the app's settings",
        )
    return key, app


def origin_allowed(origin: str, allowed: Sequence[str]) -> bool:
    """Whether a browser's origin is on the list: exactly, by `https://*.example.com`, or by `*`."""
    if "*" in allowed or origin in allowed:
        return True
    lowered = origin.lower()
    for pattern in allowed:
        scheme, star, suffix = pattern.lower().partition("://*.")
        if (
            star
            and lowered.startswith(f"{scheme}://")
            and lowered.endswith(f".{suffix}")
            and len(lowered) > len(scheme) + len(suffix) + len("://.")
        ):
            return True
        if lowered == pattern.lower():
            return True
    return False
