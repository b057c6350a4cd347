"""Names of orgs and apps, and the keys under which records lie in the bucket. Pure.

A name is one token of a NATS subject: no dot, no wildcard, no space, no line end, so it can
neither leave its place in a key nor match another's.
"""

import re
from typing import Final

from seamark.wire.limits import NAME_PATTERN as EVENT_NAME_PATTERN

NAME_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$(?!\n)"
"""The same for JSON Schema and for Python, whose `$` alone would take a line end."""
NAME_RULE: Final = "1 to 64 letters, digits, - and _, beginning with a letter or digit"
_name: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}").fullmatch
_event_type: Final = re.compile(EVENT_NAME_PATTERN).match
_unsafe: Final = re.compile(r"[^A-Za-z0-9_-]")
_digest: Final = re.compile(r"[0-9a-f]{64}").fullmatch


def is_name(text: str) -> bool:
    """Whether an org or app can have this name."""
    return _name(text) is not None


def org_key(org: str) -> str:
    """`org.<org>`. Raises ValueError for what is no name."""
    return f"org.{_named(org)}"


def app_key(org: str, app: str) -> str:
    """`app.<org>.<app>`. Raises ValueError for what is no name."""
    return f"app.{_named(org)}.{_named(app)}"


def secret_key(kind: str, digest: str) -> str:
    """`key.<digest>` or `token.<digest>`. Raises ValueError for what is no digest."""
    if _digest(digest) is None:
        raise ValueError(f"{digest[:80]!r} is no SHA-256 in hex")
    return f"{kind}.{digest}"


def schema_key(org: str, app: str, event_type: str) -> str:
    """`schema.<org>.<app>.<event type>`, its characters beyond letters, digits, - and _ as =XX.

    Raises ValueError for what is no name.
    """
    if _event_type(event_type) is None:
        raise ValueError(f"{event_type[:80]!r} is no name of events")
    written = _unsafe.sub(lambda found: f"={ord(found[0]):02X}", event_type)
    return f"schema.{_named(org)}.{_named(app)}.{written}"


def _named(text: str) -> str:
    if not is_name(text):
        raise ValueError(f"{text[:80]!r} is no name: {NAME_RULE}")
    return text
