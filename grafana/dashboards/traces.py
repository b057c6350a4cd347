"""Traces: search for them. What one looks like is in `trace.py`."""

from grafana.dashboards.ask import Ask, chosen, where
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import (
    ERROR,
    NUMBER,
    TEXT,
    TIME,
    TRACE,
    TRACE_SUMMARY,
)
from grafana.dashboards.expect import between, every, rows, series_of
from grafana.dashboards.panels import PanelText
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import APP_OF_SPANS, SERVICE, SPANS, Choice, TextVariable

_FILTERS = chosen("app", "service", "status")

DASHBOARD = Board(
    uid="seamark-traces",
    title="Traces",
    why="Search for traces by service, operation and status. A click on an id shows one.",
    variables=(
        APP_OF_SPANS,
        SERVICE,
        Choice("status", "Status", fixed=("ok", "error", "unset")),
        TextVariable("operation", "Operation"),
    ),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                listing(
                    PanelText(
                        "Newest traces with an error",
                        "A trace is listed when a span of it failed. A click on its id shows it.",
                        "short",
                    ),
                    Ask(
                        "traces",
                        {"status": "error", "limit": 20, "filters": chosen("app", "service")},
                        least_rows=0,
                    ),
                    columns=TRACE_SUMMARY,
                    width=14,
                    height=8,
                ),
                course(
                    PanelText(
                        "Spans in error by service", "Since when, and in which service.", "short"
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["count"],
                            "groupBy": ["service"],
                            "filters": [*chosen("app", "service"), where("status", "error")],
                        },
                        legend="{{service}}",
                    ),
                    width=10,
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Search",
            (
                listing(
                    PanelText(
                        "Traces",
                        "Traces with a span like the one searched for, the newest first. "
                        "A click on an id shows one.",
                        "short",
                    ),
                    Ask(
                        "traces",
                        {"operation": "$operation", "limit": 100, "filters": _FILTERS},
                        rows("traces", 5),
                    ),
                    columns={
                        "Trace ID": TRACE,
                        "Start time": TIME,
                        "Name": TEXT,
                        "Duration": NUMBER,
                        "Spans": NUMBER,
                        "Errors": ERROR,
                        "Services": TEXT,
                    },
                ),
                course(
                    PanelText(
                        "How long spans take", "p50 and p95 of the spans searched for.", "ms"
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["p50", "p95"],
                            "groupBy": ["service"],
                            "filters": _FILTERS,
                        },
                        every(series_of("service", "gateway"), between(0, 10_000)),
                        legend="{{service}} {{agg}}",
                    ),
                    width=24,
                ),
            ),
        ),
    ),
)
