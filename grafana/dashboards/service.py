"""One service: its operations, what fails, what it says, and traces of it."""

from grafana.dashboards.ask import Ask, chosen, where
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import SHORT_TRACE, TEXT, TRACE_SUMMARY, column
from grafana.dashboards.expect import between, rows, rows_of, series_of
from grafana.dashboards.panels import ERROR_RATE, PanelText, graph, number_of_rows, records
from grafana.dashboards.series import course, levels
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import APP_OF_SPANS, ONE_SERVICE, SPANS

_FILTERS = chosen("app")
_SERVED = [*chosen("app", "service"), where("kind", "server|consumer", "=~")]

DASHBOARD = Board(
    uid="seamark-service",
    title="Service detail",
    why="One service: its operations, what fails, how long it takes, what it says.",
    variables=(APP_OF_SPANS, ONE_SERVICE),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                number_of_rows(
                    PanelText(
                        "Error rate",
                        "Share of this service's calls that ended in an error. Red from 1 %.",
                        "percentunit",
                        ERROR_RATE,
                    ),
                    Ask(
                        "services",
                        {"service": "$service", "filters": _FILTERS},
                        rows("services", 1),
                    ),
                    width=5,
                ),
                listing(
                    PanelText("Operations", "Which operations fail or are slow.", "short"),
                    Ask(
                        "services",
                        {"by": "operation", "service": "$service", "filters": _FILTERS},
                        rows("services", 1),
                    ),
                    columns={
                        "Operation": TEXT,
                        "Calls": column(width=75),
                        "Errors": column(width=80),
                        "p95": column(width=85),
                        "Trace ID": SHORT_TRACE,
                    },
                    width=11,
                    height=8,
                ),
                course(
                    PanelText(
                        "Failed calls by operation", "Since when, and which operation.", "short"
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["count"],
                            "groupBy": ["operation"],
                            "filters": [*_SERVED, where("status", "error")],
                        },
                        least_rows=0,
                        legend="{{operation}}",
                    ),
                    width=8,
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Rate and duration",
            (
                course(
                    PanelText(
                        "Calls per second by operation", "What the service is asked to do.", "reqps"
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["rate"],
                            "groupBy": ["operation"],
                            "limit": 12,
                            "filters": _SERVED,
                        },
                        between(0, 1000),
                        legend="{{operation}}",
                    ),
                ),
                course(
                    PanelText(
                        "Duration p50, p95, p99",
                        "How long calls take: the half, the slow, the slowest.",
                        "ms",
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["p50", "p95", "p99"],
                            "groupBy": ["service"],
                            "filters": _SERVED,
                            "exemplars": True,
                        },
                        between(1, 10_000),
                        legend="{{agg}}",
                    ),
                ),
                course(
                    PanelText("Duration p95 by operation", "Which operation is slow.", "ms"),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["p95"],
                            "groupBy": ["operation"],
                            "limit": 12,
                            "filters": _SERVED,
                        },
                        between(1, 10_000),
                        legend="{{operation}}",
                    ),
                ),
                graph(
                    PanelText("Neighbours", "Who calls this service, and whom it calls.", "short"),
                    Ask(
                        "servicemap", {"service": "$service", "filters": _FILTERS}, rows("edges", 1)
                    ),
                ),
            ),
        ),
        Row(
            "What does it say?",
            (
                levels(
                    PanelText(
                        "Log records by level", "More errors or warnings than usual?", "short"
                    ),
                    Ask(
                        "logvolume",
                        {"service": "$service", "filters": _FILTERS},
                        series_of("level", "info"),
                        legend="{{level}}",
                    ),
                    width=12,
                ),
                listing(
                    PanelText(
                        "Traces with an error",
                        "The newest traces in which this service failed.",
                        "short",
                    ),
                    Ask(
                        "traces",
                        {
                            "service": "$service",
                            "status": "error",
                            "limit": 20,
                            "filters": _FILTERS,
                        },
                        least_rows=0,
                    ),
                    columns=TRACE_SUMMARY,
                    width=12,
                    height=8,
                ),
                records(
                    PanelText("Log records", "What the service wrote, the newest first.", "short"),
                    Ask(
                        "logs",
                        {"service": "$service", "limit": 100, "filters": _FILTERS},
                        rows_of("logs", "app", "demo"),
                    ),
                ),
            ),
        ),
    ),
)
