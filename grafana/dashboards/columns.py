"""Columns of tables: their titles, how wide they are, and where a click on a cell leads.

A table shows the columns it names and no other, in that order. One without a width shares what the
others leave, so a table has at least one of those: its longest text.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from grafana.dashboards import links

Column = Mapping[str, object]
Columns = Mapping[str, Column]
Links = Sequence[tuple[str, str]]
_LEVELS: Final = {
    "critical": ("fatal", "purple"),
    "error": ("error", "red"),
    "warning": ("warn", "orange"),
    "info": ("info", "green"),
    "debug": ("debug", "#9a9a9a"),
    "trace": ("trace", "#6e6e6e"),
}
"""How the plugin, and Grafana with it, calls a level of a log record -> our word and its colour."""
LEVEL_COLOURS: Final = dict(_LEVELS.values())


NOT_YET: Final = {
    "type": "special",
    "options": {"match": "null", "result": {"text": "", "color": "transparent"}},
}
"""What has no value is no share of 0, and neither good nor bad: it stays without a colour."""


def column(
    name: str = "", *, width: int = 0, least: int = 0, unit: str = "", to: Links = ()
) -> Column:
    """A column. `name` where the plugin's is no title; `width` or `least` width in pixels;
    `to`: title and URL of where a click leads."""
    made: dict[str, object] = {}
    if name:
        made["displayName"] = name
    if width:
        made["custom.width"] = width
    if least:
        made["custom.minWidth"] = least
    if unit:
        made["unit"] = unit
    if to:
        made["links"] = [{"title": title, "url": url} for title, url in to]
    return made


def service(*keep: str, width: int = 110) -> Column:
    """A service, which leads to what is known of it. `keep`: the variables that go along."""
    url = links.to("seamark-service", *keep, service=links.THIS)
    return column("Service", width=width, to=[("This service", url)])


def words(of: Mapping[str, tuple[str, str]]) -> Column:
    """What stands for a value, and in which colour."""
    mapped = {
        value: {"text": text, "color": colour, "index": place}
        for place, (value, (text, colour)) in enumerate(of.items())
    }
    return {
        "custom.cellOptions": {"type": "color-text"},
        "mappings": [{"type": "value", "options": mapped}, NOT_YET],
    }


LEVEL: Final = {**column("Level", width=75), **words(_LEVELS)}
TEXT: Final = column(least=170)
MESSAGE: Final = {**column("Message", least=350), "custom.wrapText": True}
NUMBER: Final = column(width=95)
TIME: Final = column(width=165, unit="time:YYYY-MM-DD HH:mm:ss")
DAY: Final = column("First seen", width=140, unit="time:YYYY-MM-DD HH:mm")
"""A day or a week begins in UTC: its hour says so to who reads it elsewhere."""
TRACE: Final = column(
    "Trace ID",
    width=285,
    to=[("This trace", links.to("seamark-trace", trace=links.THIS))],
)
SHORT_TRACE: Final = {
    **TRACE,
    "custom.width": 105,
    "mappings": [
        {"type": "regex", "options": {"pattern": "^(.{8}).+$", "result": {"text": "$1…"}}}
    ],
}
"""The same where there is little room: its first digits stand for it."""
TRACE_SUMMARY: Final = {
    "Trace ID": SHORT_TRACE,
    "Start time": TIME,
    "Name": TEXT,
    "Duration": NUMBER,
    "Errors": column(width=70),
}
"""The columns of a list of traces where the service is known."""
LEAK: Final = {
    **column(width=140),
    "custom.cellOptions": {"type": "color-background", "mode": "basic"},
    "color": {"mode": "continuous-RdYlGr"},
    "fieldMinMax": True,
    "mappings": [NOT_YET],
}
"""A share of those before: the smallest of the table is red."""
SILENCE: Final = {
    "custom.cellOptions": {"type": "color-text"},
    "thresholds": {
        "mode": "absolute",
        "steps": [
            {"value": None, "color": "text"},
            {"value": 300_000, "color": "orange"},
            {"value": 900_000, "color": "red"},
        ],
    },
    "mappings": [NOT_YET],
}
"""For how long nothing came: 5 minutes are worth a look, 15 are more than a sender's pause."""
LESS: Final = {
    "custom.cellOptions": {"type": "color-text"},
    "thresholds": {
        "mode": "absolute",
        "steps": [
            {"value": None, "color": "red"},
            {"value": -0.8, "color": "orange"},
            {"value": -0.5, "color": "text"},
        ],
    },
    "mappings": [NOT_YET],
}
"""A change against before: less than half is worth a look, less than a fifth is nearly nothing."""
ERROR: Final = {
    **column(width=95),
    "custom.cellOptions": {"type": "color-text"},
    "thresholds": {
        "mode": "absolute",
        "steps": [{"value": None, "color": "text"}, {"value": 1, "color": "red"}],
    },
    "mappings": [NOT_YET],
}
"""A count of what went wrong: red unless it is none."""
