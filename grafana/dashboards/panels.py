"""Kinds of panels. Each asks one question, says its unit, and explains itself."""

import dataclasses
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from grafana.dashboards.ask import Ask, datasource
from grafana.dashboards.sdk import (
    bargauge,
    common,
    common_models,
    dashboard,
    logs,
    models,
    nodegraph,
    pie_models,
    piechart,
    stat,
    table,
    text,
    timeseries,
)

_CELL = re.compile(r'__data\.fields\["[^"]*"\]')
Steps = Sequence[tuple[float | None, str]]
CALM: Steps = ((None, "blue"),)
NONE_IS_GOOD: Steps = ((None, "green"), (0.000001, "red"))
ERROR_RATE: Steps = ((None, "green"), (0.005, "yellow"), (0.01, "red"))
NO_DATA: Final = "No data"
"""All that a panel says of an answer that is empty, or of none because the query failed."""


def _instead(text: str, colour: str) -> models.SpecialValueMap:
    """What stands for null and for what is no number. Without it they have the lowest colour."""
    result = models.ValueMappingResult(text=text, color=colour)
    match = models.SpecialValueMatch.NULL_AND_NAN
    return models.SpecialValueMap(models.DashboardSpecialValueMapOptions(match, result))


_ONE: Final = common.ReduceDataOptions().calcs(["lastNotNull"])
"""The newest value. A sum would make 0 of no value."""
_UNKNOWN: Final = _instead(NO_DATA, "#8e8e8e")
_DASH: Final = _instead("–", "transparent")


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel of a dashboard: the SDK's, the question it asks, and how large it is (of 24)."""

    title: str
    made: Any
    asks: tuple[Ask, ...]
    width: int
    height: int

    @property
    def id(self) -> int:
        """By the title, so that it stays when panels come, go or move: links and alerts name it."""
        return zlib.crc32(self.title.encode()) % 1_000_000 + 1

    def build(self, place: models.GridPos) -> models.Panel:
        """As Grafana saves it."""
        built: models.Panel = self.made.id(self.id).grid_pos(place).build()
        return built


@dataclass(frozen=True, slots=True)
class PanelText:
    """What every panel says about itself. `links`: title and URL of where a click leads.

    `since`: a range of its own (`24h`, `7d`), whatever that of the dashboard is.
    """

    title: str
    why: str
    unit: str
    steps: Steps = CALM
    links: tuple[tuple[str, str], ...] = ()
    since: str = ""


def newest(words: PanelText, ask: Ask, *, width: int = 8) -> Panel:
    """The newest number of each series."""
    made = _beside(stat.Panel()).reduce_options(_ONE)
    return panel(made, words, ask, width, 5)


def totals(words: PanelText, ask: Ask, *, width: int = 8) -> Panel:
    """What each series adds up to in the range, one bar for each, however many there are."""
    made = _lying(bargauge.Panel()).reduce_options(_ONE)
    return panel(made, words, ask.numbers(), width, 5)


def number_of_rows(words: PanelText, ask: Ask, *, width: int = 6) -> Panel:
    """One number for each row of an answer, called by what tells the rows apart."""
    made = _called(_beside(stat.Panel()))
    return panel(made, _clicked(words, ask), ask.numbers(), width, 5)


def bars(words: PanelText, ask: Ask, *, width: int = 8, height: int = 8) -> Panel:
    """One bar for each row of an answer."""
    made = _called(_lying(bargauge.Panel()))
    return panel(made, _clicked(words, ask), ask.numbers(), width, height)


def pie(words: PanelText, ask: Ask, *, width: int = 8) -> Panel:
    """Shares of the whole, of a breakdown."""
    legend = (
        piechart.PieChartLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.RIGHT)
    )
    made = (
        _called(piechart.Panel())
        .pie_type(pie_models.PieChartType.DONUT)
        .display_labels([pie_models.PieChartLabels.PERCENT])
        .legend(legend)
    )
    return panel(made, _clicked(words, ask), ask.numbers(), width, 8)


def records(words: PanelText, ask: Ask, *, height: int = 14) -> Panel:
    """Log records, the newest first."""
    made = logs.Panel().show_time(True).wrap_log_message(True).enable_log_details(True)
    return panel(made, words, ask, 24, height)


