"""Statements: SQL text with placeholders, and the values apart from it.

Law: nothing an asker wrote is ever part of the text. `Values.add` is the only way for a value into
a statement; it hands back a `{p0:Type}` placeholder that ClickHouse fills in itself. Names of
tables and columns come from constants in this package.
"""

import functools
import importlib.resources
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Value = str | int | float
Kind = Literal["String", "Int64", "UInt64", "Float64", "Array(Int64)"]


@dataclass(frozen=True, slots=True)
class AttributeUse:
    """An attribute that a statement filters or groups by.

    `maps`: the columns of `table` that may hold `name`. `key`: as the request writes it, at the
    path `field`.
    """

    table: str
    maps: tuple[str, ...]
    name: str
    key: str
    field: str


@dataclass(frozen=True, slots=True)
class Statement:
    """What the store runs: `sql` holds a placeholder for each of `values`.

    `attributes`: those it uses within org and app `scope` (the app is empty for all apps), and of
    the metric of that name, if it is about one.
    """

    sql: str
    values: dict[str, Value]
    attributes: tuple[AttributeUse, ...] = field(default=(), compare=False)
    scope: tuple[str, str] = field(default=("", ""), compare=False)
    metric: str = field(default="", compare=False)


@dataclass(slots=True)
class Values:
    """Collects the values of one statement. Equal values of one type share a placeholder."""

    values: dict[str, Value] = field(default_factory=dict)
    attributes: list[AttributeUse] = field(default_factory=list)
    scope: tuple[str, str] = ("", "")
    metric: str = ""
    _known: dict[tuple[Kind, Value], str] = field(default_factory=dict)

    def add(self, value: Value, kind: Kind) -> str:
        """Take a value and return the placeholder that stands for it."""
        identity = (kind, value)
        placeholder = self._known.get(identity)
        if placeholder is None:
            name = f"p{len(self.values)}"
            self.values[name] = value
            placeholder = self._known[identity] = f"{{{name}:{kind}}}"
        return placeholder

    def text(self, value: str) -> str:
        """Placeholder of a string."""
        return self.add(value, "String")

    def integer(self, value: int) -> str:
        """Placeholder of a signed integer."""
        return self.add(value, "Int64")

    def number(self, value: float) -> str:
        """Placeholder of a double."""
        return self.add(value, "Float64")

    def statement(self, sql: str) -> Statement:
        """The finished statement."""
        return Statement(sql, dict(self.values), tuple(self.attributes), self.scope, self.metric)


@functools.cache
def template(name: str) -> str:
    """Text of `<name>.sql` without its comment lines: of a question (`api/questions`), or of what
    several share (`api/query/sql`). Slots are written `/*name*/`."""
    own = importlib.resources.files("api.questions").joinpath(f"{name}.sql")
    shared = importlib.resources.files("api.query").joinpath("sql", f"{name}.sql")
    text = (own if own.is_file() else shared).read_text()
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def fill(name: str, **slots: str) -> str:
    """The template with each `/*slot*/` replaced by SQL built in this package.

    Raises KeyError when a slot is missing from the template or left open.
    """
    return filled(template(name), name, slots)


def filled(text: str, name: str, slots: Mapping[str, str]) -> str:
    """The text of template `name` with its slots filled; raises as `fill`."""
    for slot, sql in slots.items():
        marker = f"/*{slot}*/"
        if marker not in text:
            raise KeyError(f"{name}.sql has no slot {slot}")
        text = text.replace(marker, sql)
    if "/*" in text:
        raise KeyError(f"{name}.sql has an open slot: {text[text.index('/*') :][:40]}")
    return text
