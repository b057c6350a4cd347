"""Answers as `/openapi.json` shows them. Their secrets are made up."""

from collections.abc import Mapping
from typing import Any, Final

_AT: Final = 1_795_316_640_000
ORG: Final[Mapping[str, Any]] = {
    "orgId": "acme",
    "name": "Acme",
    "plan": "free",
    "limits": {
        "requestsPerSecond": None,
        "bytesPerSecond": None,
        "itemsPerSecond": 5000.0,
        "burstSeconds": None,
        "itemsPerMonth": 1_000_000_000,
        "logPercent": None,
    },
    "createdAt": _AT,
}
APP: Final[Mapping[str, Any]] = {
    "appId": "shop",
    "orgId": "acme",
    "status": "active",
    "platform": "web",
    "samplingRate": 1.0,
    "origins": ["https://shop.example"],
    "lateWindowSeconds": 604800,
    "timeSource": "device",
    "redaction": {
        "rules": [{"name": "cards", "action": "mask", "keys": [], "detect": ["card"], "keep": 8}],
        "without": [],
    },
    "attributes": {"allow": [], "deny": ["*.internal"]},
    "createdAt": _AT,
}
JSON_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "attrs": {
            "type": "object",
            "properties": {"amount": {"type": "number", "minimum": 0}},
            "required": ["amount"],
        }
    },
    "required": ["attrs"],
}
SCHEMA: Final[Mapping[str, Any]] = {
    "appId": "shop",
    "orgId": "acme",
    "eventType": "order_paid",
    "mode": "enforce",
    "compatibility": "backward",
    "version": 1,
    "schema": JSON_SCHEMA,
    "versions": [{"version": 1, "schema": JSON_SCHEMA, "createdAt": _AT}],
    "createdAt": _AT,
}
PROPOSED_SCHEMA: Final[Mapping[str, Any]] = {
    "eventType": "order_paid",
    "schema": JSON_SCHEMA,
    "events": 120,
}
NEW_KEY: Final[Mapping[str, Any]] = {
    "keyId": "key_0a1b2c3d4e5f",
    "key": "smk_" + "0" * 27,
    "createdAt": _AT,
}
KEY: Final[Mapping[str, Any]] = {
    "keyId": "key_0a1b2c3d4e5f",
    "appId": "shop",
    "orgId": "acme",
    "status": "active",
    "name": "checkout",
    "limits": None,
    "createdAt": _AT,
    "expiresAt": None,
}
TOKEN: Final[Mapping[str, Any]] = {
    "tokenId": "tok_0a1b2c3d4e5f",
    "kind": "query",
    "orgId": "acme",
    "appId": None,
    "name": "grafana",
    "status": "active",
    "createdAt": _AT,
    "expiresAt": None,
}
CHANGE: Final[Mapping[str, Any]] = {
    "id": "0" * 32,
    "at": _AT,
    "by": "tok_0a1b2c3d4e5f",
    "byKind": "admin",
    "address": "192.0.2.1",
    "action": "app.disable",
    "orgId": "acme",
    "appId": "shop",
    "target": "shop",
    "outcome": "done",
    "before": {"appId": "shop", "status": "active"},
    "after": {"appId": "shop", "status": "disabled"},
}
