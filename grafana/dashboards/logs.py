"""Logs: how many records of which level, and the records themselves."""

from grafana.dashboards.ask import Ask, chosen
from grafana.dashboards.board import Board, Row
from grafana.dashboards.expect import rows, rows_of, series_of
from grafana.dashboards.panels import Words, course, records
from grafana.dashboards.variables import APP_OF_SPANS, SERVICE, Choice
from grafana.dashboards.variables import Words as Typed

_FILTERS = chosen("app", "service")
_LEAST = "$severity"
_SEARCH = {"severity": _LEAST, "contains": "$search", "filters": _FILTERS}

DASHBOARD = Board(
    uid="seamark-logs",
    title="Logs",
    why="Log records by level and over time, searched by service, level and words.",
    variables=(
        APP_OF_SPANS,
        SERVICE,
        Choice(
            "severity",
            "At least",
            fixed=("trace", "debug", "info", "warn", "error", "fatal"),
            one=True,
        ),
        Typed("search", "Contains"),
    ),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                course(
                    Words(
                        "Warnings and errors over time",
                        "Records of level warn and above: since when are there more?",
                        "short",
                        empty="No warnings, no errors",
                    ),
                    Ask(
                        "logvolume",
                        {"severity": "warn", "filters": _FILTERS},
                        series_of("level", "error"),
                        legend="{{level}}",
                    ),
                    width=24,
                    stacked=True,
                ),
                records(
                    Words(
                        "Warnings and errors",
                        "The newest records of level warn and above, with the service "
                        "that wrote them.",
                        "short",
                    ),
                    Ask(
                        "logs",
                        {"severity": "warn", "limit": 50, "filters": _FILTERS},
                        rows_of("logs", "service", "checkout"),
                    ),
                    height=9,
                ),
            ),
        ),
        Row(
            "What do they say?",
            (
                course(
                    Words(
                        "Records by level",
                        "Log records over time by level, as searched above.",
                        "short",
                    ),
                    Ask("logvolume", _SEARCH, series_of("level", "info"), legend="{{level}}"),
                    width=24,
                    stacked=True,
                ),
                records(
                    Words(
                        "All records",
                        "Records as searched, the newest first. A record with a trace leads to it.",
                        "short",
                    ),
                    Ask("logs", {**_SEARCH, "limit": 200}, rows("logs", 20)),
                ),
            ),
        ),
    ),
)
