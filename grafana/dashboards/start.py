"""Start here: is anything broken, for whom, since when, and where to look next."""

from grafana.dashboards import links, ways
from grafana.dashboards.ask import Ask, chosen, where
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import LESS, SILENCE, TIME, column
from grafana.dashboards.expect import (
    every,
    listed,
    rows,
    rows_of,
    series_of,
    several_times,
    signals,
    slower,
)
from grafana.dashboards.panels import (
    ERROR_RATE,
    NONE_IS_GOOD,
    PanelText,
    bars,
    firing,
    note,
    number_of_rows,
    totals,
)
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import APP, SPANS
from grafana.dashboards.web_performance import LCP

DASHBOARD = Board(
    uid="seamark-start",
    title="Start here",
    why="Is anything broken, for whom, since when; and where to look next.",
    variables=(APP,),
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                listing(
                    PanelText(
                        "Does telemetry arrive?",
                        "Items of the last hour beside those of the hour before, and for how long "
                        "nothing came, of every app and signal that sent in the last day. What is "
                        "silent makes every number below old.",
                        "short",
                        links=(("Ledger", links.to("seamark-ledger")),),
                        since="24h",
                    ),
                    Ask(
                        "freshness",
                        {"minutes": 60, "filters": chosen("app")},
                        every(rows_of("arrivals", "app", "demo"), rows("arrivals", 3)),
                    ),
                    columns={
                        "App": column(least=90),
                        "Signal": column(width=85),
                        "Items": column("Last hour", width=105),
                        "Items before": column("Hour before", width=120),
                        "Change": {**column(width=90), **LESS},
                        "Silent for": {**column(width=110), **SILENCE},
                        "Last received": TIME,
                    },
                    width=16,
                    height=8,
                ),
                firing(
                    "Alerts",
                    "Alert rules of this Grafana that fire, are about to, or cannot be evaluated. "
                    "Empty, too, where no rules are provisioned or Grafana evaluates none.",
                ),
                number_of_rows(
                    PanelText(
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
                    ),
                    Ask(
                        "errors",
                        {"filters": chosen("app")},
                        rows_of("releases", "release", "2.5.0"),
                    ),
                    width=8,
                ),
                number_of_rows(
                    PanelText(
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
                    ),
                    Ask(
                        "services",
                        {"filters": chosen("app")},
                        rows_of("services", "service", "gateway", "catalog", "checkout"),
                    ),
                    width=8,
                ),
                totals(
                    PanelText(
                        "Items the ledger is wrong by",
                        "What was accepted and is neither stored nor explained, where that is "
                        "settled. Anything but 0 is a fault of Seamark itself.",
                        "short",
                        NONE_IS_GOOD,
                        (("Ledger", links.to("seamark-ledger")),),
                    ),
                    Ask(
                        "ledger",
                        {"step": "5m"},
                        signals("events", "traces", "logs"),
                        series=("offBy",),
                        legend="{{app}} {{signal}}",
                    ),
                    width=8,
                ),
                course(
                    PanelText(
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
                    width=6,
                    stacked=True,
                ),
                course(
                    PanelText(
                        "Failing calls",
                        "Server and consumer spans in error over time: since when? A request that "
                        "fails in three services is one in each line; the lines do not add up.",
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
                    width=6,
                ),
                bars(
                    PanelText(
                        "Who sees page errors?",
                        "Errors by country. One that stands out points to a network or a language.",
                        "short",
                        links=(
                            (
                                "Errors in this country",
                                links.to("seamark-errors", "app", country=links.cell("Value")),
                            ),
                        ),
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
                    width=6,
                ),
                bars(
                    PanelText(
                        "Slowest pages",
                        "p75 of Largest Contentful Paint: when the main thing is there. Green to "
                        "2.5 s, red from 4 s. A click shows where and for whom.",
                        LCP.unit,
                        LCP.steps,
                        (
                            (
                                "Where, and for whom?",
                                links.to(
                                    "seamark-web-performance", "app", page=links.cell("Value")
                                ),
                            ),
                        ),
                    ),
                    Ask(
                        "top",
                        {
                            "metric": LCP.metric,
                            "by": "page",
                            "agg": "p75",
                            "limit": 8,
                            "filters": chosen("app"),
                        },
                        every(listed("/", "/product"), slower("/product", "/search", times=1.3)),
                    ),
                    width=6,
                ),
            ),
        ),
        Row(
            "Where to look next",
            (
                note(
                    "Something is wrong",
                    "One question for each dashboard. The range and the app go along.",
                    ways.WRONG,
                    width=12,
                    height=7,
                ),
                note(
                    "How is it going",
                    "One question for each dashboard. The app goes along.",
                    ways.GOING,
                    width=12,
                    height=7,
                ),
            ),
        ),
        Row(
            "Are people there?",
            (
                course(
                    PanelText(
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
                    PanelText(
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
    ),
)
