"""Orgs, apps, ingest keys and tokens: what their records are, where they lie, who watches them.

`README.md` beside this says how to add a setting.
"""

from seamark.service.registry.records import (
    AppRecord,
    KeyRecord,
    OrgRecord,
    Record,
    SchemaRecord,
    TokenKind,
    TokenRecord,
)
from seamark.service.registry.registry import Registry
from seamark.service.registry.secrets import digest, new_secret
from seamark.service.registry.store import put_record

__all__ = [
    "AppRecord",
    "KeyRecord",
    "OrgRecord",
    "Record",
    "Registry",
    "SchemaRecord",
    "TokenKind",
    "TokenRecord",
    "digest",
    "new_secret",
    "put_record",
]
