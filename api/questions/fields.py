"""Fields of a request type as data, for editors: name, type, default, choices, limits."""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

FieldType = Literal["text", "integer", "number", "flag", "time", "event", "filter", "object"]
Completes = Literal["metric", "label", "service"]
_LEFT_OUT: Final = frozenset({"org_id"})


class Field(msgspec.Struct, frozen=True, omit_defaults=True):
    """One field. `many`: it takes a list of `type`. `type` says what one value is:

    `time`: `now`, `now-15m`, ISO 8601 or epoch milliseconds. `event`: an event's name, or an object
    with `name` and `filters`. `filter`: an object with `key`, `op` and `value`. `flag`: true or
    false. `completes`: the names that an editor can offer. `choices`: all values there are;
    `suggestions`: some of them. `least`, `most`: of a number. `hidden`: an editor shows it in the
    text of a request only.
    """

    name: str
    title: str
    type: FieldType
    required: bool
    many: bool = False
    default: Any = None
    choices: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    description: str = ""
    completes: Completes | Literal[""] = ""
    least: int | float | None = None
    most: int | float | None = None
    hidden: bool = False


def fields_of(request: type[msgspec.Struct]) -> list[Field]:
    """The fields of a request type, in their order."""
    described = inspect.type_info(request)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{request.__name__} is not a struct")
    hints = get_type_hints(request, include_extras=True)
    return [
        _field(field, tuple(filter(None, _literals(hints[field.name]))))
        for field in described.fields
        if field.name not in _LEFT_OUT
    ]


def _literals(hint: Any) -> Iterator[str]:
    """The texts of the literals in a type, in the order in which they are declared."""
    if get_origin(hint) is Literal:
        yield from get_args(hint)
    elif get_origin(hint) is Annotated:
        yield from _literals(get_args(hint)[0])
    else:
        for one in get_args(hint):
            yield from _literals(one)


def _field(field: inspect.Field, choices: tuple[str, ...]) -> Field:
    schema: dict[str, Any] = {}
    kind = _bare(field.type, schema)
    many = isinstance(kind, inspect.ListType)
    if isinstance(kind, inspect.ListType):
        kind = _bare(kind.item_type, schema)
    default = field.default_factory() if callable(field.default_factory) else field.default
    return Field(
        name=field.encode_name,
        title=schema.get("title") or _title(field.name),
        type=_type(kind),
        required=field.required,
        many=many,
        default=None if default is msgspec.NODEFAULT else msgspec.to_builtins(default),
        choices=choices,
        suggestions=tuple(schema.get("suggests", ())),
        description=schema.get("description", ""),
        completes=schema.get("completes", ""),
        least=getattr(kind, "ge", None),
        most=getattr(kind, "le", None),
        hidden=schema.get("hidden", False),
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
