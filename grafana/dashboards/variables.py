"""The variables that dashboards share."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana.dashboards.ask import DATASOURCE_TYPE, datasource
from grafana.dashboards.sdk import Builder, dashboard, models

ALL = "$__all"
EVERYTHING = ".*"
"""What "All" stands for in a filter by pattern: also what has no value."""


@dataclass(frozen=True, slots=True)
class Choice(Builder[models.VariableModel]):
    """Values of a dimension, or a fixed list of them; several may be chosen, or all.

    `metric`: whose values are offered. `one`: exactly one is chosen.
    """

    name: str
    label: str
    metric: str = "page_view"
    dimension: str = ""
    fixed: Sequence[str] = ()
    one: bool = False

    def build(self) -> models.VariableModel:
        """As Grafana saves it."""
        made: dashboard.CustomVariable | dashboard.QueryVariable
        if self.fixed:
            made = dashboard.CustomVariable(self.name).values(",".join(self.fixed))
        else:
            made = (
                dashboard.QueryVariable(self.name)
                .datasource(datasource())
                .query(
                    {
                        "refId": f"variable-{self.name}",
                        "kind": "values",
                        "label": self.dimension or self.name,
                        "metric": self.metric,
                    }
                )
                .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
                .sort(models.VariableSort.ALPHABETICAL_ASC)
            )
        made = made.label(self.label)
        if self.one:
            if isinstance(made, dashboard.QueryVariable):
                # What has no value is not the first choice.
                made = made.regex(r"/^(?!\(none\)$).*$/")
            return made.build()
        everything = models.VariableOption(text=["All"], value=[ALL])
        return made.multi(True).include_all(True).all_value(EVERYTHING).current(everything).build()


@dataclass(frozen=True, slots=True)
class TextVariable(Builder[models.VariableModel]):
    """A text that is typed."""

    name: str
    label: str
    default: str = ""

    def build(self) -> models.VariableModel:
        """As Grafana saves it."""
        option = models.VariableOption(text=self.default, value=self.default)
        return (
            dashboard.TextBoxVariable(self.name)
            .label(self.label)
            .default_value(self.default)
            .current(option)
            .build()
        )


def source() -> Builder[models.VariableModel]:
    """Which Seamark is asked."""
    return (
        dashboard.DatasourceVariable("datasource")
        .label("Seamark")
        .type(DATASOURCE_TYPE)
        .current(models.VariableOption(text="Seamark", value="seamark"))
    )


SPANS = "traces.span.duration"
APP = Choice("app", "App")
APP_OF_SPANS = Choice("app", "App", metric=SPANS)
RELEASE = Choice("release", "Release")
COUNTRY = Choice("country", "Country")
DEVICE = Choice("device", "Device")
PAGE = Choice("page", "Page")
SERVICE = Choice("service", "Service", metric=SPANS)
ONE_SERVICE = Choice("service", "Service", metric=SPANS, one=True)
WEB = (APP, RELEASE, COUNTRY, DEVICE, PAGE)
