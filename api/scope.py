"""Who is asking and what they may see. The scope comes from the token alone."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.reasons import QuestionReason, Refused
from seamark.service.registry import Registry


@dataclass(frozen=True, slots=True)
class Scope:
    """An org, or one app of it (`app` not empty)."""

    org: str
    app: str = ""


def scope_of(headers: Mapping[str, str], registry: Registry) -> Scope:
    """The scope of the query token in `Authorization: Bearer smq_…`.

    Raises Refused: no token, unknown, disabled, or a key or token of another kind.
    """
    scheme, _, secret = headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Refused(
            QuestionReason.NO_TOKEN,
            "Questions need a query token: send the header Authorization: Bearer smq_….",
        )
    record = registry.token(secret)
    if record is None:
        if secret.startswith("smk_") or registry.key(secret) is not None:
            raise Refused(QuestionReason.WRONG_KIND, "this is an ingest key; use the query_token")
        raise Refused(
            QuestionReason.UNKNOWN_TOKEN,
            "This query token is not known here; it may have been deleted or belong to another "
            "Seamark.",
        )
    if record.kind != "query":
        raise Refused(
            QuestionReason.WRONG_KIND,
            "this is an admin token, which cannot ask; use the query_token",
        )
    if record.status != "active":
        raise Refused(QuestionReason.DISABLED, f"Query token {record.token_id} is disabled.")
    return Scope(record.org, record.app)


def narrow(scope: Scope, registry: Registry, *, org_id: str, app_id: str) -> Scope:
    """The scope, narrowed to an app if the question names one.

    Raises Refused (OUT_OF_SCOPE) when the question names an org or app beyond the token's scope.
    """
    if org_id and org_id != scope.org:
        raise Refused(
            QuestionReason.OUT_OF_SCOPE,
            f"This token is for org {scope.org}; leave orgId out, or use a token of the other org.",
            field="orgId",
        )
    if not app_id or app_id == scope.app:
        return scope
    if scope.app:
        raise Refused(
            QuestionReason.OUT_OF_SCOPE,
            f"This token is for app {scope.app} only; leave appId out, or use a token of the org.",
            field="appId",
        )
    if registry.app(scope.org, app_id) is None:
        raise Refused(
            QuestionReason.OUT_OF_SCOPE, f"Org {scope.org} has no app of that name.", field="appId"
        )
    return Scope(scope.org, app_id)
