"""Apps: made with their first key, changed, disabled, deleted with all their keys and tokens."""

from typing import Any, Literal

import msgspec

from api.admin import examples
from api.admin.editing import Deleted, change_of, delete, edit
from api.admin.forms import App, AppCreation, AppPatch, Apps, NewApp, NewKey, shown, with_settings
from api.admin.idempotency import Attempt, attempt
from api.admin.orgs import delete_any, delete_tokens
from api.admin.route import MATCH, ONCE, AdminRoute, Call, Handle, Made
from api.admin.scope import (
    Deletion,
    InOrg,
    Nothing,
    app_meant,
    keys_of,
    org_filter,
    org_meant,
    whole_org,
)
from api.reasons import QuestionReason
from seamark.service.registry import AppRecord, KeyRecord, TokenRecord, digest
from seamark.service.registry.names import org_key
from seamark.service.registry.records import record_key
from seamark.service.registry.secrets import derived_secret, public_id
from seamark.service.registry.settings import AppSettings
from seamark.service.registry.store import Conflict, RecordStore
from seamark.wire.failures import Rejected

_DATA = (
    "What the app has stored stays until its retention ends, and tokens of the org can ask for it. "
    "Nothing more is taken with its keys."
)


async def started(call: Call) -> Attempt:
    """This request, or the first one of those with its Idempotency-Key."""
    return await attempt(
        await call.admin.memory(),
        key=call.idempotency_key,
        secret=call.secret,
        request=call.text,
        now_ms=call.admin.clock_ms(),
    )


def key_from(trial: Attempt, *, org: str, app: str) -> tuple[str, KeyRecord]:
    """The key that an attempt makes, and its record."""
    secret = derived_secret("ingest", trial.seed)
    hashed = digest(secret)
    return secret, KeyRecord(
        key_id=public_id("key", hashed),
        org=org,
        app=app,
        digest=hashed,
        created_at_ms=trial.at_ms,
    )


async def create_secret(store: RecordStore, record: KeyRecord | TokenRecord, trial: Attempt) -> int:
    """Write a key or token. One that a repeated request made before stays as it is now.

    Raises Conflict where the request is not a repeated one, and what the store raises.
    """
    try:
        return await store.create(record)
    except Conflict as there:
        if not trial.repeated:
            raise
        return there.current.revision


async def _create(call: Call) -> Made:
    whole_org(call)
    fields = dict(call.given)
    org, app = org_meant(call, fields.pop("org_id", "")), fields.pop("app_id")
    if org not in call.admin.registry.orgs:
        raise Rejected(
            QuestionReason.NOT_FOUND, f"There is no org {org[:80]!r}; make it first.", field="orgId"
        )
    trial = await started(call)
    record = AppRecord(org=org, app=app, created_at_ms=trial.at_ms)
    record = with_settings(record, AppSettings, fields)
    secret, key = key_from(trial, org=org, app=app)
    api_key = NewKey(key_id=key.key_id, key=secret, created_at=key.created_at_ms)
    answer = shown(record, api_key=api_key)
    change = change_of("app.create", record, before=None, after=answer)

    async def write(store: RecordStore) -> int:
        """The key is written last: a crash before that leaves an app without a key."""
        if (org, app) not in call.admin.registry.apps:
            await _delete_secrets(store, call, record)  # of an app whose deletion was cut off
        try:
            await store.create(record)
        except Conflict as lost:
            there = lost.current.record
            if not trial.repeated or getattr(there, "created_at_ms", 0) != trial.at_ms:
                raise Rejected(
                    QuestionReason.EXISTS, f"Org {org} has an app {app} already.", field="appId"
                ) from lost
        revision = await create_secret(store, key, trial)
        if (await store.read(org_key(org))).record is None:
            await _delete_secrets(store, call, record, also=key)
            await delete_any(store, record_key(record))
            raise Rejected(
                QuestionReason.NOT_FOUND, f"Org {org} was deleted meanwhile.", field="orgId"
            )
        return revision

    await call.admin.make(change, write, token=call.token, address=call.address)
    revision = call.admin.registry.revision_of(record_key(record))
    return Made(answer, status=201, revision=revision, location=f"/v1/admin/apps/{app}")


