"""Web performance: the web vitals by page, release, country and device."""

from dataclasses import dataclass

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen
from grafana.dashboards.board import Board, Row
from grafana.dashboards.expect import Expectation, between, every, listed, series_of, slower
from grafana.dashboards.panels import Panel, PanelText, Steps, bars, number_of_rows
from grafana.dashboards.series import course
from grafana.dashboards.variables import WEB

_FILTERS = chosen(*(choice.name for choice in WEB))


@dataclass(frozen=True, slots=True)
class VitalPanels:
    """A web vital and where it stops being good, and begins to be poor.

    Thresholds: https://web.dev/articles/vitals
    """

    name: str
    says: str
    unit: str
    good: float
    poor: float
    usual: tuple[float, float]
    """Where the demo's values lie."""

    @property
    def metric(self) -> str:
        """The event whose value it is."""
        return f"web_vital.{self.name.lower()}"

    @property
    def steps(self) -> Steps:
        """Green while good, red when poor."""
        return ((None, "green"), (self.good, "yellow"), (self.poor, "red"))


VITALS = (
    VitalPanels(
        "LCP",
        "Largest Contentful Paint: when the main thing is there",
        "ms",
        2500,
        4000,
        (300, 30_000),
    ),
    VitalPanels(
        "INP",
        "Interaction to Next Paint: how long a click waits for its answer",
        "ms",
        200,
        500,
        (5, 5_000),
    ),
    VitalPanels(
        "CLS", "Cumulative Layout Shift: how much the page jumps about", "none", 0.1, 0.25, (0, 5)
    ),
    VitalPanels(
        "TTFB",
        "Time To First Byte: how long the server and the network take",
        "ms",
        800,
        1800,
        (20, 10_000),
    ),
)


def _now(vital: VitalPanels) -> Panel:
    return number_of_rows(
        PanelText(
            f"{vital.name} by app",
            f"{vital.says}. 75 % of page views are at least this good: green to "
            f"{vital.good:g}, red from {vital.poor:g}.",
            vital.unit,
            vital.steps,
        ),
        Ask(
            "top",
            {"metric": vital.metric, "by": "app", "agg": "p75", "limit": 5, "filters": _FILTERS},
            every(listed("demo"), between(*vital.usual)),
        ),
    )


def _by(vital: VitalPanels, dimension: str, expect: Expectation, *, width: int) -> Panel:
    return bars(
        PanelText(
            f"{vital.name} by {dimension}",
            f"p75 of {vital.name}, for which {dimension} it is worst.",
            vital.unit,
            vital.steps,
            (
                (
                    f"Only this {dimension}",
                    links.to(
                        "seamark-web-performance",
                        *_others(dimension),
                        **{dimension: links.cell("Value")},
                    ),
                ),
            ),
        ),
        Ask(
            "top",
            {
                "metric": vital.metric,
                "by": dimension,
                "agg": "p75",
                "limit": 15,
                "filters": _FILTERS,
            },
            every(expect, between(*vital.usual)),
        ),
        width=width,
    )


def _others(dimension: str) -> list[str]:
    return [choice.name for choice in WEB if choice.name != dimension]


def _since(vital: VitalPanels, *, by: str = "release", width: int = 12) -> Panel:
    return course(
        PanelText(
            f"{vital.name} over time by {by}",
            f"p75 of {vital.name} for each {by}: since when, and did a {by} make the difference?",
            vital.unit,
            vital.steps,
        ),
        Ask(
            "timeseries",
            {
                "metric": vital.metric,
                "agg": ["p75"],
                "groupBy": [by],
                "limit": 8,
                "filters": _FILTERS,
            },
            every(series_of("release", "2.5.0"), between(*vital.usual)),
            legend=f"{{{{{by}}}}}",
        ),
        width=width,
    )


LCP = VITALS[0]
_SLOW_PRODUCT = every(listed("/", "/product"), slower("/product", "/search", times=1.3))
"""The demo's newest release paints the product page slowly."""


def _details(vital: VitalPanels) -> Row:
    found = [
        _by(vital, "country", listed("US", "DE"), width=8),
        _by(vital, "device", listed("desktop", "mobile"), width=8),
        _by(vital, "release", listed("2.5.0"), width=8),
    ]
    if vital is not LCP:
        found = [_by(vital, "page", listed("/", "/product"), width=12), _since(vital), *found]
    return Row(f"{vital.name}: where, for whom, since when?", found)


DASHBOARD = Board(
    uid="seamark-web-performance",
    title="Web performance",
    why=(
        "How fast pages are for real people: LCP, INP, CLS and TTFB by page, release, country"
        " and device."
    ),
    variables=WEB,
    since="now-24h",
    rows=(
        Row(
            "Is it slow, for whom, since when?",
            (
                *(_now(vital) for vital in VITALS),
                _by(LCP, "page", _SLOW_PRODUCT, width=12),
                _since(LCP),
            ),
        ),
        *(_details(vital) for vital in VITALS),
    ),
)
