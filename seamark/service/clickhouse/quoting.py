"""Literals and identifiers in SQL text. Pure.

Values belong into parameters (`{name:Type}`) wherever the statement takes them; this is for the
rest: file names, settings, identifiers. Source: https://clickhouse.com/docs/sql-reference/syntax
"""

from collections.abc import Iterable


def literal(value: str) -> str:
    """A string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"


def identifier(name: str) -> str:
    """A quoted identifier."""
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def array(values: Iterable[str]) -> str:
    """An array of string literals, also as the value of an Array(String) parameter."""
    return "[" + ",".join(literal(value) for value in values) + "]"


def parameter(value: object) -> str:
    """The text of a parameter's value: ClickHouse reads it as TabSeparated."""
    text = str(value)
    for plain, escaped in (("\\", "\\\\"), ("\t", "\\t"), ("\n", "\\n"), ("\0", "\\0")):
        text = text.replace(plain, escaped)
    return text