def one_trace(words: PanelText, ask: Ask, *, width: int = 24) -> Panel:
    """All spans of a trace."""
    return panel(dashboard.Panel().type("traces"), words, ask, width, 16)


def graph(words: PanelText, ask: Ask, *, width: int = 12) -> Panel:
    """Who calls whom."""
    return panel(nodegraph.Panel(), words, ask, width, 10)


def firing(title: str, why: str, *, width: int = 8, height: int = 8) -> Panel:
    """Alert rules that fire, are about to, or cannot be evaluated; the newest first."""
    made = dashboard.Panel().type("alertlist").title(title).description(why)
    made = made.options(
        {
            "viewMode": "list",
            "groupMode": "default",
            "groupBy": [],
            "maxItems": 20,
            "sortOrder": 3,
            "dashboardAlerts": False,
            "alertName": "",
            "alertInstanceLabelFilter": "",
            "stateFilter": {
                "firing": True,
                "pending": True,
                "recovering": True,
                "noData": True,
                "normal": False,
                "error": True,
            },
        }
    )
    return Panel(title, made, (), width, height)


def note(title: str, why: str, content: str, *, width: int = 24, height: int = 8) -> Panel:
    """Text in Markdown; it asks nothing."""
    made = text.Panel().content(content).title(title).description(why).transparent(True)
    return Panel(title, made, (), width, height)


def overridden(made: Any, properties: Mapping[str, Mapping[str, object]]) -> Any:
    """Properties of columns or series, by their names."""
    for name, found in properties.items():
        values = [models.DynamicConfigValue(id_val=k, value=v) for k, v in found.items()]
        if values:
            made = made.override_by_name(name, values)
    return made


def panel(
    made: Any, words: PanelText, ask: Ask, width: int, height: int, *, links: bool = True
) -> Panel:
    made = (
        made.title(words.title)
        .description(words.why)
        .unit(words.unit)
        .datasource(datasource())
        .with_target(ask)
        .thresholds(
            dashboard.ThresholdsConfig()
            .mode(models.ThresholdsMode.ABSOLUTE)
            .steps([models.Threshold(value=value, color=colour) for value, colour in words.steps])
        )
    )
    if len(words.steps) > 1:
        made = (
            made.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))
            if not isinstance(made, timeseries.Panel)
            else made
        )
    made = made.mappings([_DASH]) if isinstance(made, table.Panel) else made.no_value(NO_DATA)
    if isinstance(made, stat.Panel | bargauge.Panel | piechart.Panel):
        made = made.mappings([_UNKNOWN])
    if since := words.since or _days(ask):
        made = made.time_from(since)
    if words.links and links:
        made = made.data_links(
            [dashboard.DashboardLink(title).url(url) for title, url in words.links]
        )
    return Panel(words.title, made, (ask,), width, height)


def _days(ask: Ask) -> str:
    """The range of a panel by days or weeks: that of a dashboard one came to may be too short."""
    step = str(
        ask.request.get("period")
        if ask.kind == "retention"
        else ask.request.get("granularity") or ask.request.get("step")
    )
    return {"1d": "7d", "day": "7d", "1w": "28d", "week": "28d"}.get(step, "")


def _lying(made: Any) -> Any:
    """Bars from left to right, thin however few there are, their names before them."""
    return (
        made.orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .name_placement(common_models.BarGaugeNamePlacement.LEFT)
        .sizing(common_models.BarGaugeSizing.MANUAL)
        .min_viz_height(15)
        .max_viz_height(34)
        .min(0)
    )


def _beside(made: Any) -> Any:
    """Each number in a line of its own, its name before it: on a phone as on a desk."""
    lines = made.orientation(common_models.VizOrientation.HORIZONTAL)
    return lines.graph_mode(common_models.BigValueGraphMode.NONE)


def _called(made: Any) -> Any:
    """Each number is the only one of its series; the plugin calls it by its label."""
    return made.reduce_options(_ONE)


def _clicked(words: PanelText, ask: Ask) -> PanelText:
    """A click on a row of a table knows its cells, one on a number its label."""
    label = f"__field.labels.{ask.label}"
    links = tuple((title, _CELL.sub(label, url)) for title, url in words.links)
    return dataclasses.replace(words, links=links)
