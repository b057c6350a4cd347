"""Panels of series over time."""

from collections.abc import Mapping
from typing import Any, Final

from grafana.dashboards.ask import Ask
from grafana.dashboards.columns import LEVEL_COLOURS
from grafana.dashboards.panels import Panel, PanelText, overridden, panel
from grafana.dashboards.sdk import common, common_models, dashboard, models, timeseries

ERROR_METRICS: Final = frozenset({"exception", "error"})
FAULTS: Final = frozenset(
    {"rejected", "requestRejections", "deadLettered", "deadLetters", "offBy", "archiveOffBy"}
)
"""Measures of the ledger that count what went wrong."""


def course(
    words: PanelText,
    ask: Ask,
    *,
    width: int = 12,
    stacked: bool = False,
    only: str = "",
    series: Mapping[str, Mapping[str, object]] | None = None,
) -> Panel:
    """Series over time, as lines; counts that add up stand on one another as bars.

    `only`: the aggregate to show, where an answer has more than the panel asks for; its series are
    called by what they are grouped by. `series`: properties of a series by its name.
    """
    made = timeseries.Panel().min(0).span_nulls(False).fill_opacity(10).legend(_named())
    if only:
        made = _of_one_aggregate(made, only, str(ask.request["groupBy"]))
    if of_failures(ask):
        shades = dashboard.FieldColor().mode(models.FieldColorModeId.SHADES).fixed_color("red")
        made = made.color_scheme(shades)
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
    return panel(overridden(made, series or {}), words, ask, width, 8)


def of_failures(ask: Ask) -> bool:
    """Whether what it counts went wrong: such series are in shades of red, none of them green."""
    failed = {"key": "status", "op": "=", "value": "error"}
    return (
        ask.request.get("metric") in ERROR_METRICS
        or failed in ask.request.get("filters", ())
        or not FAULTS.isdisjoint(ask.series)
    )


def levels(words: PanelText, ask: Ask, *, width: int = 24) -> Panel:
    """Log records over time by level, each in the colour that one expects of it."""
    colours = {
        name: {"color": {"mode": "fixed", "fixedColor": colour}}
        for name, colour in LEVEL_COLOURS.items()
    }
    return course(words, ask, width=width, stacked=True, series=colours)


def _of_one_aggregate(made: Any, aggregate: str, label: str) -> Any:
    options = {"include": {"pattern": f"/^(time|.* {aggregate})$/i"}}
    called = models.DynamicConfigValue(id_val="displayName", value=f"${{__field.labels.{label}}}")
    return made.with_transformation(
        models.DataTransformerConfig(id_val="filterFieldsByName", options=options)
    ).override_by_regexp(f"/ {aggregate}$/", [called])


def _named() -> common.VizLegendOptions:
    """Which colour is whose, below the lines. The SDK's panel hides it when it is not told."""
    legend = common.VizLegendOptions().show_legend(True)
    return legend.display_mode(common_models.LegendDisplayMode.LIST).placement(
        common_models.LegendPlacement.BOTTOM
    )
