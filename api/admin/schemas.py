"""Schemas of events: registered in versions, each checked against the one before it."""

import json
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from api.admin import examples
from api.admin.editing import put
from api.admin.forms import EventSchema, EventSchemas, ProposedSchema, shown
from api.admin.route import IF_MATCH, AdminRoute, Call, Made
from api.admin.schema_inference import infer
from api.admin.scope import InOrg, app_meant
from api.reasons import QuestionReason
from seamark.service.registry import AppRecord, SchemaRecord
from seamark.service.registry.compatibility import problems
from seamark.service.registry.json_schemas import InvalidSchema, compiled_schema
from seamark.service.registry.names import schema_key
from seamark.service.registry.records import Compatibility, SchemaMode, SchemaVersion
from seamark.wire.failures import Rejected

SCHEMA_BYTES: Final = 16 * 1024
VERSIONS: Final = 20
"""So many versions are kept, the latest; their numbers go on."""
_PROBLEMS_NAMED: Final = 5


class SchemaRegistration(
    msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True
):
    """A schema to be put in force; what is left out stays as it is."""

    schema: Annotated[
        dict[str, Any], Meta(description="JSON Schema 2020-12 of the event as it is stored.")
    ]
    mode: Annotated[
        SchemaMode | UnsetType,
        Meta(description="Events that do not match: `enforce` rejects them, `warn` counts them."),
    ] = UNSET
    compatibility: Annotated[
        Compatibility | UnsetType,
        Meta(description="What a new version has to hold to; `backward` takes what the last took."),
    ] = UNSET


async def _put(call: Call) -> Made:
    app = app_meant(call)
    key = _key(app, call.path["eventType"])
    text = _checked(call.given["schema"])
    return await put(
        call, key, lambda current: _wanted(call, app, current, text), action="schema.put"
    )


def _wanted(call: Call, app: AppRecord, current: SchemaRecord | None, text: str) -> SchemaRecord:
    """The record with this schema, which is written on the revision that it was compared with.

    Raises Rejected (CONFLICT) where it is not compatible.
    """
    now_ms = call.admin.clock_ms()
    if current is None:
        current = SchemaRecord(
            org=app.org,
            app=app.app,
            event_type=call.path["eventType"],
            versions=(SchemaVersion(version=1, schema=text, created_at_ms=now_ms),),
        )
    wanted = msgspec.structs.replace(
        current,
        mode=call.given.get("mode", current.mode),
        compatibility=call.given.get("compatibility", current.compatibility),
    )
    if text == current.latest.schema:
        return wanted
    _check_compatible(wanted.compatibility, json.loads(current.latest.schema), json.loads(text))
    version = SchemaVersion(version=current.latest.version + 1, schema=text, created_at_ms=now_ms)
    return msgspec.structs.replace(wanted, versions=(*current.versions, version)[-VERSIONS:])


def _check_compatible(compatibility: Compatibility, old: Any, new: Any) -> None:
    found: list[str] = []
    if compatibility in ("backward", "full"):
        found += [f"{each} (events of the version before)" for each in problems(new, old)]
    if compatibility in ("forward", "full"):
        found += [f"{each} (events of the new version)" for each in problems(old, new)]
    if found:
        more = f"; and {len(found) - _PROBLEMS_NAMED} more" if len(found) > _PROBLEMS_NAMED else ""
        raise Rejected(
            QuestionReason.CONFLICT,
            f"It is not {compatibility} compatible: {'; '.join(found[:_PROBLEMS_NAMED])}{more}. "
            'Change it, or send "compatibility": "none" with it.',
            field="schema",
        )


def _checked(schema: dict[str, Any]) -> str:
    """The schema as it is kept. Raises Rejected (INVALID_FIELD)."""
    text = json.dumps(schema, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if (size := len(text.encode("utf-8", "replace"))) > SCHEMA_BYTES:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"{size:,} bytes, the limit is {SCHEMA_BYTES:,}; leave out descriptions.",
            field="schema",
        )
    try:
        compiled_schema(schema)
    except InvalidSchema as error:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"It is no JSON Schema 2020-12 that can be used: {error}.",
            field="schema" + ("." + error.path.replace("/", ".") if error.path else ""),
        ) from None
    return text


def _key(app: AppRecord, event_type: str) -> str:
    try:
        return schema_key(app.org, app.app, event_type)
    except ValueError as error:
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"{error}; use 1 to 128 of A-Z a-z 0-9 . _ / : -, with / as %2F.",
            field="eventType",
        ) from None


async def _show(call: Call) -> Made:
    app, event_type = app_meant(call), call.path["eventType"]
    key = _key(app, event_type)
    record = call.admin.registry.schemas.get((app.org, app.app), {}).get(event_type)
    if record is None:
        raise Rejected(
            QuestionReason.NOT_FOUND,
            f"App {app.app} has no schema of {event_type[:80]!r}; "
            f"GET /v1/admin/apps/{app.app}/schemas lists those there are.",
            field="eventType",
        )
    return Made(shown(record), revision=call.admin.registry.revision_of(key))


async def _infer(call: Call) -> Made:
    app, event_type = app_meant(call), call.path["eventType"]
    _key(app, event_type)
    now_ms = call.admin.clock_ms()
    return Made(await infer(call.admin.store, app, event_type, now_ms=now_ms))


async def _list(call: Call) -> Made:
    app = app_meant(call)
    found = call.admin.registry.schemas.get((app.org, app.app), {})
    return Made(EventSchemas(schemas=[shown(found[name]) for name in sorted(found)]))


_ONE: Any = {"path_parameters": {"appId": "^[^/:]+$", "eventType": "^[^/]+$"}}
_PATH = "/v1/admin/apps/{appId}/schemas/{eventType}"
ROUTES = (
    AdminRoute(
        "GET", "/v1/admin/apps/{appId}/schemas", "The schemas of an app's events.", EventSchemas,
        query=InOrg, path_parameters={"appId": "^[^/:]+$"}, handle=_list,
        answer_example={"schemas": [examples.SCHEMA]},
    ),
    AdminRoute(
        "GET", _PATH + ":infer", "Propose a schema from the events of the last day.",
        ProposedSchema, query=InOrg, **_ONE, handle=_infer, answer_example=examples.PROPOSED_SCHEMA,
    ),
    AdminRoute(
        "GET", _PATH, "The schema of events of one type, in all its versions.", EventSchema,
        query=InOrg, **_ONE, handle=_show, answer_example=examples.SCHEMA,
    ),
    AdminRoute(
        "PUT", _PATH, "Put a schema in force, as a new version.", EventSchema,
        body=SchemaRegistration, query=InOrg, **_ONE, handle=_put,
        headers={IF_MATCH: "The ETag of the schema that this one was made from."},
        body_example={"schema": examples.JSON_SCHEMA, "mode": "enforce"},
        answer_example=examples.SCHEMA,
    ),
)  # fmt: skip
