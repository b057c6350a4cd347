"""Ingest keys of an app: made, replaced while the old ones work on for a while, deleted."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from api.admin import examples
from api.admin.apps import create_secret, key_from, started
from api.admin.editing import Deleted, change_of, delete, edit
from api.admin.forms import (
    Key,
    KeyCreation,
    KeyPatch,
    Keys,
    NewKey,
    Replaced,
    RotatedKey,
    shown,
    with_settings,
)
from api.admin.idempotency import Attempt
from api.admin.orgs import delete_any
from api.admin.route import MATCH, ONCE, AdminRoute, Call, Made
from api.admin.scope import Deletion, InOrg, app_meant, key_meant, keys_of
from api.reasons import QuestionReason
from seamark.service.registry import AppRecord, KeyRecord
from seamark.service.registry.records import record_key
from seamark.service.registry.settings import KeySettings
from seamark.service.registry.store import Conflict, RecordStore
from seamark.wire.failures import Rejected

_GRACE_SECONDS = 86_400
_DATA = "What was sent with the key stays. Nothing more is taken with it."


class Rotation(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """`keyId`: the one key to be replaced; without it, all keys of the app that have no end."""

    grace_seconds: Annotated[
        int, Meta(ge=0, le=30 * 86_400, description="How long the replaced keys work on.")
    ] = _GRACE_SECONDS
    key_id: Annotated[str, Meta(max_length=64)] = ""


async def _list(call: Call) -> Made:
    return Made(Keys(keys=[shown(key) for key in keys_of(call, app_meant(call))]))


async def _create(call: Call) -> Made:
    app = app_meant(call)
    trial = await started(call)
    secret, key = key_from(trial, org=app.org, app=app.app)
    key = with_settings(key, KeySettings, call.given)
    change = change_of("key.create", key, before=None, after=shown(key))

    async def write(store: RecordStore) -> int:
        return await _add(store, app, key, trial)

    await call.admin.make(change, write, token=call.token, address=call.address)
    return Made(NewKey(key_id=key.key_id, key=secret, created_at=key.created_at_ms), status=201)


async def _rotate(call: Call) -> Made:
    """The new key is there before an old one gets its end, so one of them always works."""
    app = app_meant(call)
    grace = call.given.get("grace_seconds", _GRACE_SECONDS)
    trial = await started(call)
    secret, key = key_from(trial, org=app.org, app=app.app)
    ends_ms = trial.at_ms + grace * 1000
    replaced = _replaced(call, app, key, ends_ms=ends_ms)
    if replaced:  # what was set on the key holds on
        fields = {name: getattr(replaced[-1], name) for name in KeySettings.__struct_fields__}
        key = msgspec.structs.replace(key, **fields)
    ends = [Replaced(key_id=old.key_id, expires_at=ends_ms) for old in replaced]
    answer = RotatedKey(key_id=key.key_id, key=secret, created_at=key.created_at_ms, replaces=ends)
    change = change_of("key.rotate", key, before=None, after=answer)

    async def write(store: RecordStore) -> int:
        revision = await _add(store, app, key, trial)
        for old in replaced:
            revision = max(revision, await _end(store, old, at_ms=ends_ms))
        return revision

    await call.admin.make(change, write, token=call.token, address=call.address)
    return Made(answer, status=201)


def _replaced(call: Call, app: AppRecord, new: KeyRecord, *, ends_ms: int) -> list[KeyRecord]:
    """The keys to be ended; of a repeated request those, too, that the first one has ended."""
    if key_id := call.given.get("key_id", ""):
        chosen = [key_meant(call, app, key_id)]
        if chosen[0].expires_at_ms not in (0, ends_ms):
            raise Rejected(
                QuestionReason.CONFLICT, f"Key {key_id} was replaced already.", field="keyId"
            )
        return chosen
    return [
        key
        for key in keys_of(call, app)
        if key.digest != new.digest
        and key.created_at_ms <= new.created_at_ms
        and key.expires_at_ms in (0, ends_ms)
    ]


async def _add(store: RecordStore, app: AppRecord, key: KeyRecord, trial: Attempt) -> int:
    """Write a key of an app that is there before and after. Raises Rejected (NOT_FOUND)."""
    revision = await create_secret(store, key, trial)
    if (await store.read(record_key(app))).record is None:
        await delete_any(store, record_key(key))
        raise Rejected(
            QuestionReason.NOT_FOUND, f"App {app.app} was deleted meanwhile.", field="appId"
        )
    return revision


async def _end(store: RecordStore, key: KeyRecord, *, at_ms: int) -> int:
    while True:
        stored = await store.read(record_key(key))
        if not isinstance(stored.record, KeyRecord) or stored.record.expires_at_ms:
            return stored.revision
        ended = msgspec.structs.replace(stored.record, expires_at_ms=at_ms)
        try:
            return await store.update(ended, revision=stored.revision)
        except Conflict:
            continue


async def _change(call: Call) -> Made:
    key = key_meant(call, app_meant(call), call.path["keyId"])
    return await edit(
        call, key, lambda now: with_settings(now, KeySettings, call.given), action="key.update"
    )


async def _delete(call: Call) -> Made:
    key = key_meant(call, app_meant(call), call.path["keyId"])

    async def steps(store: RecordStore, revision: int) -> int:
        return await store.delete(record_key(key), revision=revision)

    return await delete(call, key, steps, action="key.delete", name=key.key_id, data=_DATA)


_OF_APP: Any = {"path_parameters": {"appId": "^[^/:]+$"}}
_ONE: Any = {"path_parameters": {"appId": "^[^/:]+$", "keyId": "^[^/]+$"}}
ROUTES = (
    AdminRoute(
        "GET", "/v1/admin/apps/{appId}/keys", "The keys of an app.", Keys, query=InOrg, **_OF_APP,
        handle=_list, answer_example={"keys": [examples.KEY]},
    ),
    AdminRoute(
        "POST", "/v1/admin/apps/{appId}/keys", "Make a further key of an app.", NewKey,
        body=KeyCreation, query=InOrg, **_OF_APP, status=201, handle=_create, headers=ONCE,
        body_example={"name": "checkout"}, answer_example=examples.NEW_KEY,
    ),
    AdminRoute(
        "POST", "/v1/admin/apps/{appId}/keys:rotate",
        "Make a key in place of others, which work on for a while.", RotatedKey,
        body=Rotation, query=InOrg, **_OF_APP, status=201, handle=_rotate, headers=ONCE,
        body_example={"graceSeconds": 3600},
        answer_example={
            **examples.NEW_KEY,
            "replaces": [{"keyId": "key_9f8e7d6c5b4a", "expiresAt": 1795320240000}],
        },
    ),
    AdminRoute(
        "PATCH", "/v1/admin/apps/{appId}/keys/{keyId}", "Change settings of a key.", Key,
        body=KeyPatch, query=InOrg, **_ONE, handle=_change, headers=MATCH,
        body_example={"name": "checkout"}, answer_example=examples.KEY,
    ),
    AdminRoute(
        "DELETE", "/v1/admin/apps/{appId}/keys/{keyId}", "Delete a key at once.", Deleted,
        query=Deletion, **_ONE, handle=_delete, headers=MATCH,
        answer_example={"deleted": "key_0a1b2c3d4e5f", "data": _DATA},
    ),
)  # fmt: skip
