"""The OpenAPI 3.1 document, made from the types that requests are decoded into and answers from."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from api.answers import ErrorAnswer
from api.routes import ROUTES
from api.routing import Route

_TEMPLATE: Final = "#/components/schemas/{name}"
_FAILURES: Final = {
    "400": "The question is wrong; `field` says where.",
    "401": "No query token, or an unknown one.",
    "403": "Another kind of key, or beyond the token's scope.",
    "404": "There is no such thing.",
    "413": "The question is too large.",
    "422": "The answer would cost too much; the message says what to narrow.",
    "503": "For now; ask again after `Retry-After` seconds.",
    "504": "It took too long; the message says what to narrow.",
}

_REFUSALS: Final = {
    "400": "The request is wrong; `field` says where.",
    "401": "No token, or an unknown or expired one.",
    "403": "Another kind of token, or beyond the token's scope.",
    "404": "There is no such thing; `field` says which.",
    "409": "It is there already, or something stands against it.",
    "412": "It was changed since: `current` is how it is now, and `ETag` its revision.",
    "413": "The request is too large.",
    "422": "The Idempotency-Key was sent with another request.",
    "503": "For now; send it again after `Retry-After` seconds.",
}


def document() -> dict[str, Any]:
    """The whole document."""
    kinds: list[Any] = [ErrorAnswer]
    for route in ROUTES:
        kinds += [kind for kind in (route.answer, route.body) if kind is not None]
    _, components = msgspec.json.schema_components(kinds, ref_template=_TEMPLATE)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Seamark questions and administration",
            "version": "1",
            "description": "Questions about telemetry (docs/questions.md), and administration "
            "(docs/administration.md). The scope of every answer is that of the token.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "smq_…, sma_…, smo_…"}
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": route.summary,
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "pattern": pattern},
            }
            for name, pattern in route.path_parameters.items()
        ],
        "responses": {
            str(route.status): _response(
                "The answer.", route.answer, route.content_type, example=route.answer_example
            )
        },
    }
    operation["parameters"] += [
        {"name": name, "in": "header", "description": text, "schema": {"type": "string"}}
        for name, text in route.headers.items()
    ]
    if route.query is not None:
        operation["parameters"] += [
            parameter
            for parameter in _query_parameters(route.query)
            if parameter["name"] not in route.path_parameters
        ]
    if route.body is not None:
        content = _content(route.body, "application/json", example=route.body_example)
        operation["requestBody"] = {"required": True, "content": content}
    if route.public:
        operation["security"] = []
        if route.path in ("/readyz", "/v1/healthz"):
            operation["responses"]["503"] = {"description": "Not ready."}
    else:
        failures = _FAILURES if not route.path.startswith("/v1/admin/") else _REFUSALS
        for status, text in failures.items():
            operation["responses"][status] = _response(text, ErrorAnswer)
    return operation


def _response(
    text: str,
    kind: type[msgspec.Struct] | None,
    content_type: str = "application/json",
    *,
    example: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    return {"description": text, "content": _content(kind, content_type, example=example)}


def _content(
    kind: type[msgspec.Struct] | None, content_type: str, *, example: Mapping[str, Any] | None
) -> dict[str, Any]:
    described: dict[str, Any] = {"schema": _reference(kind) if kind else {}}
    if example is not None:
        described["example"] = example
    return {content_type: described}


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(name=kind.__name__)}


def _query_parameters(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    schema = components[kind.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": property_}
        for name, property_ in schema["properties"].items()
    ]
