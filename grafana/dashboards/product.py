"""Product: which features are used, how far people get, whether they come back."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen, people
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import DAY, LEAK, NUMBER, TEXT, column
from grafana.dashboards.expect import every, leaks, listed, rows, series_of, several_times
from grafana.dashboards.panels import PanelText, bars, number_of_rows
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing, shaded
from grafana.dashboards.variables import APP, COUNTRY, DEVICE, RELEASE, TextVariable

_CHOICES = (APP, RELEASE, COUNTRY, DEVICE)
_FILTERS = chosen(*(choice.name for choice in _CHOICES))
_STEPS = ("view_item", "add_to_cart", "begin_checkout", "purchase")
_FUNNEL = {"steps": [f"${{step{n}}}" for n in range(1, 5)], "windowSec": 3600, "filters": _FILTERS}
_CONVERSION = {
    "Step": TEXT,
    "Of the step before": LEAK,
    "People": column(width=75),
    "Of the first": column(width=95),
    "Median time": column(width=100),
    "p90 time": column(width=80),
}

DASHBOARD = Board(
    uid="seamark-product",
    title="Product",
    why=(
        "Which features are used by day and by week, how far people get, and whether they "
        "come back. The funnel's steps are names of events: type your own."
    ),
    variables=(
        *_CHOICES,
        *(TextVariable(f"step{n}", f"Step {n}", name) for n, name in enumerate(_STEPS, start=1)),
    ),
    since="now-7d",
    refresh="15m",
    rows=(
        Row(
            "Do people get what they came for? Who does not, since when?",
            (
                number_of_rows(
                    PanelText(
                        "People who finish",
                        "People with the last step of the funnel in the range, by app, "
                        "whatever they did before. The funnel below has those who took every "
                        "step in order within an hour, one account over several sessions once: "
                        "fewer.",
                        "short",
                    ),
                    people("${step4}", by="app", limit=5, filters=_FILTERS, expect=listed("demo")),
                    width=4,
                ),
                bars(
                    PanelText(
                        "Who finishes, by country",
                        "People with the last step of the funnel, by country.",
                        "short",
                        links=(
                            (
                                "Only this country",
                                links.to(
                                    "seamark-product",
                                    "app",
                                    "release",
                                    "device",
                                    country=links.cell("Value"),
                                ),
                            ),
                        ),
                    ),
                    people(
                        "${step4}", by="country", limit=8, filters=_FILTERS, expect=listed("US")
                    ),
                    width=8,
                ),
                course(
                    PanelText(
                        "Last step by day",
                        "How often the last step of the funnel was reached, by app.",
                        "short",
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "${step4}",
                            "agg": ["count"],
                            "granularity": "1d",
                            "groupBy": ["app"],
                            "filters": _FILTERS,
                        },
                        several_times(2),
                        legend="{{app}}",
                    ),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "How far do people get?",
            (
                bars(
                    PanelText(
                        "Funnel",
                        "People at each step, in this order, within an hour of the first.",
                        "short",
                    ),
                    Ask("funnel", _FUNNEL, leaks(*_STEPS)),
                    width=12,
                ),
                listing(
                    PanelText(
                        "Funnel: conversion and time",
                        "Share of the first step and of the step before, and how long it "
                        "took from there.",
                        "short",
                    ),
                    Ask("funnel", _FUNNEL, leaks(*_STEPS)),
                    columns=_CONVERSION,
                    width=12,
                    height=8,
                ),
                listing(
                    PanelText("Funnel by device", "Who gets less far.", "short"),
                    Ask("funnel", {**_FUNNEL, "groupBy": "device", "limit": 5}, leaks(*_STEPS)),
                    columns={"Step": TEXT, "Group": column("Device", width=90), **_CONVERSION},
                ),
            ),
        ),
        Row(
            "Which features are used?",
            (
                course(
                    PanelText(
                        "Feature clicks by day", "Clicks on each feature, by day (UTC).", "short"
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "feature_click",
                            "agg": ["count"],
                            "granularity": "1d",
                            "groupBy": ["feature"],
                            "limit": 10,
                            "filters": _FILTERS,
                        },
                        every(series_of("feature", "search", "wishlist"), several_times(2)),
                        legend="{{feature}}",
                    ),
                    stacked=True,
                ),
                course(
                    PanelText(
                        "Feature clicks by week",
                        "Clicks on each feature, by week from Monday (UTC).",
                        "short",
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "feature_click",
                            "agg": ["count"],
                            "granularity": "1w",
                            "groupBy": ["feature"],
                            "limit": 10,
                            "filters": _FILTERS,
                        },
                        series_of("feature", "search", "wishlist"),
                        legend="{{feature}}",
                    ),
                    stacked=True,
                ),
                bars(
                    PanelText(
                        "Features compared: clicks", "Which feature is clicked most.", "short"
                    ),
                    Ask(
                        "top",
                        {
                            "metric": "feature_click",
                            "by": "feature",
                            "limit": 12,
                            "filters": _FILTERS,
                        },
                        listed("search", "wishlist", "compare"),
                    ),
                    width=12,
                ),
                bars(
                    PanelText(
                        "Features compared: people", "Which feature reaches most people.", "short"
                    ),
                    people(
                        "feature_click",
                        by="feature",
                        limit=12,
                        filters=_FILTERS,
                        expect=listed("search", "wishlist", "compare"),
                    ),
                    width=12,
                ),
                bars(
                    PanelText(
                        "Experiments: who began",
                        "People with the third step of the funnel, by variant of an experiment.",
                        "short",
                    ),
                    people(
                        "${step3}",
                        by="experiment",
                        limit=12,
                        filters=_FILTERS,
                        expect=listed("checkout-button:control", "checkout-button:one-click"),
                    ),
                    width=12,
                    height=5,
                ),
                bars(
                    PanelText(
                        "Experiments: who finished",
                        "People with the last step, by variant: compare with who began.",
                        "short",
                    ),
                    people(
                        "${step4}",
                        by="experiment",
                        limit=12,
                        filters=_FILTERS,
                        expect=listed("checkout-button:control", "checkout-button:one-click"),
                    ),
                    width=12,
                    height=5,
                ),
            ),
        ),
        Row(
            "Do people come back?",
            (
                shaded(
                    PanelText(
                        "Retention by day",
                        "Of the people first seen on a day, the share that came back so "
                        "many days later.",
                        "short",
                    ),
                    Ask(
                        "retention",
                        {"start": "page_view", "period": "day", "periods": 6, "filters": _FILTERS},
                        rows("cohorts", 2),
                    ),
                    columns={"Cohort": DAY, "People": NUMBER},
                    shares="/^day /",
                ),
                shaded(
                    PanelText(
                        "Retention by week",
                        "The same by week from Monday. Choose a range of several weeks.",
                        "short",
                    ),
                    Ask(
                        "retention",
                        {"start": "page_view", "period": "week", "periods": 3, "filters": _FILTERS},
                        rows("cohorts", 1),
                    ),
                    columns={"Cohort": DAY, "People": NUMBER},
                    shares="/^week /",
                ),
            ),
        ),
    ),
)
