"""Tokens of people and programs: query, admin and operator tokens."""

from typing import Annotated, Any

import msgspec
import nats.errors
from msgspec import UNSET, Meta, UnsetType

from api.admin import examples
from api.admin.apps import create_secret, started
from api.admin.editing import Deleted, change_of, delete
from api.admin.forms import Name, NewToken, Tokens, shown
from api.admin.route import ONCE, AdminRoute, Call, Made
from api.admin.scope import Deletion, InOrg, Nothing, org_filter, org_meant, tokens_seen
from api.admin.uses import last_uses
from api.reasons import QuestionReason
from seamark.service.registry import TokenKind, TokenRecord, digest
from seamark.service.registry.names import app_key, org_key
from seamark.service.registry.records import record_key
from seamark.service.registry.secrets import derived_secret, public_id
from seamark.service.registry.settings import Text
from seamark.service.registry.store import RecordStore
from seamark.wire.failures import Rejected, Unavailable

_DATA = "Who holds it can neither ask nor administer any more; what was done with it stays."


class TokenCreation(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A token to be made: for an org, for one app of it (`appId`), or for an operator."""

    kind: TokenKind
    name: Text = ""
    org_id: Name | UnsetType = UNSET
    app_id: Name | UnsetType = UNSET
    expires_at: (
        Annotated[int, Meta(ge=0, le=1 << 52, description="Epoch milliseconds; 0: never.")]
        | UnsetType
    ) = UNSET


async def _create(call: Call) -> Made:
    kind = call.given["kind"]
    org, app = _scope(call, kind)
    expires = call.given.get("expires_at", 0)
    if expires and expires <= call.admin.clock_ms():
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"expiresAt {expires} is in the past; it is in epoch milliseconds.",
            field="expiresAt",
        )
    trial = await started(call)
    secret = derived_secret(kind, trial.seed)
    hashed = digest(secret)
    record = TokenRecord(
        token_id=public_id("tok", hashed),
        kind=kind,
        org=org,
        app=app,
        digest=hashed,
        name=call.given.get("name", ""),
        created_at_ms=trial.at_ms,
        expires_at_ms=expires,
    )
    answer = shown(record, token=secret)
    change = change_of("token.create", record, before=None, after=answer)

    async def write(store: RecordStore) -> int:
        revision = await create_secret(store, record, trial)
        owner = app_key(org, app) if app else org_key(org) if org else ""
        if owner and (await store.read(owner)).record is None:
            await store.delete(record_key(record), revision=revision)
            raise Rejected(
                QuestionReason.NOT_FOUND,
                "What the token is for was deleted meanwhile.",
                field="appId" if app else "orgId",
            )
        return revision

    await call.admin.make(change, write, token=call.token, address=call.address)
    return Made(answer, status=201)


def _scope(call: Call, kind: TokenKind) -> tuple[str, str]:
    """Org and app of a token to be made, which is never for more than the caller's own."""
    registry = call.admin.registry
    org_id, app = call.given.get("org_id", ""), call.given.get("app_id", "")
    if kind == "operator":
        if call.token.kind != "operator":
            raise Rejected(
                QuestionReason.OUT_OF_SCOPE, "Only an operator makes operators.", field="kind"
            )
        if org_id or app:
            raise Rejected(
                QuestionReason.INVALID_FIELD,
                "An operator token is for all orgs; leave orgId and appId out.",
                field="orgId" if org_id else "appId",
            )
        return "", ""
    org = org_meant(call, org_id)
    if call.token.app:
        if app not in ("", call.token.app):
            raise Rejected(
                QuestionReason.OUT_OF_SCOPE,
                f"This token is for app {call.token.app} only.",
                field="appId",
            )
        app = call.token.app
    if org not in registry.orgs:
        raise Rejected(QuestionReason.NOT_FOUND, f"There is no org {org!r}.", field="orgId")
    if app and registry.app(org, app) is None:
        raise Rejected(QuestionReason.NOT_FOUND, f"Org {org} has no app {app!r}.", field="appId")
    return org, app


async def _list(call: Call) -> Made:
    seen = tokens_seen(call, org_filter(call, call.query.org_id))
    try:
        used = await last_uses(await call.admin.memory(), call.admin.registry, seen)
    except (nats.errors.Error, OSError, TimeoutError) as error:
        raise Unavailable(
            f"The log cannot be read now: {error!r}"[:200], reason=QuestionReason.UNAVAILABLE
        ) from error
    return Made(
        Tokens(tokens=[shown(token, last_used_at=used[token.digest] or None) for token in seen])
    )


async def _delete(call: Call) -> Made:
    wanted = call.path["tokenId"]
    found = [token for token in tokens_seen(call, org_filter(call, call.query.org_id))
             if token.token_id == wanted]  # fmt: skip
    if not found:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            f"There is no token {wanted[:80]!r} here; GET /v1/admin/tokens lists them.",
            field="tokenId",
        )
    [record] = found
    if record.digest == call.token.digest:
        raise Rejected(
            QuestionReason.CONFLICT,
            "This is the token that the request was sent with; delete it with another.",
            field="tokenId",
        )

    async def steps(store: RecordStore, revision: int) -> int:
        return await store.delete(record_key(record), revision=revision)

    return await delete(
        call, record, steps, action="token.delete", name=record.token_id, data=_DATA
    )


_SHOWN: dict[str, Any] = {**examples.TOKEN, "lastUsedAt": 1795316640000}
ROUTES = (
    AdminRoute(
        "POST", "/v1/admin/tokens", "Make a token.", NewToken, body=TokenCreation, query=Nothing,
        status=201, handle=_create, headers=ONCE,
        body_example={"kind": "query", "name": "grafana"},
        answer_example={**examples.TOKEN, "token": "smq_" + "0" * 27},
    ),
    AdminRoute(
        "GET", "/v1/admin/tokens", "The tokens there are, without their secrets.", Tokens,
        query=InOrg, handle=_list, answer_example={"tokens": [_SHOWN]},
    ),
    AdminRoute(
        "DELETE", "/v1/admin/tokens/{tokenId}", "Delete a token at once.", Deleted,
        query=Deletion, path_parameters={"tokenId": "^[^/]+$"}, handle=_delete,
        answer_example={"deleted": "tok_0a1b2c3d4e5f", "data": _DATA},
    ),
)  # fmt: skip
