"""Logs: how many records of which level, and the records themselves."""

from grafana.dashboards.ask import Ask, chosen
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import LEVEL, MESSAGE, SHORT_TRACE, TIME, service
from grafana.dashboards.expect import rows, rows_of, series_of
from grafana.dashboards.panels import PanelText, records
from grafana.dashboards.series import levels
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import APP_OF_SPANS, SERVICE, Choice, TextVariable

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
        TextVariable("search", "Contains"),
    ),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                levels(
                    PanelText(
                        "Warnings and errors over time",
                        "Records of level warn and above: since when are there more?",
                        "short",
                    ),
                    Ask(
                        "logvolume",
                        {"severity": "warn", "filters": _FILTERS},
                        series_of("level", "error"),
                        legend="{{level}}",
                    ),
                ),
                listing(
                    PanelText(
                        "Warnings and errors",
                        "The newest records of level warn and above. The service and the trace "
                        "of a record are a click away.",
                        "short",
                    ),
                    Ask(
                        "logs",
                        {"severity": "warn", "limit": 50, "filters": _FILTERS},
                        rows_of("logs", "service", "checkout"),
                    ),
                    columns={
                        "timestamp": {**TIME, "displayName": "Time"},
                        "severity": LEVEL,
                        "traceID": SHORT_TRACE,
                        "service": service("app"),
                        "body": MESSAGE,
                    },
                    height=10,
                ),
            ),
        ),
        Row(
            "What do they say?",
            (
                levels(
                    PanelText(
                        "Records by level",
                        "Log records over time by level, as searched above.",
                        "short",
                    ),
                    Ask("logvolume", _SEARCH, series_of("level", "info"), legend="{{level}}"),
                ),
                records(
                    PanelText(
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
