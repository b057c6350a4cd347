"""Panels that are tables. What their columns are is in `columns.py`."""

from grafana.dashboards.ask import Ask
from grafana.dashboards.columns import NOT_YET, Columns
from grafana.dashboards.panels import Panel, PanelText, overridden, panel
from grafana.dashboards.sdk import common, models, table

_SHARE = {
    "custom.cellOptions": {"type": "color-background"},
    "custom.minWidth": 70,
    "color": {"mode": "continuous-BlPu"},
    "min": 0,
    "max": 1,
    "mappings": [NOT_YET],
}


def listing(
    words: PanelText,
    ask: Ask,
    *,
    columns: Columns,
    newest: str = "",
    width: int = 24,
    height: int = 9,
) -> Panel:
    """A table of these columns, in this order. `links` of its words are on the first of them.

    `newest`: the column by which the newest rows are the first, where the answer begins with the
    oldest.
    """
    made = table.Panel()
    if newest:
        made = made.sort_by([common.TableSortByFieldState().display_name(newest).desc(True)])
    for transformation in _only(columns):
        made = made.with_transformation(transformation)
    if words.links:
        first, *_ = columns
        links = [{"title": title, "url": url} for title, url in words.links]
        columns = {**columns, first: {**columns[first], "links": links}}
    return panel(overridden(made, columns), words, ask, width, height, links=False)


def shaded(words: PanelText, ask: Ask, *, columns: Columns, shares: str, width: int = 12) -> Panel:
    """A table in which the columns of a pattern are shares, coloured by how large they are."""
    made = table.Panel().override_by_regexp(
        shares, [models.DynamicConfigValue(id_val=k, value=v) for k, v in _SHARE.items()]
    )
    return panel(overridden(made, columns), words, ask, width, 9)


def _only(columns: Columns) -> tuple[models.DataTransformerConfig, ...]:
    """An answer has more columns than a table shows, and some have a second table behind it."""
    named = models.DataTransformerConfig(
        id_val="filterFieldsByName", options={"include": {"names": list(columns)}}
    )
    places = {name: place for place, name in enumerate(columns)}
    placed = models.DataTransformerConfig(
        id_val="organize",
        options={"indexByName": places, "excludeByName": {}, "renameByName": {}},
    )
    # Grafana calls a column `Value` by the name of its table, and so would put it last.
    return (named,) if "Value" in columns else (named, placed)
