"""Patterns over the keys of attributes: `*` stands for any text, `?` for one character. Pure.

Case does not matter, nor do invisible or look-alike characters. A pattern is matched against the
key of an attribute and, for what is nested in it, against the path of keys joined by dots.
"""

from collections.abc import Sequence
from typing import Any, Final

import re2

from collector.admission.redaction.spellings import plain

_SHORTEST_HINT: Final = 3


class KeyMatcher:
    """Some patterns as one. With `exact`, keys are compared as they are."""

    def __init__(self, patterns: Sequence[str], *, exact: bool = False) -> None:
        self._exact = frozenset(patterns) if exact else None
        self._compiled: Any = None
        if not exact and patterns:
            options = re2.Options()
            options.case_sensitive = False
            options.dot_nl = True
            self._compiled = re2.compile("|".join(map(_expression, patterns)), options)

    def matches(self, key: str, path: str) -> bool:
        """Whether a key, or its path, matches one of the patterns."""
        if self._exact is not None:
            return key in self._exact
        if self._compiled is None:
            return False
        return any(self._compiled.fullmatch(name) is not None for name in _spellings(key, path))


def _spellings(key: str, path: str) -> set[str]:
    names = {key, path}
    if not path.isascii():
        names |= {plain(key), plain(path)}
    return {name.encode("utf-8", "replace").decode() for name in names}


def _expression(pattern: str) -> str:
    made = "".join(
        ".*" if char == "*" else "." if char == "?" else re2.escape(char) for char in plain(pattern)
    )
    return f"(?:{made})"


def hint(pattern: str) -> bytes | None:
    """Bytes, in lower case, that stand in every body with a key that matches; None for none."""
    if not pattern.isascii():
        return None
    parts = pattern.lower().replace("*", ".").replace("?", ".").split(".")
    longest = max(parts, key=len)
    return longest.encode() if len(longest) >= _SHORTEST_HINT else None
