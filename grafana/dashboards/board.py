"""A dashboard: rows of panels become places on Grafana's grid of 24 columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from grafana.dashboards.ask import Ask, chosen, datasource
from grafana.dashboards.panels import Panel
from grafana.dashboards.sdk import Builder, JSONEncoder, dashboard, models
from grafana.dashboards.variables import Choice, TextVariable, source

TAG = "seamark"
SCHEMA_VERSION = 42
COLUMNS = 24
START = "seamark-start"
_LATER = 1_000_000
"""Ids of rows lie beyond those of panels."""
_LINKS: Final[list[Builder[models.DashboardLink]]] = [
    dashboard.DashboardLink("Start here")
    .type(models.DashboardLinkType.LINK)
    .url(f"/d/{START}")
    .icon("bolt")
    .keep_time(True)
    .include_vars(True),
    dashboard.DashboardLink("All dashboards")
    .type(models.DashboardLinkType.DASHBOARDS)
    .tags([TAG])
    .as_dropdown(True)
    .keep_time(True)
    .include_vars(True),
]
"""The way back to the first of them, and the way to all."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading. They flow from left to right, a full line makes the next.

    No line has a hole: its panels are as high as the highest, the last as wide as what is left.
    """

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard. Its first row answers: is it broken, for whom, since when."""

    uid: str
    title: str
    why: str
    rows: Sequence[Row]
    variables: Sequence[Choice | TextVariable] = ()
    since: str = "now-6h"
    refresh: str = "1m"
    panels: tuple[Panel, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "panels", tuple(p for row in self.rows for p in row.panels))

    def panel(self, title: str) -> Panel:
        """The panel of that title. Raises StopIteration when there is none."""
        return next(panel for panel in self.panels if panel.title == title)

    def as_json(self) -> str:
        """The file's text: classic JSON."""
        made = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.why)
            .tags([TAG])
            .time(self.since, "now")
            .refresh(self.refresh)
            .timezone("browser")
            .tooltip(models.DashboardCursorSync.CROSSHAIR)
            .variables([source(), *self.variables])
            .links(_LINKS[self.uid == START :])
            .annotation(self._releases())
            .editable()
        )
        built = made.build()
        built.panels = self._placed()
        for link in built.links or ():
            link.placement = None  # type: ignore[assignment]  # the SDK's puts it into a menu that Grafana does not show yet
        built.schema_version = SCHEMA_VERSION
        return json.dumps(built, cls=JSONEncoder, indent=1, ensure_ascii=False) + "\n"

    def _releases(self) -> dashboard.AnnotationQuery:
        """Events named `deploy` and `release`, as marks on every series."""
        apps = any(variable.name == "app" for variable in self.variables)
        request = {
            "names": ["deploy", "release"],
            "groupBy": ["app", "release"],
            "filters": chosen("app") if apps else [],
        }
        return (
            dashboard.AnnotationQuery()
            .name("Deploys and releases")
            .datasource(datasource())
            .enable(True)
            .icon_color("#8e8e8e")
            .target(Ask("annotations", request, ref="Anno"))
        )

    def _placed(self) -> list[models.Panel | models.RowPanel]:
        placed: list[models.Panel | models.RowPanel] = []
        top = 0
        for number, row in enumerate(self.rows):
            heading = dashboard.Row(row.title).id(_LATER + number + 1).collapsed(False)
            placed.append(heading.grid_pos(_place(0, top, COLUMNS, 1)).build())
            top += 1
            for line in _lines(row.panels):
                height = max(panel.height for panel in line)
                left = 0
                for panel in line:
                    width = COLUMNS - left if panel is line[-1] else panel.width
                    placed.append(panel.build(_place(left, top, width, height)))
                    left += width
                top += height
        return placed


def _lines(panels: Sequence[Panel]) -> list[list[Panel]]:
    """Panels side by side, as many as fit. A line is as high as its highest panel, and full."""
    lines: list[list[Panel]] = [[]]
    for panel in panels:
        if sum(beside.width for beside in lines[-1]) + panel.width > COLUMNS:
            lines.append([])
        lines[-1].append(panel)
    return lines


def _place(left: int, top: int, width: int, height: int) -> models.GridPos:
    return models.GridPos(x=left, y=top, w=width, h=height)
