"""A dashboard: rows of panels become places on Grafana's grid of 24 columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from grafana.dashboards.panels import Panel
from grafana.dashboards.sdk import JSONEncoder, dashboard, models
from grafana.dashboards.variables import Choice, Words, source

TAG = "seamark"
SCHEMA_VERSION = 42
COLUMNS = 24
_LATER = 1_000_000
"""Ids of rows lie beyond those of panels."""


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading. They flow from left to right, a full line makes the next."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard. Its first row answers: is it broken, for whom, since when."""

    uid: str
    title: str
    why: str
    rows: Sequence[Row]
    variables: Sequence[Choice | Words] = ()
    since: str = "now-6h"
    refresh: str = "1m"
    panels: tuple[Panel, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "panels", tuple(p for row in self.rows for p in row.panels))

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
            .link(
                dashboard.DashboardLink("Seamark")
                .type(models.DashboardLinkType.DASHBOARDS)
                .tags([TAG])
                .as_dropdown(True)
                .keep_time(True)
                .include_vars(True)
            )
            .editable()
        )
        built = made.build()
        built.panels = self._placed()
        built.schema_version = SCHEMA_VERSION
        return json.dumps(built, cls=JSONEncoder, indent=1, ensure_ascii=False) + "\n"

    def _placed(self) -> list[models.Panel | models.RowPanel]:
        placed: list[models.Panel | models.RowPanel] = []
        top = 0
        for number, row in enumerate(self.rows):
            heading = dashboard.Row(row.title).id(_LATER + number + 1).collapsed(False)
            placed.append(heading.grid_pos(_place(0, top, COLUMNS, 1)).build())
            top += 1
            left = line = 0
            for panel in row.panels:
                if left + panel.width > COLUMNS:
                    left, top, line = 0, top + line, 0
                placed.append(panel.build(_place(left, top, panel.width, panel.height)))
                left, line = left + panel.width, max(line, panel.height)
            top += line
        return placed


def _place(left: int, top: int, width: int, height: int) -> models.GridPos:
    return models.GridPos(x=left, y=top, w=width, h=height)
