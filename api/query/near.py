"""Names that resemble one that does not exist, for error messages."""

import difflib
from collections.abc import Iterable

MOST_NEAR = 3


def near(name: str, known: Iterable[str]) -> list[str]:
    """At most `MOST_NEAR` of the known names, the most similar first; case is no difference."""
    lowered: dict[str, str] = {}
    for one in sorted(known):
        lowered.setdefault(one.lower(), one)
    wanted = name.lower()
    found = difflib.get_close_matches(wanted, lowered, MOST_NEAR, cutoff=0.6)
    parts = [one for one in lowered if one not in found and wanted in one.split(".")]
    return [lowered[one] for one in (*found, *parts)][:MOST_NEAR]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean 'country'?`, or "" where nothing is similar."""
    found = near(name, known)
    return f" Did you mean {' or '.join(map(repr, found))}?" if found else ""
