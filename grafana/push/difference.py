"""Whether two bodies say the same, and in which lines they differ. Pure.

Grafana adds defaults to what it saves, so a key that only Grafana has says nothing; except among
labels and annotations, where it would be a person's.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from grafana.push.objects import REDACTED, DesiredState, Found

_WHOLE = ("labels", "annotations")


def same(ours: Any, theirs: Any, *, whole: bool = False) -> bool:
    """Whether `theirs` says all that `ours` says; with `whole`, and no more than that."""
    if isinstance(ours, Mapping):
        if not isinstance(theirs, Mapping) or (whole and ours.keys() != theirs.keys()):
            return False
        return all(
            same(value, theirs.get(name), whole=whole or name in _WHOLE)
            for name, value in ours.items()
        )
    if isinstance(ours, list):
        if not isinstance(theirs, list):
            return ours == [] and theirs is None
        return len(ours) == len(theirs) and all(
            same(a, b, whole=whole) for a, b in zip(ours, theirs, strict=True)
        )
    # Grafana leaves out what is null, and shows what is secret only as being there.
    if isinstance(theirs, str) and theirs == REDACTED:
        return True
    return bool(ours == theirs) and isinstance(ours, bool) == isinstance(theirs, bool)


def lines(want: DesiredState | None, have: Found | None) -> list[str]:
    """A unified diff from what is there to what should be, as YAML; secrets are never shown."""
    if want is None or have is None:
        return []
    ours = _masked(want.body, want, (), want.body)
    theirs = _masked(_projected(have.body, want.body), want, (), want.body)
    return list(_unified(theirs, ours))


def _unified(before: Any, after: Any) -> Iterator[str]:
    made = difflib.unified_diff(
        _text(before), _text(after), "in Grafana", "to push", lineterm="", n=2
    )
    return (line for line in made if not line.startswith("@@"))


def _text(value: Any) -> list[str]:
    text: str = yaml.safe_dump(value, sort_keys=True, allow_unicode=True, width=100)
    return text.splitlines()


def _projected(theirs: Any, ours: Any) -> Any:
    """`theirs` without the keys that only Grafana has."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        return {
            name: value if name in _WHOLE else _projected(value, ours[name])
            for name, value in theirs.items()
            if name in ours
        }
    if isinstance(theirs, list) and isinstance(ours, list):
        paired = [_projected(a, b) for a, b in zip(theirs, ours, strict=False)]
        return paired + theirs[len(paired) :]
    return theirs


def _masked(value: Any, want: DesiredState, path: tuple[str, ...], ours: Any) -> Any:
    """`value` with what is secret told apart from ours, but not told."""
    if path in want.secrets:
        known = value in (ours, REDACTED)
        return f"(from {want.secrets[path]})" if known else "(another value)"
    if isinstance(value, Mapping):
        inner = ours if isinstance(ours, Mapping) else {}
        return {k: _masked(v, want, (*path, k), inner.get(k)) for k, v in value.items()}
    return value
