"""Releases: page load and errors of one release beside those of the others."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import MESSAGE, NUMBER, TEXT, TIME, column
from grafana.dashboards.expect import every, listed, rows_of, series_of
from grafana.dashboards.panels import ERROR_RATE, Panel, PanelText, Steps, bars, number_of_rows
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import WEB

_FILTERS = chosen(*(choice.name for choice in WEB))
_LOAD = "web_vital.lcp"
_LOAD_STEPS: Steps = ((None, "green"), (2500, "yellow"), (4000, "red"))


def _load(level: str, who: str) -> Panel:
    return course(
        PanelText(
            f"Page load {level} by release",
            f"Largest Contentful Paint: {who} have the main thing on screen after this long.",
            "ms",
            _LOAD_STEPS,
        ),
        Ask(
            "timeseries",
            {"metric": _LOAD, "agg": [level], "groupBy": ["release"], "filters": _FILTERS},
            series_of("release", "2.5.0"),
            legend="{{release}}",
        ),
    )


def _load_now(level: str) -> Panel:
    return bars(
        PanelText(
            f"Page load {level}, whole range",
            f"{level} of Largest Contentful Paint, of each release.",
            "ms",
            _LOAD_STEPS,
            (
                (
                    "Where is it slow?",
                    links.to("seamark-web-performance", "app", release=links.cell("Value")),
                ),
            ),
        ),
        Ask(
            "top",
            {"metric": _LOAD, "by": "release", "agg": level, "limit": 8, "filters": _FILTERS},
            listed("2.5.0"),
        ),
        width=12,
    )


DASHBOARD = Board(
    uid="seamark-releases",
    title="Releases: page load and errors",
    why=(
        "Did a release make pages slower, or break them? Page load p50 and p95, and "
        "JavaScript errors by release."
    ),
    variables=WEB,
    since="now-24h",
    rows=(
        Row(
            "Did a release break something, for whom, since when?",
            (
                number_of_rows(
                    PanelText(
                        "JS error rate by release",
                        "Errors for each page view. The demo's 2.5.0 breaks the checkout.",
                        "percentunit",
                        ERROR_RATE,
                        (
                            (
                                "Errors of this release",
                                links.to("seamark-errors", "app", release=links.cell("Release")),
                            ),
                        ),
                    ),
                    Ask("errors", {"filters": _FILTERS}, rows_of("releases", "release", "2.5.0")),
                ),
                bars(
                    PanelText(
                        "Pages with JS errors",
                        "On which pages errors happen.",
                        "short",
                        links=(
                            ("Errors of this page", links.to("seamark-errors", "app", "release")),
                        ),
                    ),
                    Ask(
                        "top",
                        {"metric": "exception", "by": "page", "limit": 8, "filters": _FILTERS},
                        listed("/checkout"),
                    ),
                    width=6,
                ),
                course(
                    PanelText(
                        "JS errors by release", "Since when, and with which release.", "short"
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "exception",
                            "agg": ["count"],
                            "groupBy": ["release"],
                            "filters": _FILTERS,
                        },
                        series_of("release", "2.5.0"),
                        legend="{{release}}",
                    ),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Did a release make pages slower?",
            (
                _load("p50", "half of the people"),
                _load("p95", "all but 5 % of people"),
                _load_now("p50"),
                _load_now("p95"),
            ),
        ),
        Row(
            "What is new?",
            (
                course(
                    PanelText("Page views by release", "How far a release has reached.", "short"),
                    Ask(
                        "timeseries",
                        {
                            "metric": "page_view",
                            "agg": ["count"],
                            "groupBy": ["release"],
                            "filters": _FILTERS,
                        },
                        every(series_of("release", "2.5.0")),
                        legend="{{release}}",
                    ),
                    width=24,
                    stacked=True,
                ),
                listing(
                    PanelText(
                        "Error groups of these releases",
                        "`New in` names the newest release where an error was never seen "
                        "before it.",
                        "short",
                    ),
                    Ask(
                        "errors",
                        {"filters": _FILTERS, "spans": False, "logs": False, "limit": 20},
                        rows_of("groups", "type", "TypeError"),
                    ),
                    columns={
                        "Type": column(width=140),
                        "Message": MESSAGE,
                        "New in": NUMBER,
                        "Count": NUMBER,
                        "People": NUMBER,
                        "Releases": column(width=120),
                        "First seen": TIME,
                        "Frame": TEXT,
                    },
                ),
            ),
        ),
    ),
)
