"""Traces: search for them, and look at one."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen, where
from grafana.dashboards.board import Board, Row
from grafana.dashboards.expect import between, every, rows, series_of
from grafana.dashboards.panels import Words, course, listing, one_trace
from grafana.dashboards.variables import APP_OF_SPANS, SERVICE, SPANS, Choice
from grafana.dashboards.variables import Words as Typed

_FILTERS = chosen("app", "service", "status")
_HERE = (
    (
        "This trace",
        links.to("seamark-traces", "app", "service", "status", trace=links.cell("Trace ID")),
    ),
)

DASHBOARD = Board(
    uid="seamark-traces",
    title="Traces",
    why="Search for traces by service, operation and status, and see one with all its spans.",
    variables=(
        APP_OF_SPANS,
        SERVICE,
        Choice("status", "Status", fixed=("ok", "error", "unset")),
        Typed("operation", "Operation"),
        Typed("trace", "Trace ID"),
    ),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                listing(
                    Words(
                        "Newest traces with an error",
                        "A trace is listed when a span of it failed. A click shows it below.",
                        "short",
                        links=_HERE,
                        empty="No trace has an error",
                    ),
                    Ask(
                        "traces",
                        {"status": "error", "limit": 20, "filters": chosen("app", "service")},
                        least_rows=0,
                    ),
                    columns={"Trace ID": {"custom.width": 150}},
                    width=14,
                    height=8,
                ),
                course(
                    Words(
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
                    Words(
                        "Traces",
                        "Traces with a span like the one searched for, the newest first. "
                        "A click shows one below.",
                        "short",
                        links=_HERE,
                    ),
                    Ask(
                        "traces",
                        {"operation": "$operation", "limit": 100, "filters": _FILTERS},
                        rows("traces", 5),
                    ),
                    columns={"Trace ID": {"custom.width": 150}},
                ),
                course(
                    Words("How long spans take", "p50 and p95 of the spans searched for.", "ms"),
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
        Row(
            "One trace",
            (
                one_trace(
                    Words(
                        "Trace",
                        "The spans of the trace in `Trace ID`, in order, with their "
                        "attributes and events.",
                        "short",
                        empty="Choose a trace above, or paste its id",
                    ),
                    Ask("trace", trace_id="$trace", expect=rows("spans", 2)),
                ),
            ),
        ),
    ),
)
