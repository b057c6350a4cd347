"""One user for each role, and what it may do. Pure.

chdb knows no users: every handle may do everything. So what a role's statement would do is judged
before it runs, from the engine's own syntax tree (`EXPLAIN AST`): the tables it reads, the table
functions and the functions that reach outside of the store. A role's password is derived from the
owner's, so that knowing it tells nothing of the owner's.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

DATABASE: Final = "seamark"
OWNER: Final = "seamark"
_LINE: Final = re.compile(r"( *)(\w+)(?: (.*?))?(?: \((?:children|alias) .*)?$")
_TARGET: Final = re.compile(
    r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?`?(?:seamark`?\.`?)?(\w+)`?\s*(?:\(|$)", re.I
)
_TABLE_FUNCTIONS: Final = frozenset({"numbers", "values", "zeros", "generate_series"})
_SYSTEM: Final = frozenset({"tables", "columns", "settings", "one", "numbers"})
_OUTSIDE: Final = re.compile(r"(?:file|dictGet\w*|joinGet\w*|filesystem\w*|catboost\w*)\Z", re.I)
_BEFORE_DOT: Final = re.compile(r"(default|system|information_schema)\.", re.I)


@dataclass(frozen=True, slots=True)
class StoreRole:
    """`reads` None: all tables of the database. `owner` may do everything."""

    name: str
    reads: frozenset[str] | None = frozenset()
    inserts: frozenset[str] = frozenset()
    owner: bool = False


_RAW: Final = frozenset({"events", "spans", "metric_points", "logs"})
_INPUTS: Final = frozenset({"in_events", "in_traces", "in_metrics", "in_logs"})
ROLES: Final[Mapping[str, StoreRole]] = {
    role.name: role
    for role in (
        StoreRole(OWNER, owner=True),
        StoreRole("api", reads=None),
        StoreRole("rows", reads=_RAW | {"stored_blocks", "damaged_parts"}, inserts=_INPUTS),
        StoreRole(
            "archive", reads=frozenset({"archive_files"}), inserts=frozenset({"archive_files"})
        ),
    )
}


def role_password(password: str, role: str) -> str:
    """The password of a role. Without one for the owner there is none for anyone."""
    if not password or role == OWNER:
        return password
    return hmac.new(password.encode(), role.encode(), hashlib.sha256).hexdigest()


def enters(user: str, given: str, password: str) -> StoreRole | None:
    """The role of a user with this password; None for a wrong one, and for no such user."""
    role = ROLES.get(user)
    right = role_password(password, user if role else OWNER)
    return role if hmac.compare_digest(given.encode(), right.encode()) and role else None


def insert_refused(role: StoreRole, statement: str) -> str:
    """Why a role may not carry out an INSERT (its text before SETTINGS); "" if it may."""
    found = _TARGET.match(statement)
    if role.owner or (found and found[1] in role.inserts):
        return ""
    return f"user {role.name} may insert into {', '.join(sorted(role.inserts)) or 'no table'} only"


def reading_refused(role: StoreRole, tree: str) -> str:
    """Why a role may not run the statement of a syntax tree; "" if it may."""
    path: list[tuple[int, str]] = []
    for line in tree.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        depth, kind, name = len(found[1]), found[2], found[3] or ""
        while path and path[-1][0] >= depth:
            path.pop()
        parent = path[-1][1] if path else ""
        path.append((depth, kind))
        if why := _refused(role, kind, name, parent):
            return f"user {role.name} may not {why}"
    return ""


def _refused(role: StoreRole, kind: str, name: str, parent: str) -> str:
    if kind == "Function":
        if parent == "TableExpression" and name not in _TABLE_FUNCTIONS:
            return f"use the table function {name}"
        return f"use the function {name}" if _OUTSIDE.match(name) else ""
    if kind == "Identifier" and _BEFORE_DOT.match(name):
        return f"read {name}"
    if kind != "TableIdentifier":
        return ""
    database, dot, table = name.partition(".")
    if not dot:
        database, table = DATABASE, name
    if database == "system" and table in _SYSTEM:
        return ""
    known = role.reads is None or table in role.reads
    return "" if database == DATABASE and known else f"read {name}"
