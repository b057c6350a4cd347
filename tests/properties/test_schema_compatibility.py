"""A schema that is called compatible takes what the other one takes; jsonschema is the oracle."""

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from seamark.service.registry.compatibility import problems
from seamark.service.registry.inference import proposed_schema

_TYPES: Final = ["null", "boolean", "integer", "number", "string", "object", "array"]
_TYPE: Final = st.sampled_from(_TYPES)
_SCALARS: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [None, True, False, 0, 1, 2.5, -1, "", "a", "abc", [], {}]
)
_INSTANCE: Final[st.SearchStrategy[Any]] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, max_size=3),
    ),
    max_leaves=5,
)


def _schema(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": _TYPE | st.lists(_TYPE, min_size=1, unique=True),
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), inner, max_size=2),
            "additionalProperties": inner | st.booleans(),
            "required": st.lists(st.sampled_from(["a", "b"]), unique=True),
            "items": inner,
            "enum": st.lists(_SCALARS, min_size=1, max_size=3),
            "const": _SCALARS,
            "minimum": st.integers(-2, 2),
            "maximum": st.integers(-2, 2),
            "maxLength": st.integers(0, 3),
            "minProperties": st.integers(0, 2),
            "patternProperties": st.fixed_dictionaries({"^a": inner}),
            "not": inner,
            "title": st.just("t"),
        },
    )


_SCHEMA: Final = st.recursive(st.booleans() | _schema(st.booleans()), _schema, max_leaves=4)


@given(_SCHEMA, _SCHEMA, st.lists(_INSTANCE, min_size=1, max_size=8))
def test_what_the_narrow_schema_takes_is_taken_by_a_compatible_one(
    wide: Any, narrow: Any, instances: list[Any]
) -> None:
    if problems(wide, narrow):
        return
    for instance in instances:
        if Draft202012Validator(narrow).is_valid(instance):
            assert Draft202012Validator(wide).is_valid(instance)


_OBJECT: Final = st.dictionaries(st.sampled_from(["a", "b", "c"]), _INSTANCE, max_size=3)


@given(st.lists(_OBJECT, min_size=1, max_size=6))
def test_a_proposed_schema_takes_each_event_it_was_made_from(events: list[Any]) -> None:
    schema = proposed_schema(events)
    validator = Draft202012Validator(schema)
    assert all(validator.is_valid(event) for event in events)
    always = set.intersection(*[set(event) for event in events])
    assert validator.is_valid({}) is not bool(always)
    assert proposed_schema([*events, *events]) == schema


@given(_SCHEMA)
def test_a_schema_is_compatible_with_itself(schema: Any) -> None:
    assert problems(schema, schema) == []


def _attrs(required: list[str], /, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required}


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (_attrs([], a={"type": "number"}), _attrs(["a"], a={"type": "integer"}), []),
        (_attrs(["a"], a={"type": "number"}), _attrs([], a={"type": "number"}),
         ["the event: a could be missing and cannot"]),
        (_attrs([], a={"type": "integer"}), _attrs([], a={"type": "number"}),
         ["/a could be of type number and cannot"]),
        (_attrs([], a={"enum": ["x"]}), _attrs([], a={"enum": ["x", "y"]}),
         ["/a could be 'y' and cannot"]),
        (_attrs([], a={"type": "number", "minimum": 1}),
         _attrs([], a={"type": "number", "minimum": 0}),
         ["/a: minimum is 1 and was 0"]),
        ({"$ref": "#/$defs/x", "$defs": {"x": {"type": "string"}}},
         {"$ref": "#/$defs/x", "$defs": {"x": {}}},
         ["what $ref leads to cannot be compared; write it out where it is used"]),
    ],
)  # fmt: skip
def test_a_problem_is_named_with_its_place(new: Any, old: Any, said: list[str]) -> None:
    assert problems(new, old) == said
