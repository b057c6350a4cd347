"""Records as they are asked for and shown over HTTP: made of the fields of their settings. Pure.

A field that is added to a settings type is in all of these without a further line.
"""

import json
from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import FieldInfo

from api.reasons import QuestionReason
from seamark.service.registry.names import NAME_PATTERN
from seamark.service.registry.records import (
    AppRecord,
    Compatibility,
    KeyRecord,
    OrgRecord,
    Record,
    SchemaMode,
    SchemaRecord,
    Status,
    TokenKind,
    TokenRecord,
)
from seamark.service.registry.settings import AppSettings, KeySettings, OrgSettings
from seamark.wire.failures import Rejected

Fields = Sequence[tuple[str, Any] | tuple[str, Any, Any]]
Name = Annotated[str, Meta(pattern=NAME_PATTERN, examples=["shop"])]
Millis = Annotated[int, Meta(description="Milliseconds since the epoch.")]
Made = Annotated[Millis, Meta(description="When it was made, in milliseconds since the epoch.")]
Ends = Annotated[
    int | None, Meta(description="When it ends, in milliseconds since the epoch; null: never.")
]
_SECRET: Final = Annotated[str, Meta(description="The secret. It is shown this once.")]


def _struct(name: str, fields: Fields, text: str) -> Any:
    return msgspec.defstruct(
        name,
        list(fields),
        module=__name__,
        namespace={"__doc__": text},
        rename="camel",
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
    )


def _optional(settings: type[msgspec.Struct]) -> Fields:
    """Every field may be left out; null stands for its default."""
    return [
        (field.name, field.type | None | UnsetType, UNSET)
        for field in msgspec.structs.fields(settings)
    ]


def _shown(settings: type[msgspec.Struct]) -> Fields:
    return [(field.name, field.type) for field in msgspec.structs.fields(settings)]


def _list_of(kind: Any) -> Any:
    return GenericAlias(list, (kind,))


Org: Final = _struct(
    "Org", [("org_id", str), *_shown(OrgSettings), ("created_at", Made)], "An org."
)
Orgs: Final = _struct("Orgs", [("orgs", _list_of(Org))], "The orgs of a scope.")
OrgCreation: Final = _struct(
    "OrgCreation", [("org_id", Name), *_optional(OrgSettings)], "An org to be made."
)
OrgPatch: Final = _struct("OrgPatch", _optional(OrgSettings), "Settings of an org to be changed.")

_APP: Final[Fields] = [("app_id", str), ("org_id", str), ("status", Status)]
NewKey: Final = _struct(
    "NewKey", [("key_id", str), ("key", _SECRET), ("created_at", Made)], "A key that was made."
)
App: Final = _struct("App", [*_APP, *_shown(AppSettings), ("created_at", Made)], "An app.")
Apps: Final = _struct("Apps", [("apps", _list_of(App))], "The apps of a scope.")
NewApp: Final = _struct(
    "NewApp",
    [*_APP, *_shown(AppSettings), ("created_at", Made), ("api_key", NewKey)],
    "An app that was made, with its first key.",
)
AppCreation: Final = _struct(
    "AppCreation",
    [("app_id", Name), ("org_id", Name | UnsetType, UNSET), *_optional(AppSettings)],
    "An app to be made; an operator names the org.",
)
AppPatch: Final = _struct("AppPatch", _optional(AppSettings), "Settings of an app to be changed.")

Key: Final = _struct(
    "Key",
    [
        ("key_id", str),
        ("app_id", str),
        ("org_id", str),
        ("status", Status),
        *_shown(KeySettings),
        ("created_at", Made),
        ("expires_at", Ends),
    ],
    "An ingest key, without its secret.",
)
Keys: Final = _struct("Keys", [("keys", _list_of(Key))], "The keys of an app.")
KeyPatch: Final = _struct("KeyPatch", _optional(KeySettings), "Settings of a key to be changed.")
KeyCreation: Final = _struct("KeyCreation", _optional(KeySettings), "A further key of an app.")
Replaced: Final = _struct(
    "ReplacedKey", [("key_id", str), ("expires_at", Millis)], "A key that works for a while yet."
)
RotatedKey: Final = _struct(
    "RotatedKey",
    [("key_id", str), ("key", _SECRET), ("created_at", Made), ("replaces", _list_of(Replaced))],
    "A key that was made in place of others.",
)

