"""The OpenAPI 3.1 document, made from the types that requests are decoded into and answers from."""

from typing import Any, Final

import msgspec

from api.answers import ErrorAnswer
from api.routes import ROUTES, Route

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
            "title": "Seamark questions",
            "version": "1",
            "description": "Questions about telemetry. The scope of every answer is that of the "
            "query token. See docs/questions.md.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "smq_…"}
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
            str(route.status): _response("The answer.", route.answer, route.content_type)
        },
    }
    if route.query is not None:
        operation["parameters"] += [
            parameter
            for parameter in _query_parameters(route.query)
            if parameter["name"] not in route.path_parameters
        ]
    if route.body is not None:
        content = {"application/json": {"schema": _reference(route.body)}}
        operation["requestBody"] = {"required": True, "content": content}
    if route.public:
        operation["security"] = []
        if route.path in ("/readyz", "/v1/healthz"):
            operation["responses"]["503"] = {"description": "Not ready."}
    else:
        for status, text in _FAILURES.items():
            operation["responses"][status] = _response(text, ErrorAnswer)
    return operation


def _response(
    text: str, kind: type[msgspec.Struct] | None, content_type: str = "application/json"
) -> dict[str, Any]:
    schema = _reference(kind) if kind else {}
    return {"description": text, "content": {content_type: {"schema": schema}}}


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _TEMPLATE.format(name=kind.__name__)}


def _query_parameters(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    _, components = msgspec.json.schema_components([kind], ref_template=_TEMPLATE)
    schema = components[kind.__name__]
    return [
        {"name": name, "in": "query", "required": name in schema["required"], "schema": property_}
        for name, property_ in schema["properties"].items()
    ]
