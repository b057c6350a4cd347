"""Services: rate, errors and duration of each, and who calls whom."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen, where
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import NUMBER, SHORT_TRACE, TEXT, TRACE, column, service
from grafana.dashboards.expect import between, every, rows, rows_of, series_of
from grafana.dashboards.panels import ERROR_RATE, PanelText, graph, number_of_rows
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import APP_OF_SPANS, SERVICE, SPANS

_FILTERS = chosen("app", "service")
_SERVED = [*_FILTERS, where("kind", "server|consumer", "=~")]
_ALL = ("gateway", "catalog", "checkout")
_TO_SERVICE = ("This service", links.to("seamark-service", "app", service=links.cell("Service")))
_SERIES_TO_SERVICE = (
    "This service",
    links.to("seamark-service", "app", service=links.label("service")),
)
_BROKEN = every(rows_of("services", "service", *_ALL))

DASHBOARD = Board(
    uid="seamark-services",
    title="Services",
    why=(
        "Rate, errors and duration of every service, from its server and consumer spans, and "
        "who calls whom."
    ),
    variables=(APP_OF_SPANS, SERVICE),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                number_of_rows(
                    PanelText(
                        "Error rate by service",
                        "Share of calls that ended in an error. Red from 1 %.",
                        "percentunit",
                        ERROR_RATE,
                        (_TO_SERVICE,),
                    ),
                    Ask("services", {"filters": _FILTERS}, _BROKEN),
                    width=5,
                ),
                listing(
                    PanelText(
                        "Failing operations",
                        "Calls with an error, by operation: whose requests fail?",
                        "short",
                    ),
                    Ask(
                        "services",
                        {"by": "operation", "filters": [*_FILTERS, where("status", "error")]},
                        least_rows=0,
                    ),
                    columns={
                        "Service": service("app"),
                        "Operation": TEXT,
                        "Calls": column("Failed", width=75),
                        "p95": column(width=85),
                        "Trace ID": SHORT_TRACE,
                    },
                    width=11,
                    height=8,
                ),
                course(
                    PanelText(
                        "Errors over time",
                        "Failed calls by service: since when? A request that fails in three "
                        "services is one in each line; the lines do not add up.",
                        "short",
                        links=(_SERIES_TO_SERVICE,),
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["count"],
                            "groupBy": ["service"],
                            "filters": [*_SERVED, where("status", "error")],
                        },
                        legend="{{service}}",
                    ),
                    width=8,
                ),
            ),
        ),
        Row(
            "Rate and duration",
            (
                course(
                    PanelText(
                        "Calls per second",
                        "Server and consumer spans per second, by service.",
                        "reqps",
                        links=(_SERIES_TO_SERVICE,),
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["rate"],
                            "groupBy": ["service"],
                            "filters": _SERVED,
                        },
                        every(series_of("service", *_ALL), between(0, 1000)),
                        legend="{{service}}",
                    ),
                ),
                course(
                    PanelText(
                        "Duration p95",
                        "95 % of calls are answered within this.",
                        "ms",
                        links=(_SERIES_TO_SERVICE,),
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["p95"],
                            "groupBy": ["service"],
                            "filters": _SERVED,
                        },
                        every(series_of("service", *_ALL), between(1, 10_000)),
                        legend="{{service}}",
                    ),
                ),
                listing(
                    PanelText(
                        "All services",
                        "Rate, errors and duration over the range. A click leads to the service.",
                        "short",
                    ),
                    Ask("services", {"filters": _FILTERS}, _BROKEN),
                    columns={
                        "Service": service("app", width=0),
                        "Rate": NUMBER,
                        "Errors": NUMBER,
                        "p50": NUMBER,
                        "p95": NUMBER,
                        "p99": NUMBER,
                    },
                    width=12,
                    height=10,
                ),
                graph(
                    PanelText(
                        "Who calls whom",
                        "Services and the calls between them; red is the share of errors.",
                        "short",
                    ),
                    Ask(
                        "servicemap",
                        {"filters": chosen("app")},
                        every(
                            rows_of("nodes", "service", *_ALL),
                            rows_of("edges", "client", "gateway"),
                        ),
                    ),
                ),
            ),
        ),
        Row(
            "Database and outgoing calls",
            (
                listing(
                    PanelText(
                        "Slowest outgoing calls",
                        "Client and producer spans by operation: what services wait for.",
                        "short",
                    ),
                    Ask(
                        "services",
                        {
                            "by": "operation",
                            "kinds": ["client", "producer"],
                            "filters": _FILTERS,
                            "limit": 50,
                        },
                        rows("services", 2),
                    ),
                    columns={
                        "Service": service("app"),
                        "Operation": TEXT,
                        "Rate": column(width=110),
                        "Errors": NUMBER,
                        "p50": NUMBER,
                        "p95": NUMBER,
                        "p99": NUMBER,
                        "Calls": NUMBER,
                        "Trace ID": TRACE,
                    },
                ),
            ),
        ),
    ),
)
