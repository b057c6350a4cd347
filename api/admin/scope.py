"""Which org, app, key and token a call means, within what its token may administer.

An operator may administer every org, an admin its org or its one app. What lies beyond is answered
in the same way whether it is there or not.
"""

import msgspec

from api.admin.route import Call
from api.reasons import QuestionReason
from seamark.service.registry import AppRecord, KeyRecord, TokenRecord
from seamark.wire.failures import Rejected


class InOrg(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Where an operator says which org is meant; others may leave it out."""

    org_id: str = ""


class Deletion(InOrg, frozen=True, kw_only=True, rename="camel"):
    """`confirm`: the name of what is to be deleted, again."""

    confirm: str = ""


class Nothing(msgspec.Struct, frozen=True):
    """A route without parameters."""


def org_meant(call: Call, org_id: str) -> str:
    """The org: the one named, or the token's. Raises Rejected (OUT_OF_SCOPE, INVALID_FIELD)."""
    own = call.token.org
    if call.token.kind == "operator":
        if not org_id:
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                "orgId is missing; an operator says which org is meant.",
                field="orgId",
            )
        return org_id
    if org_id and org_id != own:
        raise Rejected(
            QuestionReason.OUT_OF_SCOPE,
            f"This token is for org {own}; leave orgId out, or use an operator token.",
            field="orgId",
        )
    return own


def org_filter(call: Call, org_id: str) -> str:
    """As `org_meant`; "" for all orgs, where an operator names none."""
    return "" if call.token.kind == "operator" and not org_id else org_meant(call, org_id)


def whole_org(call: Call) -> None:
    """Refuse a token of one app. Raises Rejected (OUT_OF_SCOPE)."""
    if call.token.app:
        raise Rejected(
            QuestionReason.OUT_OF_SCOPE,
            f"This token is for app {call.token.app} only; use an admin token of the org.",
        )


def app_meant(call: Call) -> AppRecord:
    """The app of the path. Raises Rejected (OUT_OF_SCOPE, NOT_FOUND, INVALID_FIELD)."""
    name, apps = call.path["appId"], call.admin.registry.apps
    if call.token.app and name != call.token.app:
        raise Rejected(
            QuestionReason.OUT_OF_SCOPE,
            f"This token is for app {call.token.app} only; use an admin token of the org.",
            field="appId",
        )
    org = org_filter(call, call.query.org_id)
    if org:
        record = apps.get((org, name))
    else:
        found = [app for app in apps.values() if app.app == name]
        if len(found) > 1:
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                f"{len(found)} orgs have an app of that name; add ?orgId=… to say which.",
                field="orgId",
            )
        record = found[0] if found else None
    if record is None:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            f"There is no app {name[:80]!r} here; GET /v1/admin/apps lists those there are.",
            field="appId",
        )
    return record


def key_meant(call: Call, app: AppRecord, key_id: str, *, field: str = "keyId") -> KeyRecord:
    """A key of the app. Raises Rejected (NOT_FOUND)."""
    for record in keys_of(call, app):
        if record.key_id == key_id:
            return record
    raise Rejected(
        QuestionReason.NOT_FOUND,
        f"App {app.app} has no key {key_id[:80]!r}; GET /v1/admin/apps/{app.app}/keys lists them.",
        field=field,
    )


def keys_of(call: Call, app: AppRecord) -> list[KeyRecord]:
    """The keys of an app, the oldest first."""
    keys = call.admin.registry.keys.values()
    return sorted(
        (key for key in keys if (key.org, key.app) == (app.org, app.app)),
        key=lambda key: (key.created_at_ms, key.key_id),
    )


def tokens_seen(call: Call, org: str) -> list[TokenRecord]:
    """The tokens of a scope, the oldest first; `org` "": of all orgs, and those of operators."""
    found = [
        token
        for token in call.admin.registry.tokens.values()
        if org in ("", token.org) and (not call.token.app or token.app == call.token.app)
    ]
    return sorted(found, key=lambda token: (token.created_at_ms, token.token_id))
