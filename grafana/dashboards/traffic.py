"""Traffic: who is there, what they look at, and where they go next. Every bar is a click deeper."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen, people
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import column
from grafana.dashboards.expect import Expectation, every, listed, rows, series_of, several_times
from grafana.dashboards.panels import Panel, PanelText, bars, number_of_rows, pie
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import WEB, TextVariable

_NAMES = [choice.name for choice in WEB]
_FILTERS = chosen(*_NAMES)


def _only(dimension: str) -> tuple[tuple[str, str], ...]:
    kept = [name for name in _NAMES if name != dimension]
    return (
        (
            f"Only this {dimension}",
            links.to("seamark-traffic", *kept, **{dimension: links.cell("Value")}),
        ),
    )


def _views(by: str, limit: int, expect: Expectation) -> Ask:
    return Ask(
        "top", {"metric": "page_view", "by": by, "limit": limit, "filters": _FILTERS}, expect
    )


def _share(dimension: str, expect: Expectation, *, called: str = "") -> Panel:
    clicks = _only(dimension) if dimension in _NAMES else ()
    words = PanelText(
        f"Page views by {called or dimension}",
        f"Shares of page views by {called or dimension}.",
        "short",
        links=clicks,
    )
    return pie(words, _views(dimension, 8, expect))


def _visits(title: str, why: str, unit: str, aggregate: str) -> Panel:
    return course(
        PanelText(title, why, unit),
        Ask(
            "sessions",
            {"granularity": "1h", "groupBy": "device", "filters": _FILTERS},
            series_of("device", "desktop", "mobile"),
            legend="{{device}} {{agg}}",
        ),
        only=aggregate,
    )


DASHBOARD = Board(
    uid="seamark-traffic",
    title="Traffic",
    why=(
        "Page views, visitors and visits: by page, country, device and browser. A click on a "
        "part shows it alone."
    ),
    variables=(*WEB, TextVariable("start", "Paths from", "/product")),
    since="now-24h",
    rows=(
        Row(
            "Are people there? Who is missing, since when?",
            (
                number_of_rows(
                    PanelText(
                        "Visitors",
                        "Different people in the range, as far as they are known by id, by app.",
                        "short",
                    ),
                    people("page_view", by="app", limit=5, filters=_FILTERS, expect=listed("demo")),
                    width=4,
                ),
                _share("country", listed("US", "DE", "GB")),
                course(
                    PanelText(
                        "Page views over time",
                        "A sudden drop is an outage, or telemetry that no longer arrives.",
                        "short",
                    ),
                    Ask(
                        "timeseries",
                        {
                            "metric": "page_view",
                            "agg": ["count"],
                            "groupBy": ["app"],
                            "filters": _FILTERS,
                        },
                        every(series_of("app", "demo"), several_times(12)),
                        legend="{{app}}",
                    ),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "What do they look at?",
            (
                bars(
                    PanelText(
                        "Top pages",
                        "Most viewed first. A click shows one page alone.",
                        "short",
                        links=_only("page"),
                    ),
                    _views("page", 15, listed("/", "/product", "/search", "/checkout")),
                    width=12,
                ),
                listing(
                    PanelText(
                        "Top pages: share",
                        "The same with their share of all page views.",
                        "short",
                        links=(
                            (
                                "How fast is it?",
                                links.to(
                                    "seamark-web-performance", "app", page=links.cell("Value")
                                ),
                            ),
                        ),
                    ),
                    _views("page", 100, listed("/", "/product")),
                    columns={
                        "Value": column("Page", least=170),
                        "Count": column("Page views", width=120),
                        "Share": column(width=95),
                    },
                    width=12,
                    height=8,
                ),
            ),
        ),
        Row(
            "Who are they?",
            (
                _share("device", listed("desktop", "mobile")),
                _share("browser", rows("values", 3)),
                _share("os", rows("values", 3), called="operating system"),
            ),
        ),
        Row(
            "How do visits go?",
            (
                _visits(
                    "Visits by device",
                    "How many visits begin, cut after 30 minutes without an event.",
                    "short",
                    "sessions",
                ),
                _visits(
                    "Bounce rate by device",
                    "Share of visits that looked at one page only.",
                    "percentunit",
                    "bounceRate",
                ),
                _visits(
                    "Length of visits by device",
                    "Half of the visits are longer, from first to last event.",
                    "ms",
                    "lengthP50Ms",
                ),
                listing(
                    PanelText(
                        "Where people go next",
                        "What follows the first view of the page in `Paths from`. A "
                        "shorter path is a visit that ended there.",
                        "short",
                    ),
                    Ask(
                        "paths",
                        {
                            "start": "${start}",
                            "depth": 2,
                            "limit": 15,
                            "filters": chosen("app", "release", "country", "device"),
                        },
                        rows("paths", 2),
                    ),
                    columns={
                        "Steps": column("Next pages", least=170),
                        "Sessions": column("Visits", width=120),
                        "Share": column(width=95),
                    },
                    width=12,
                    height=8,
                ),
            ),
        ),
    ),
)
