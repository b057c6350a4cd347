"""Fields of a request type as data, for editors: name, type, default, choices, limits."""

from typing import Any, Final, Literal

import msgspec
from msgspec import inspect

FieldType = Literal["text", "integer", "number", "flag", "time", "event", "filter", "object"]
Completes = Literal["metric", "label", "service"]
_HIDDEN: Final = frozenset({"org_id"})


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field. `many`: it takes a list of `type`. `type` says what one value is:

    `time`: `now`, `now-15m`, ISO 8601 or epoch milliseconds. `event`: an event's name, or an object
    with `name` and `filters`. `filter`: an object with `key`, `op` and `value`. `flag`: true or
    false. `completes`: the names that an editor can offer. `least`, `most`: of a number.
    """

    name: str
    title: str
    type: FieldType
    required: bool
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    description: str = ""
    completes: Completes | Literal[""] = ""
    least: int | float | None = None
    most: int | float | None = None


def fields_of(request: type[msgspec.Struct]) -> list[Field]:
    """The fields of a request type, in their order."""
    described = inspect.type_info(request)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{request.__name__} is not a struct")
    return [_field(field) for field in described.fields if field.name not in _HIDDEN]


def _field(field: inspect.Field) -> Field:
    schema: dict[str, Any] = {}
    kind = _bare(field.type, schema)
    many = isinstance(kind, inspect.ListType)
    if isinstance(kind, inspect.ListType):
        kind = _bare(kind.item_type, schema)
    choices = tuple(map(str, kind.values)) if isinstance(kind, inspect.LiteralType) else ()
    default = field.default_factory() if callable(field.default_factory) else field.default
    return Field(
        name=field.encode_name,
        title=schema.get("title") or _title(field.name),
        type=_type(kind),
        required=field.required,
        many=many,
        default=None if default is msgspec.NODEFAULT else msgspec.to_builtins(default),
        choices=choices,
        description=schema.get("description", ""),
        completes=schema.get("completes", ""),
        least=getattr(kind, "ge", None),
        most=getattr(kind, "le", None),
    )


def _bare(kind: inspect.Type, schema: dict[str, Any]) -> inspect.Type:
    """The type without its annotations, which go into `schema`, and without `None`."""
    while isinstance(kind, inspect.Metadata):
        schema.update(kind.extra_json_schema or {})
        schema.update(kind.extra or {})
        kind = kind.type
    if isinstance(kind, inspect.UnionType):
        rest = [one for one in kind.types if not isinstance(one, inspect.NoneType)]
        if len(rest) == 1:
            return _bare(rest[0], schema)
    return kind


def _type(kind: inspect.Type) -> FieldType:
    match kind:
        case inspect.StructType():
            return "filter" if kind.cls.__name__ == "Filter" else "object"
        case inspect.IntType():
            return "integer"
        case inspect.FloatType():
            return "number"
        case inspect.BoolType():
            return "flag"
        case inspect.UnionType():
            return _union(kind)
        case _:
            return "text"


def _union(kind: inspect.UnionType) -> FieldType:
    if any(isinstance(_bare(one, {}), inspect.StructType) for one in kind.types):
        return "event"
    if any(isinstance(one, inspect.FloatType) for one in kind.types):
        return "time"
    return "text"


def _title(name: str) -> str:
    return name.rstrip("_").replace("_", " ").capitalize()