ShownVersion: Final = _struct(
    "SchemaVersion",
    [("version", int), ("schema", dict[str, Any]), ("created_at", Made)],
    "One version of a schema.",
)
EventSchema: Final = _struct(
    "EventSchema",
    [
        ("app_id", str),
        ("org_id", str),
        ("event_type", str),
        ("mode", SchemaMode),
        ("compatibility", Compatibility),
        ("version", int),
        ("schema", dict[str, Any]),
        ("versions", _list_of(ShownVersion)),
        ("created_at", Made),
    ],
    "What events of one type look like: `schema` is the version in force.",
)
ProposedSchema: Final = _struct(
    "ProposedSchema",
    [("event_type", str), ("schema", dict[str, Any]), ("events", int)],
    "A schema that takes each of so many events of the last day. It is not in force.",
)
EventSchemas: Final = _struct(
    "EventSchemas", [("schemas", _list_of(EventSchema))], "The schemas of an app's events."
)

_TOKEN: Final[Fields] = [
    ("token_id", str),
    ("kind", TokenKind),
    ("org_id", str | None),
    ("app_id", str | None),
    ("name", str),
    ("status", Status),
    ("created_at", Made),
    ("expires_at", Ends),
]
Used = Annotated[
    int | None,
    Meta(description="The minute it was last used in, in milliseconds since the epoch."),
]
Token: Final = _struct("Token", [*_TOKEN, ("last_used_at", Used)], "A token, without its secret.")
Tokens: Final = _struct("Tokens", [("tokens", _list_of(Token))], "The tokens of a scope.")
NewToken: Final = _struct("NewToken", [*_TOKEN, ("token", _SECRET)], "A token that was made.")


def given(body: msgspec.Struct | None) -> dict[str, Any]:
    """The fields that were sent, by their names in Python."""
    if body is None:
        return {}
    fields = {name: getattr(body, name) for name in body.__struct_fields__}
    return {name: value for name, value in fields.items() if value is not UNSET}


def with_settings(record: Any, settings: type[msgspec.Struct], fields: Mapping[str, Any]) -> Any:
    """The record with these settings; null is the default. Raises Rejected (INVALID_FIELD)."""
    known = {field.name: field for field in msgspec.structs.fields(settings)}
    values = {
        name: _default(known[name]) if value is None else value
        for name, value in fields.items()
        if name in known
    }
    try:
        changed = msgspec.structs.replace(record, **values)
        msgspec.json.decode(msgspec.json.encode(changed), type=type(record))
    except (ValueError, msgspec.ValidationError) as error:
        raise Rejected(QuestionReason.INVALID_FIELD, f"{error}.", field=", ".join(values)) from None
    return changed


def _default(field: FieldInfo) -> Any:
    return field.default_factory() if callable(field.default_factory) else field.default


def shown(record: Record, **more: Any) -> Any:
    """A record as it is answered. `more`: fields that the record has not."""
    identity: dict[str, Any]
    match record:
        case OrgRecord():
            kind, identity = Org, {"org_id": record.org}
        case AppRecord():
            kind = NewApp if "api_key" in more else App
            identity = {"app_id": record.app, "org_id": record.org, "status": record.status}
        case KeyRecord():
            kind = Key
            identity = {
                "key_id": record.key_id,
                "app_id": record.app,
                "org_id": record.org,
                "status": record.status,
                "expires_at": record.expires_at_ms or None,
            }
        case TokenRecord():
            kind = NewToken if "token" in more else Token
            return kind(**_token(record), **more)
        case SchemaRecord():
            return EventSchema(**_schema(record))
    settings = {
        name: getattr(record, name)
        for name in kind.__struct_fields__
        if name not in identity and name not in more and name != "created_at"
    }
    return kind(**identity, **settings, created_at=record.created_at_ms, **more)


def _schema(record: SchemaRecord) -> dict[str, Any]:
    versions = [
        ShownVersion(
            version=each.version, schema=json.loads(each.schema), created_at=each.created_at_ms
        )
        for each in record.versions
    ]
    return {
        "app_id": record.app,
        "org_id": record.org,
        "event_type": record.event_type,
        "mode": record.mode,
        "compatibility": record.compatibility,
        "version": record.latest.version,
        "schema": json.loads(record.latest.schema),
        "versions": versions,
        "created_at": record.latest.created_at_ms,
    }


def _token(record: TokenRecord) -> dict[str, Any]:
    return {
        "token_id": record.token_id,
        "kind": record.kind,
        "org_id": record.org or None,
        "app_id": record.app or None,
        "name": record.name,
        "status": record.status,
        "created_at": record.created_at_ms,
        "expires_at": record.expires_at_ms or None,
    }
