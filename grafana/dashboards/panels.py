"""Kinds of panels. Each asks one question, says its unit, and explains itself."""

import dataclasses
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
_NOT_YET = {
    "type": "special",
    "options": {"match": "null", "result": {"text": "", "color": "transparent"}},
}
"""What has no value is no share of 0: it stays without a colour."""
CALM: Steps = ((None, "blue"),)
NONE_IS_GOOD: Steps = ((None, "green"), (0.000001, "red"))
ERROR_RATE: Steps = ((None, "green"), (0.005, "yellow"), (0.01, "red"))


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
class Words:
    """What every panel says about itself. `links`: title and URL of where a click leads."""

    title: str
    why: str
    unit: str
    steps: Steps = CALM
    links: tuple[tuple[str, str], ...] = ()
    empty: str = ""


def number(words: Words, ask: Ask, *, calc: str = "lastNotNull", width: int = 6) -> Panel:
    """One number out of series, one for each of them."""
    made = stat.Panel().reduce_options(common.ReduceDataOptions().calcs([calc]))
    return _panel(made, words, ask, width, 6)


def number_of_rows(words: Words, ask: Ask, *, width: int = 6) -> Panel:
    """One number for each row of an answer, called by what tells the rows apart."""
    return _panel(_called(stat.Panel(), ask), _clicked(words, ask), ask.numbers(), width, 6)


def bars(words: Words, ask: Ask, *, width: int = 8) -> Panel:
    """One bar for each row of an answer."""
    made = (
        _called(bargauge.Panel(), ask)
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .min(0)
    )
    return _panel(made, _clicked(words, ask), ask.numbers(), width, 8)


def pie(words: Words, ask: Ask, *, width: int = 8) -> Panel:
    """Shares of the whole, of a breakdown."""
    legend = (
        piechart.PieChartLegendOptions()
        .show_legend(True)
        .display_mode(common_models.LegendDisplayMode.LIST)
        .placement(common_models.LegendPlacement.RIGHT)
    )
    made = (
        _called(piechart.Panel(), ask)
        .pie_type(pie_models.PieChartType.DONUT)
        .display_labels([pie_models.PieChartLabels.PERCENT])
        .legend(legend)
    )
    return _panel(made, _clicked(words, ask), ask.numbers(), width, 8)


def course(
    words: Words, ask: Ask, *, width: int = 12, stacked: bool = False, only: str = ""
) -> Panel:
    """Series over time, as lines; counts that add up stand on one another as bars.

    `only`: a pattern of the names to show, where an answer has more than the question asks for.
    """
    made = timeseries.Panel().min(0).span_nulls(True).fill_opacity(10).legend(_named())
    if only:
        options = {"include": {"pattern": f"/^(time|{only})$/i"}}
        made = made.with_transformation(
            models.DataTransformerConfig(id_val="filterFieldsByName", options=options)
        )
    if stacked:
        made = (
            made.draw_style(common_models.GraphDrawStyle.BARS)
            .fill_opacity(70)
            .stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL))
        )
    if len(words.steps) > 1:
        made = made.thresholds_style(
            common.GraphThresholdsStyleConfig().mode(common_models.GraphThresholdsStyleMode.DASHED)
        )
    return _panel(made, words, ask, width, 8)


def listing(
    words: Words,
    ask: Ask,
    *,
    columns: Mapping[str, Mapping[str, object]] | None = None,
    frame: int = 0,
    width: int = 24,
    height: int = 9,
) -> Panel:
    """A table. `columns`: properties of a column by its name; `links` are on the first of them."""
    made = table.Panel().frame_index(frame)
    for place, (name, properties) in enumerate((columns or {}).items()):
        shown = [models.DynamicConfigValue(id_val=k, value=v) for k, v in properties.items()]
        if place == 0 and words.links:
            links = [{"title": title, "url": url} for title, url in words.links]
            shown.append(models.DynamicConfigValue(id_val="links", value=links))
        made = made.override_by_name(name, shown)
    return _panel(made, words, ask, width, height, links=False)


def shaded(words: Words, ask: Ask, *, columns: str, width: int = 12) -> Panel:
    """A table whose columns (a pattern) are shares, coloured by how large they are."""
    made = table.Panel().override_by_regexp(
        columns,
        [
            models.DynamicConfigValue(
                id_val="custom.cellOptions", value={"type": "color-background"}
            ),
            models.DynamicConfigValue(id_val="color", value={"mode": "continuous-BlPu"}),
            models.DynamicConfigValue(id_val="min", value=0),
            models.DynamicConfigValue(id_val="max", value=1),
            models.DynamicConfigValue(id_val="mappings", value=[_NOT_YET]),
        ],
    )
    return _panel(made, words, ask, width, 9)


def records(words: Words, ask: Ask, *, height: int = 14) -> Panel:
    """Log records, the newest first."""
    made = logs.Panel().show_time(True).wrap_log_message(True).enable_log_details(True)
    return _panel(made, words, ask, 24, height)


def one_trace(words: Words, ask: Ask) -> Panel:
    """All spans of a trace."""
    return _panel(dashboard.Panel().type("traces"), words, ask, 24, 16)


def graph(words: Words, ask: Ask, *, width: int = 12) -> Panel:
    """Who calls whom."""
    return _panel(nodegraph.Panel(), words, ask, width, 10)


def note(title: str, why: str, content: str, *, width: int = 24, height: int = 8) -> Panel:
    """Text in Markdown; it asks nothing."""
    made = text.Panel().content(content).title(title).description(why).transparent(True)
    return Panel(title, made, (), width, height)


def _panel(
    made: Any, words: Words, ask: Ask, width: int, height: int, *, links: bool = True
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
    if words.empty:
        made = made.no_value(words.empty)
    if words.links and links:
        made = made.data_links(
            [dashboard.DashboardLink(title).url(url) for title, url in words.links]
        )
    return Panel(words.title, made, (ask,), width, height)


def _named() -> common.VizLegendOptions:
    """Which colour is whose, below the lines. The SDK's panel hides it when it is not told."""
    legend = common.VizLegendOptions().show_legend(True)
    return legend.display_mode(common_models.LegendDisplayMode.LIST).placement(
        common_models.LegendPlacement.BOTTOM
    )


def _called(made: Any, ask: Ask) -> Any:
    """Numbers are called by their label, and each is the only one of its series."""
    named = made.display_name(f"${{__field.labels.{ask.label}}}")
    return named.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _clicked(words: Words, ask: Ask) -> Words:
    """A click on a row of a table knows its cells, one on a number its label."""
    label = f"__field.labels.{ask.label}"
    links = tuple((title, _CELL.sub(label, url)) for title, url in words.links)
    return dataclasses.replace(words, links=links)
