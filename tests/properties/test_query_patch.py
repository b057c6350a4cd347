"""Laws of patches: nothing else is touched, nothing is changed in place, twice is once."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.questions.replay_patch import Cast, Change, Default, Drop, Rename, cast, check, patched
from seamark.wire.failures import Rejected

NAMES = st.sampled_from(["name", "ts", "value", "sessionId", "x"])
KEYS = st.sampled_from(["price", "a.b", "c", "x"])
PATHS = st.one_of(
    NAMES, KEYS.map(lambda key: f"attrs.{key}"), KEYS.map(lambda key: f"device.{key}")
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["3.5", " 7 ", "true", "No", "2026-11-22T03:04:00Z", "1795316640", "1e9"]),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(KEYS, SCALARS))
EVENTS = st.dictionaries(NAMES, VALUES).flatmap(
    lambda plain: st.fixed_dictionaries(
        {},
        optional={
            "attrs": st.one_of(st.dictionaries(KEYS, VALUES), SCALARS),
            "device": st.one_of(st.dictionaries(KEYS, VALUES), SCALARS),
        },
    ).map(lambda maps: {**plain, **maps})
)
TARGETS = st.sampled_from(["number", "string", "boolean", "timestamp"])
CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Rename, from_=PATHS, to=PATHS),
    st.builds(Cast, field=PATHS, to=TARGETS),
    st.builds(Default, field=PATHS, value=st.one_of(st.booleans(), st.integers(), st.text())),
    st.builds(Drop, field=PATHS),
)


def named(change: Change) -> set[str]:
    return {change.from_, change.to} if isinstance(change, Rename) else {change.field}


def leaves(event: dict[str, Any]) -> dict[str, Any]:
    """Every field by its path; maps by their keys."""
    found: dict[str, Any] = {}
    for key, value in event.items():
        if key in ("attrs", "device") and isinstance(value, dict):
            found |= {f"{key}.{inner}": what for inner, what in value.items()}
        else:
            found[key] = value
    return found


@given(EVENTS, st.lists(CHANGES, max_size=4))
def test_nothing_else_is_touched(event: dict[str, Any], changes: list[Change]) -> None:
    before = copy.deepcopy(event)
    after = patched(event, changes)
    assert event == before
    touched = set().union(*map(named, changes)) if changes else set()
    made, had = leaves(after), leaves(before)
    for path in had.keys() | made.keys():
        # a map that was null or missing is made when something is put into it
        if path in touched or path in ("attrs", "device"):
            continue
        assert path in made
        assert made[path] is had[path] or made[path] == had[path]


@given(EVENTS, st.one_of(*(st.builds(kind, field=PATHS) for kind in (Drop,))))
def test_what_is_dropped_is_gone(event: dict[str, Any], change: Drop) -> None:
    assert change.field not in leaves(patched(event, [change]))


@given(EVENTS, CHANGES)
def test_a_change_made_twice_is_made_once(event: dict[str, Any], change: Change) -> None:
    once = patched(event, [change])
    assert patched(once, [change]) == once


@given(SCALARS, TARGETS)
def test_a_cast_is_of_the_type_or_nothing(value: Any, to: str) -> None:
    made = cast(value, to)
    assert cast(made, to) == made
    kinds: dict[str, tuple[type, ...]] = {
        "number": (int, float),
        "string": (str,),
        "boolean": (bool,),
        "timestamp": (int,),
    }
    assert isinstance(made, kinds[to]) or made is value


@given(EVENTS, PATHS, PATHS)
def test_a_rename_loses_nothing(event: dict[str, Any], old: str, new: str) -> None:
    had = leaves(event)
    made = leaves(patched(event, [Rename(from_=old, to=new)]))
    if old not in had:
        assert made == had
    elif old != new:
        assert made.get(new, had[old]) == had[old]
        assert new in made or made[old] == had[old]


@pytest.mark.parametrize(
    ("value", "to", "made"),
    [
        ("3.50", "number", 3.5),
        ("12", "number", 12),
        ("1e400", "number", "1e400"),
        ("twelve", "number", "twelve"),
        (True, "number", 1),
        (7, "string", "7"),
        (7.0, "string", "7"),
        (False, "string", "false"),
        ("YES", "boolean", True),
        (0, "boolean", False),
        ("maybe", "boolean", "maybe"),
        ("2026-11-22T03:04:00Z", "timestamp", 1_795_316_640_000),
        ("2026-11-22 03:04:00", "timestamp", 1_795_316_640_000),
        (1_795_316_640, "timestamp", 1_795_316_640_000),
        ("1795316640", "timestamp", 1_795_316_640_000),
        (1_795_316_640_000, "timestamp", 1_795_316_640_000),
        ("soon", "timestamp", "soon"),
    ],
)
def test_casts(value: Any, to: str, made: Any) -> None:
    found = cast(value, to)
    assert found == made
    assert type(found) is type(made)


def test_patches_are_read_as_they_are_written() -> None:
    text = (
        b'[{"op":"rename","from":"attrs.cost","to":"value"},{"op":"cast","field":"value",'
        b'"to":"number"},{"op":"default","field":"name","value":"buy"},{"op":"drop","field":"x"}]'
    )
    changes = msgspec.json.decode(text, type=list[Change])
    check(changes)
    event = {"attrs": {"cost": "3", "a": 1}, "x": 1}
    assert patched(event, changes) == {"attrs": {"a": 1}, "value": 3, "name": "buy"}


@pytest.mark.parametrize(
    ("old", "new", "taken"),
    [
        ("a", "a", False),
        ("attrs", "attrs.x", False),
        ("attrs.x", "attrs", False),
        ("attrs.x", "attrs.y", True),
        ("tags", "attrs", True),
        ("attrs.name", "name", True),
    ],
)
def test_a_rename_goes_elsewhere(old: str, new: str, taken: bool) -> None:
    if taken:
        check([Rename(from_=old, to=new)])
    else:
        with pytest.raises(Rejected):
            check([Rename(from_=old, to=new)])


@pytest.mark.parametrize("path", ["a.b", "attrs.", ".x", "events.0"])
def test_paths_lead_into_maps_only(path: str) -> None:
    with pytest.raises(Rejected):
        check([Drop(field=path)])
