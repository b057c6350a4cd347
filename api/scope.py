"""Who is asking and what they may see. The scope comes from the token alone."""

import time
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Final

from api.reasons import QuestionReason
from seamark.service.registry import Registry, TokenRecord
from seamark.wire.failures import Rejected


@dataclass(frozen=True, slots=True)
class Scope:
    """An org, or one app of it (`app` not empty)."""

    org: str
    app: str = ""


QUERY: Final = frozenset({"query"})
_WRONG_KIND: Final[Mapping[str, str]] = {
    "query": "this is a query token, which can only ask; use the admin_token",
    "admin": "this is an admin token, which cannot ask; use the query_token",
    "operator": "this is an operator token, which administers and cannot ask; use the query_token",
}


def secret_in(headers: Mapping[str, str]) -> str:
    """What `Authorization: Bearer …` holds, or ""."""
    scheme, _, secret = headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def scope_of(
    headers: Mapping[str, str], registry: Registry, *, kinds: Container[str] = QUERY
) -> Scope:
    """The scope of the token in `Authorization: Bearer smq_…`, which is of one of `kinds`.

    Raises Rejected: no token, unknown, disabled, expired, or a key or token of another kind.
    """
    record = token_of(headers, registry, kinds=kinds)
    return Scope(record.org, record.app)


def token_of(
    headers: Mapping[str, str], registry: Registry, *, kinds: Container[str]
) -> TokenRecord:
    """The record of that token. Raises what `scope_of` raises."""
    secret = secret_in(headers)
    if not secret:
        wanted = "a query token" if "query" in kinds else "an admin token"
        example = "smq_…" if "query" in kinds else "sma_…"
        raise Rejected(
            QuestionReason.NO_TOKEN,
            f"This needs {wanted}: send the header Authorization: Bearer {example}",
        )
    record = registry.token(secret)
    if record is None:
        if secret.startswith("smk_") or registry.key(secret) is not None:
            use = "the query_token" if "query" in kinds else "the admin_token"
            raise Rejected(QuestionReason.WRONG_KIND, f"this is an ingest key; use {use}")
        raise Rejected(
            QuestionReason.UNKNOWN_TOKEN,
            "This token is not known here; it may have been deleted or belong to another Seamark.",
        )
    if record.kind not in kinds:
        raise Rejected(QuestionReason.WRONG_KIND, _WRONG_KIND[record.kind])
    if record.status != "active":
        raise Rejected(QuestionReason.DISABLED, f"Token {record.token_id} is disabled.")
    now_ms = time.time_ns() // 1_000_000
    if record.expired(now_ms):
        raise Rejected(
            QuestionReason.EXPIRED, f"Token {record.token_id} has expired; use a newer one."
        )
    registry.used[record.digest] = now_ms - now_ms % 60_000
    return record


def narrow(
    scope: Scope, registry: Registry, *, org_id: str, app_id: str, app_field: str = "appId"
) -> Scope:
    """The scope, narrowed to an app if the question names one, in its field `app_field`.

    Raises Rejected (OUT_OF_SCOPE) when the question names an org or app beyond the token's scope.
    """
    if org_id and org_id != scope.org:
        raise Rejected(
            QuestionReason.OUT_OF_SCOPE,
            f"This token is for org {scope.org}; leave orgId out, or use a token of the other org.",
            field="orgId",
        )
    if not app_id or app_id == scope.app:
        return scope
    if scope.app:
        raise Rejected(
            QuestionReason.OUT_OF_SCOPE,
            f"This token is for app {scope.app} only; leave {app_field} out, or use a token of "
            "the org.",
            field=app_field,
        )
    if registry.app(scope.org, app_id) is None:
        raise Rejected(
            QuestionReason.OUT_OF_SCOPE,
            f"Org {scope.org} has no app of that name.",
            field=app_field,
        )
    return Scope(scope.org, app_id)
