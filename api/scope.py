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
_KINDS: Final[Mapping[str, tuple[str, str]]] = {
    "query": ("a query token", "smq_…"),
    "admin": ("an admin token", "sma_…"),
    "operator": ("an operator token", "smo_…"),
}
"""Kind of token -> its name in messages, and its form."""


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
        named = [_KINDS[kind] for kind in _KINDS if kind in kinds]
        raise Rejected(
            QuestionReason.NO_TOKEN,
            f"This needs {' or '.join(name for name, _ in named)}: send the header "
            f"Authorization: Bearer {named[0][1]}",
        )
    record = registry.token(secret)
    if record is None:
        if secret.startswith("smk_") or registry.key(secret) is not None:
            raise _wrong_kind("an ingest key", kinds)
        raise Rejected(
            QuestionReason.UNKNOWN_TOKEN,
            "This token is not known here; it may have been deleted or belong to another Seamark.",
        )
    if record.kind not in kinds:
        raise _wrong_kind(_KINDS[record.kind][0], kinds)
    if record.status != "active":
        raise Rejected(QuestionReason.DISABLED, f"Token {record.token_id} is disabled.")
    now_ms = time.time_ns() // 1_000_000
    if record.expired(now_ms):
        raise Rejected(
            QuestionReason.EXPIRED, f"Token {record.token_id} has expired; use a newer one."
        )
    registry.used[record.digest] = now_ms - now_ms % 60_000
    return record


def _wrong_kind(sent: str, kinds: Container[str]) -> Rejected[QuestionReason]:
    """`use` names fields of `credentials.json`."""
    use = " or ".join(f"the {kind}_token" for kind in _KINDS if kind in kinds)
    return Rejected(QuestionReason.WRONG_KIND, f"this is {sent}; use {use}")


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