async def _list(call: Call) -> Made:
    org = org_filter(call, call.query.org_id)
    found = [
        record
        for _, record in sorted(call.admin.registry.apps.items())
        if org in ("", record.org) and call.token.app in ("", record.app)
    ]
    return Made(Apps(apps=[shown(record) for record in found]))


async def _show(call: Call) -> Made:
    record = app_meant(call)
    return Made(shown(record), revision=call.admin.registry.revision_of(record_key(record)))


async def _change(call: Call) -> Made:
    return await edit(
        call,
        app_meant(call),
        lambda now: with_settings(now, AppSettings, call.given),
        action="app.update",
    )


def _switch(status: Literal["active", "disabled"], action: str) -> Handle:
    async def handle(call: Call) -> Made:
        return await edit(
            call,
            app_meant(call),
            lambda now: msgspec.structs.replace(now, status=status),
            action=action,
        )

    return handle


async def _delete(call: Call) -> Made:
    whole_org(call)
    record = app_meant(call)

    async def steps(store: RecordStore, revision: int) -> int:
        """The app goes last: until then it is disabled, and can be deleted again."""
        stored = (await store.read(record_key(record))).record
        if isinstance(stored, AppRecord) and stored.status != "disabled":
            disabled = msgspec.structs.replace(stored, status="disabled")
            revision = await store.update(disabled, revision=revision)
            await call.admin.registry.reached(revision, seconds=1.0)
        await _delete_secrets(store, call, record)
        for schema in call.admin.registry.schemas.get((record.org, record.app), {}).values():
            await delete_any(store, record_key(schema))
        return await store.delete(record_key(record), revision=revision)

    return await delete(call, record, steps, action="app.delete", name=record.app, data=_DATA)


async def _delete_secrets(
    store: RecordStore, call: Call, app: AppRecord, *, also: KeyRecord | None = None
) -> None:
    for key in (*keys_of(call, app), *([also] if also else [])):
        await delete_any(store, record_key(key))
    await delete_tokens(store, call.admin, org=app.org, app=app.app)


_ONE: Any = {"path_parameters": {"appId": "^[^/:]+$"}}
ROUTES = (
    AdminRoute(
        "POST", "/v1/admin/apps", "Make an app and its first key.", NewApp, body=AppCreation,
        query=Nothing, status=201, handle=_create, headers=ONCE,
        body_example={"appId": "shop", "platform": "web", "origins": ["https://shop.example"]},
        answer_example={**examples.APP, "apiKey": examples.NEW_KEY},
    ),
    AdminRoute(
        "GET", "/v1/admin/apps", "The apps there are.", Apps, query=InOrg,
        handle=_list, answer_example={"apps": [examples.APP]},
    ),
    AdminRoute(
        "GET", "/v1/admin/apps/{appId}", "One app.", App, query=InOrg, **_ONE,
        handle=_show, answer_example=examples.APP,
    ),
    AdminRoute(
        "PATCH", "/v1/admin/apps/{appId}", "Change settings of an app.", App, body=AppPatch,
        query=InOrg, **_ONE, handle=_change, headers=MATCH,
        body_example={"platform": "ios"}, answer_example={**examples.APP, "platform": "ios"},
    ),
    AdminRoute(
        "DELETE", "/v1/admin/apps/{appId}", "Delete an app, its keys and its tokens.", Deleted,
        query=Deletion, **_ONE, handle=_delete, headers=MATCH,
        answer_example={"deleted": "shop", "data": _DATA},
    ),
    AdminRoute(
        "POST", "/v1/admin/apps/{appId}:disable", "Take nothing more from an app.", App,
        query=InOrg, **_ONE, handle=_switch("disabled", "app.disable"), headers=MATCH,
        answer_example={**examples.APP, "status": "disabled"},
    ),
    AdminRoute(
        "POST", "/v1/admin/apps/{appId}:enable", "Take from an app again.", App,
        query=InOrg, **_ONE, handle=_switch("active", "app.enable"), headers=MATCH,
        answer_example=examples.APP,
    ),
)  # fmt: skip
