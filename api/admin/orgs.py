"""Orgs: made and changed by operators, shown to their admins as well."""

import secrets
from typing import Any

from api.admin import examples
from api.admin.administration import Administration
from api.admin.editing import Deleted, change_of, delete, edit
from api.admin.forms import Org, OrgCreation, OrgPatch, Orgs, shown, with_settings
from api.admin.route import ADMINS, MATCH, OPERATORS, AdminRoute, Call, Made
from api.admin.scope import Deletion, Nothing, whole_org
from api.reasons import QuestionReason
from seamark.service.registry import OrgRecord
from seamark.service.registry.names import org_key
from seamark.service.registry.records import record_key
from seamark.service.registry.settings import OrgSettings
from seamark.service.registry.store import Conflict, RecordStore
from seamark.wire.failures import Rejected

_DATA = (
    "What the org has stored stays in store and archive until its retention ends, and no "
    "token can ask for it any more. Its name cannot be used again."
)


async def _create(call: Call) -> Made:
    fields = dict(call.given)
    org = fields.pop("org_id")
    record = OrgRecord(org=org, created_at_ms=call.admin.clock_ms(), salt=secrets.token_hex(16))
    record = with_settings(record, OrgSettings, {"name": org, **fields})
    change = change_of("org.create", record, before=None, after=shown(record))

    async def write(store: RecordStore) -> int:
        if not await store.create_first(record):
            stored = await store.read(org_key(org))
            gone = "was deleted, and its data may still be stored" if not stored.record else ""
            raise Rejected(
                QuestionReason.EXISTS,
                f"An org {org} {gone or 'exists already'}; take another orgId.",
                field="orgId",
            )
        return (await store.read(org_key(org))).revision

    revision = await call.admin.make(change, write, token=call.token, address=call.address)
    return Made(shown(record), status=201, revision=revision, location=f"/v1/admin/orgs/{org}")


async def _list(call: Call) -> Made:
    whole_org(call)
    own = call.token.org
    found = [o for name, o in sorted(call.admin.registry.orgs.items()) if own in ("", name)]
    return Made(Orgs(orgs=[shown(record) for record in found]))


async def _show(call: Call) -> Made:
    record = _meant(call)
    return Made(shown(record), revision=call.admin.registry.revision_of(record_key(record)))


async def _change(call: Call) -> Made:
    record = _meant(call)
    return await edit(
        call,
        record,
        lambda now: with_settings(now, OrgSettings, call.given),
        action="org.update",
    )


async def _delete(call: Call) -> Made:
    record = _meant(call)
    registry = call.admin.registry
    if apps := sorted(app for org, app in registry.apps if org == record.org):
        more = ", …" if len(apps) > 5 else ""
        raise Rejected(
            QuestionReason.CONFLICT,
            f"Org {record.org} has {len(apps)} apps ({', '.join(apps[:5])}{more}); delete them "
            "first.",
            field="orgId",
        )

    async def steps(store: RecordStore, revision: int) -> int:
        await delete_tokens(store, call.admin, org=record.org)
        return await store.delete(org_key(record.org), revision=revision)

    return await delete(call, record, steps, action="org.delete", name=record.org, data=_DATA)


async def delete_tokens(
    store: RecordStore, admin: Administration, *, org: str, app: str = ""
) -> None:
    """Delete the tokens of an org, or of one app of it."""
    for token in list(admin.registry.tokens.values()):
        if token.org == org and token.kind != "operator" and app in ("", token.app):
            await delete_any(store, record_key(token))


async def delete_any(store: RecordStore, key: str) -> None:
    """Delete what lies under a key, whatever its revision."""
    while (stored := await store.read(key)).record is not None:
        try:
            await store.delete(key, revision=stored.revision)
        except Conflict:
            continue


def _meant(call: Call) -> OrgRecord:
    whole_org(call)
    name = call.path["orgId"]
    record = call.admin.registry.orgs.get(name)
    if call.token.kind != "operator" and name != call.token.org:
        raise Rejected(
            QuestionReason.OUT_OF_SCOPE, f"This token is for org {call.token.org}.", field="orgId"
        )
    if record is None:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            f"There is no org {name[:80]!r}; GET /v1/admin/orgs lists those there are.",
            field="orgId",
        )
    return record


_PATH: dict[str, str] = {"orgId": "^[^/]+$"}
_ONE: Any = {"path_parameters": _PATH, "query": Nothing}
ROUTES = (
    AdminRoute(
        "POST", "/v1/admin/orgs", "Make an org.", Org, body=OrgCreation, query=Nothing, status=201,
        handle=_create, kinds=OPERATORS,
        body_example={"orgId": "acme", "name": "Acme"}, answer_example=examples.ORG,
    ),
    AdminRoute(
        "GET", "/v1/admin/orgs", "The orgs there are.", Orgs, query=Nothing,
        handle=_list, kinds=ADMINS, answer_example={"orgs": [examples.ORG]},
    ),
    AdminRoute(
        "GET", "/v1/admin/orgs/{orgId}", "One org.", Org, **_ONE,
        handle=_show, kinds=ADMINS, answer_example=examples.ORG,
    ),
    AdminRoute(
        "PATCH", "/v1/admin/orgs/{orgId}", "Change settings of an org.", Org, body=OrgPatch, **_ONE,
        handle=_change, kinds=OPERATORS, headers=MATCH,
        body_example={"plan": "team"}, answer_example={**examples.ORG, "plan": "team"},
    ),
    AdminRoute(
        "DELETE", "/v1/admin/orgs/{orgId}", "Delete an org that has no apps, with its tokens.",
        Deleted, path_parameters=_PATH, query=Deletion,
        handle=_delete, kinds=OPERATORS, headers=MATCH,
        answer_example={"deleted": "acme", "data": _DATA},
    ),
)  # fmt: skip
