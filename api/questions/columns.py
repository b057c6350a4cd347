"""Columns of answers: what a table shows of each row. Clients read them instead of declaring them.

`rows` is the path of the list that holds the rows, `key` the path of the value in a row, both with
dots between their parts. A part of `key` that is a number takes that item of a list. Where `rows`
has two parts, each row also has the fields of the object that its list is in (`funnels.steps`: a
step has its funnel's `group`).
"""

from typing import Literal

import msgspec

ColumnKind = Literal[
    "time",  # epoch milliseconds
    "duration",  # a number of `unit`
    "count",  # a number of things; not always whole, where an app samples
    "ratio",  # 0 to 1
    "rate",  # per second
    "number",  # any other number; null where there is none
    "text",  # a string; a list or an object as text
    "flag",  # true or false
    "id",  # an identifier of Seamark's
    "trace",  # a trace id, 32 hexadecimal digits
    "service",  # a service's name
]


class Column(msgspec.Struct, frozen=True, omit_defaults=True):
    """One column. `unit` is UCUM, as OpenTelemetry writes units.

    `label`: where rows become labelled numbers, the value of this column is the label of that name.
    `headline`: the number that stands for a row unless the reader names another.
    """

    rows: str
    key: str
    title: str
    kind: ColumnKind
    unit: str
    label: str = ""
    headline: bool = False


def text(rows: str, key: str, title: str, *, label: str = "") -> Column:
    """Column of texts."""
    return Column(rows, key, title, "text", "", label)


def count(rows: str, key: str, title: str, *, headline: bool = False) -> Column:
    """Column of counts."""
    return Column(rows, key, title, "count", "1", "", headline)


def ratio(rows: str, key: str, title: str, *, headline: bool = False) -> Column:
    """Column of shares, 0 to 1."""
    return Column(rows, key, title, "ratio", "1", "", headline)


def milliseconds(rows: str, key: str, title: str) -> Column:
    """Column of durations in milliseconds."""
    return Column(rows, key, title, "duration", "ms")


def instant(rows: str, key: str, title: str) -> Column:
    """Column of times in epoch milliseconds."""
    return Column(rows, key, title, "time", "ms")
