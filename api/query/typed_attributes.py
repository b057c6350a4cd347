"""Attributes in answers: JSON objects whose values have the types they were sent with.

The store keeps an attribute as text and the code of its type beside it. The engine makes the JSON,
so that questions, tails and exports agree; an integer beyond 2^53 has all its digits, a whole
double ends in `.0`.
"""

from typing import Annotated, Final

import msgspec

from api.query.statement import fill

TypedAttributes = Annotated[
    msgspec.Raw,
    msgspec.Meta(
        extra_json_schema={
            "type": "object",
            "description": "Values have the types they were sent with: text, integer (exact, also "
            "beyond 2^53), number, boolean, array, object, null. Bytes are base64 text; infinite "
            "numbers and NaN are text.",
            "additionalProperties": True,
        }
    ),
]
MAPS: Final = {
    "attrs": "attr_types",
    "device": "device_types",
    "resource_attrs": "resource_attr_types",
    "scope_attrs": "scope_attr_types",
}
"""Column of attributes -> column of their types, in the raw tables."""


def typed_attributes(attributes: str, types: str) -> str:
    """SQL (a text) of the JSON object of a map of attributes and the codes of their types."""
    return fill("typed_attributes", attributes=attributes, types=types)


def as_answered(text: str) -> TypedAttributes:
    """That JSON as a part of an answer."""
    return msgspec.Raw(text.encode())
