"""Errors: what goes wrong, for whom, since when."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen, people
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import MESSAGE, SHORT_TRACE, TEXT, TIME, column, service
from grafana.dashboards.expect import every, listed, never, rows_of, series_of
from grafana.dashboards.panels import ERROR_RATE, PanelText, bars, number_of_rows
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import APP, COUNTRY, DEVICE, RELEASE

_CHOICES = (APP, RELEASE, COUNTRY, DEVICE)
_FILTERS = chosen(*(choice.name for choice in _CHOICES))
_GROUPS = {
    "Type": column(width=130),
    "Message": MESSAGE,
    "New in": column(width=80),
    "Count": column(width=70),
    "People": column(width=75),
    "First seen": TIME,
    "Last seen": TIME,
    "Service": service("app"),
    "Trace ID": SHORT_TRACE,
    "App": column(width=100),
    "Releases": column(width=120),
    "Frame": TEXT,
}

DASHBOARD = Board(
    uid="seamark-errors",
    title="Errors",
    why=(
        "Errors in pages, apps and services, joined into groups: what goes wrong, for whom, "
        "since when."
    ),
    variables=_CHOICES,
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                number_of_rows(
                    PanelText(
                        "Error rate of each release",
                        "Errors for each page view. Red from 1 %.",
                        "percentunit",
                        ERROR_RATE,
                        (
                            (
                                "Only this release",
                                links.to(
                                    "seamark-errors",
                                    "app",
                                    "country",
                                    "device",
                                    release=links.cell("Release"),
                                ),
                            ),
                        ),
                    ),
                    Ask("errors", {"filters": _FILTERS}, rows_of("releases", "release", "2.5.0")),
                    width=8,
                ),
                bars(
                    PanelText(
                        "People who meet an error, by country",
                        "Different people with an error.",
                        "short",
                        links=(
                            (
                                "Only this country",
                                links.to(
                                    "seamark-errors",
                                    "app",
                                    "release",
                                    "device",
                                    country=links.cell("Value"),
                                ),
                            ),
                        ),
                    ),
                    people(
                        "exception", by="country", limit=8, filters=_FILTERS, expect=listed("US")
                    ),
                ),
                course(
                    PanelText(
                        "Errors by type",
                        "Native error events by their `exception.type`: since when?",
                        "short",
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "exception",
                            "agg": ["count"],
                            "groupBy": ["error"],
                            "limit": 8,
                            "filters": _FILTERS,
                        },
                        series_of("error", "TypeError"),
                        legend="{{error}}",
                    ),
                    width=8,
                    stacked=True,
                ),
            ),
        ),
        Row(
            "What goes wrong?",
            (
                listing(
                    PanelText(
                        "Error groups",
                        "Errors that agree in type, message and place, in pages, spans "
                        "and log records; the most frequent first.",
                        "short",
                    ),
                    Ask(
                        "errors",
                        {"limit": 50, "filters": _FILTERS},
                        rows_of("groups", "type", "TypeError"),
                    ),
                    columns=_GROUPS,
                ),
                listing(
                    PanelText(
                        "Errors of services",
                        "Groups of errors that happened on no page: exceptions in spans and log "
                        "records, where the release is the service's version.",
                        "short",
                    ),
                    Ask(
                        "errors",
                        {
                            "limit": 50,
                            "filters": [*chosen("app"), {"key": "page", "op": "!exists"}],
                        },
                        every(
                            rows_of("groups", "service", "checkout"), never("groups", "service", "")
                        ),
                    ),
                    columns=_GROUPS,
                ),
            ),
        ),
        Row(
            "Where?",
            (
                bars(
                    PanelText("Errors by page", "On which pages.", "short"),
                    Ask(
                        "top",
                        {"metric": "exception", "by": "page", "limit": 10, "filters": _FILTERS},
                        listed("/checkout"),
                    ),
                ),
                bars(
                    PanelText("Errors by browser", "In which browsers.", "short"),
                    Ask(
                        "top",
                        {"metric": "exception", "by": "browser", "limit": 10, "filters": _FILTERS},
                    ),
                ),
                bars(
                    PanelText("Errors by device", "On which devices.", "short"),
                    Ask(
                        "top",
                        {"metric": "exception", "by": "device", "limit": 10, "filters": _FILTERS},
                    ),
                ),
            ),
        ),
    ),
)
