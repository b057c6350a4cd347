"""JSON Schemas of events, compiled. Pure.

References lead nowhere but into the schema itself, and patterns are matched in time proportional to
the text, so a schema can neither read a file nor stop a collector.
"""

import json
from typing import Any, Final

import jsonschema_rs

_MESSAGE_CHARS: Final = 300


class InvalidSchema(ValueError):
    """What is no JSON Schema that can be used; `path` says where in it."""

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message[:_MESSAGE_CHARS])
        self.path = path


def compiled_schema(schema: dict[str, Any] | str) -> Any:
    """The validator of a schema (2020-12), given as it is or as JSON text. Raises InvalidSchema."""
    try:
        return jsonschema_rs.Draft202012Validator(
            json.loads(schema) if isinstance(schema, str) else schema,
            pattern_options=jsonschema_rs.RegexOptions(),
            offline=True,
        )
    except jsonschema_rs.ValidationError as error:
        path = "/".join(str(each) for each in error.instance_path)
        raise InvalidSchema(error.message, path=path) from None
    except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
        raise InvalidSchema(str(error)) from None
