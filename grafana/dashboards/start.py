"""Start here: is anything broken, for whom, since when, and where to look next."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen, where
from grafana.dashboards.board import Board, Row
from grafana.dashboards.expect import every, listed, rows_of, series_of, several_times, signals
from grafana.dashboards.panels import (
    ERROR_RATE,
    NONE_IS_GOOD,
    Words,
    bars,
    course,
    note,
    number,
    number_of_rows,
)
from grafana.dashboards.variables import APP, SPANS

_WHERE = """
| You ask | Look at |
|---|---|
| Which pages are slow, and for whom? | [Web performance](/d/seamark-web-performance) |
| Did the last release make it worse? | [Releases](/d/seamark-releases) |
| What goes wrong, since when? | [Errors](/d/seamark-errors) |
| Which service is slow or failing? | [Services](/d/seamark-services), [one](/d/seamark-service) |
| What did it say? | [Logs](/d/seamark-logs), [Traces](/d/seamark-traces) |
| Who uses what? | [Traffic](/d/seamark-traffic), [Product](/d/seamark-product) |
| Is everything there? | [Ledger](/d/seamark-ledger), [Pipeline](/d/seamark-pipeline) |
| Who sends how much? | [Tenants](/d/seamark-tenants), [Cost](/d/seamark-cost) |
"""

DASHBOARD = Board(
    uid="seamark-start",
    title="Start here",
    why="Is anything broken, for whom, since when; and where to look next.",
    variables=(APP,),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                number_of_rows(
                    Words(
                        "Page errors by release",
                        "Errors in browsers and apps for each page view. Red from 1 %. A release "
                        "that is red alone is the one to look at.",
                        "percentunit",
                        ERROR_RATE,
                        (
                            (
                                "Errors of this release",
                                links.to("seamark-errors", "app", release=links.cell("Release")),
                            ),
                        ),
                        empty="No errors",
                    ),
                    Ask(
                        "errors",
                        {"filters": chosen("app")},
                        rows_of("releases", "release", "2.5.0"),
                    ),
                    width=8,
                ),
                number_of_rows(
                    Words(
                        "Failing calls by service",
                        "Share of server and consumer spans that ended in an error. Red from 1 %.",
                        "percentunit",
                        ERROR_RATE,
                        (
                            (
                                "This service",
                                links.to("seamark-service", "app", service=links.cell("Service")),
                            ),
                        ),
                        empty="No calls",
                    ),
                    Ask(
                        "services",
                        {"filters": chosen("app")},
                        rows_of("services", "service", "gateway", "catalog", "checkout"),
                    ),
                    width=8,
                ),
                number(
                    Words(
                        "Items the books are wrong by",
                        "What was accepted and is neither stored nor explained, where that is "
                        "settled. Anything but 0 is a fault of Seamark itself.",
                        "short",
                        NONE_IS_GOOD,
                        (("Ledger", links.to("seamark-ledger")),),
                        empty="Nothing was sent",
                    ),
                    Ask(
                        "ledger",
                        {"step": "5m"},
                        signals("events", "traces", "logs"),
                        series=("offBy",),
                        legend="{{app}} {{signal}}",
                    ),
                    calc="sum",
                    width=8,
                ),
                course(
                    Words(
                        "Errors in pages",
                        "Native error events over time, by app: since when?",
                        "short",
                        links=(("Errors", links.to("seamark-errors", "app")),),
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "exception",
                            "agg": ["count"],
                            "groupBy": ["app"],
                            "filters": chosen("app"),
                        },
                        several_times(3),
                        legend="{{app}}",
                    ),
                    width=8,
                    stacked=True,
                ),
                course(
                    Words(
                        "Failing calls",
                        "Server and consumer spans in error over time, by service: since when?",
                        "short",
                        links=(
                            (
                                "This service",
                                links.to("seamark-service", "app", service=links.label("service")),
                            ),
                        ),
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": SPANS,
                            "agg": ["count"],
                            "groupBy": ["service"],
                            "filters": [
                                *chosen("app"),
                                where("status", "error"),
                                where("kind", "server|consumer", "=~"),
                            ],
                        },
                        legend="{{service}}",
                    ),
                    width=8,
                    stacked=True,
                ),
                bars(
                    Words(
                        "Who sees page errors?",
                        "Errors by country. One that stands out points to a network or a language.",
                        "short",
                        empty="Nobody",
                    ),
                    Ask(
                        "top",
                        {
                            "metric": "exception",
                            "by": "country",
                            "limit": 8,
                            "filters": chosen("app"),
                        },
                    ),
                    width=8,
                ),
            ),
        ),
        Row(
            "Are people there?",
            (
                course(
                    Words(
                        "Page views",
                        "By app. A drop to nothing is an outage, or telemetry that no "
                        "longer arrives.",
                        "short",
                        links=(("Traffic", links.to("seamark-traffic", "app")),),
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "page_view",
                            "agg": ["count"],
                            "groupBy": ["app"],
                            "filters": chosen("app"),
                        },
                        every(several_times(10), series_of("app", "demo")),
                        legend="{{app}}",
                    ),
                    width=16,
                    stacked=True,
                ),
                bars(
                    Words(
                        "Most viewed pages",
                        "Which pages people look at.",
                        "short",
                        links=(
                            (
                                "This page",
                                links.to(
                                    "seamark-web-performance", "app", page=links.cell("Value")
                                ),
                            ),
                        ),
                    ),
                    Ask(
                        "top",
                        {"metric": "page_view", "by": "page", "limit": 8, "filters": chosen("app")},
                        listed("/", "/product"),
                    ),
                ),
            ),
        ),
        Row(
            "Where to look next",
            (note("Where to look", "One question for each dashboard.", _WHERE, height=10),),
        ),
    ),
)
