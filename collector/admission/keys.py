"""Who is asking: the key or token of a request, and whether it may be used, and from where."""

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from seamark.service.registry import AppRecord, KeyRecord, TokenRecord
from seamark.wire.failures import Rejected
from seamark.wire.reasons import Reason

_LONGEST_KEY: Final = 128
_BEARER: Final = "bearer "


class Directory(Protocol):
    """Where keys, tokens and apps are looked up (`seamark.service.registry.Registry`)."""

    def key(self, secret: str) -> KeyRecord | None:
        """The record of an ingest key."""

    def token(self, secret: str) -> TokenRecord | None:
        """The record of a token."""

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
    key = directory.key(secret) if can_be_secret(secret) else None
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


def authenticate_admin(directory: Directory, *, secret: str, now_ms: int) -> TokenRecord:
    """The record of an admin token that may be used now.

    Raises Rejected (NO_KEY, UNKNOWN_KEY, WRONG_KIND, DISABLED).
    """
    if not secret:
        raise Rejected(
            Reason.NO_KEY,
            "no admin token; send it as Authorization: Bearer, or as X-API-Key",
        )
    token = directory.token(secret) if can_be_secret(secret) else None
    if token is None:
        if can_be_secret(secret) and directory.key(secret) is not None:
            raise Rejected(
                Reason.WRONG_KIND, "this is an ingest key; an admin token is needed here"
            )
        raise Rejected(
            Reason.UNKNOWN_KEY, "this admin token is not known; check it for typing errors"
        )
    if token.kind != "admin":
        raise Rejected(
            Reason.WRONG_KIND, f"this is a {token.kind} token; an admin token is needed here"
        )
    if token.status != "active":
        raise Rejected(Reason.DISABLED, "this admin token is disabled; use another, or enable it")
    if token.expired(now_ms):
        raise Rejected(Reason.UNKNOWN_KEY, "this admin token has expired; make a new one")
    return token


def app_for(directory: Directory, token: TokenRecord, *, app: str) -> AppRecord:
    """The app a token speaks for: the one named, or, with "", the only one it is for.

    Raises Rejected (WRONG_APP, DISABLED).
    """
    if not app and not token.app:
        raise Rejected(
            Reason.WRONG_APP,
            "appId is missing, and this token is for all apps of its org; name the app",
            field="appId",
        )
    if app and token.app and app != token.app:
        raise Rejected(
            Reason.WRONG_APP,
            f"this token is for the app {token.app} only; use a token of the other app or of the "
            "org",
            field="appId",
        )
    name = app or token.app
    record = directory.app(token.org, name)
    if record is None:
        raise Rejected(
            Reason.WRONG_APP, f"the org of this token has no app {name[:100]!r}", field="appId"
        )
    if record.status != "active":
        raise Rejected(Reason.DISABLED, f"the app {name} is disabled; enable it", field="appId")
    return record


def owner(directory: Directory, secret: str) -> tuple[str, str, str]:
    """Org, app and id of a key or token, whether or not it may be used; empty when unknown."""
    if secret and can_be_secret(secret):
        if (key := directory.key(secret)) is not None:
            return key.org, key.app, key.key_id
        if (token := directory.token(secret)) is not None:
            return token.org, token.app, token.token_id
    return "", "", ""


def can_be_secret(secret: str) -> bool:
    """Whether it can be a key or token at all: the length is what a look-up would cost."""
    return len(secret) <= _LONGEST_KEY and secret.isascii()


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
