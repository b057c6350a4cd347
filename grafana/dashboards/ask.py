"""A panel's question as the datasource plugin reads it, beside what its answer has to look like."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from grafana.dashboards.expect import Expectation, anything
from grafana.dashboards.sdk import Builder, Dataquery, common_models

DATASOURCE_TYPE = "seamark-datasource"


def datasource() -> common_models.DataSourceRef:
    """The datasource that the dashboard's variable chooses."""
    return common_models.DataSourceRef(type_val=DATASOURCE_TYPE, uid="${datasource}")


@dataclass(frozen=True, slots=True)
class Ask(Builder[Dataquery], Dataquery):
    """One query. `request` is the API's body without its range; `series` is of the ledger alone.

    `least_rows` 0: on a healthy stack there may be nothing to show.
    """

    kind: str
    request: Mapping[str, Any] = field(default_factory=dict)
    expect: Expectation = anything
    least_rows: int = 1
    legend: str = ""
    trace_id: str = ""
    series: tuple[str, ...] = ()
    ref: str = "A"
    format: str = ""
    value: str = ""

    @property
    def label(self) -> str:
        """What tells its numbers apart, where it is asked for numbers."""
        return {"services": "service", "errors": "release", "funnel": "step"}.get(
            self.kind, str(self.request.get("by", ""))
        )

    def numbers(self) -> "Ask":
        """The same question, answered with a labelled number for each row, not with a table."""
        value = "releases.rate" if self.kind == "errors" else ""
        legend = self.legend or f"{{{{{self.label}}}}}"
        return dataclasses.replace(self, format="numeric", value=value, legend=legend)

    def build(self) -> Dataquery:
        """Itself: it needs no building."""
        return self

    def to_json(self) -> dict[str, object]:
        """As the plugin's editor saves it."""
        saved: dict[str, object] = {
            "refId": self.ref,
            "datasource": datasource(),
            "queryType": self.kind,
            "request": self.request,
        }
        if self.legend:
            saved["legend"] = self.legend
        if self.format:
            saved["format"] = self.format
        if self.value:
            saved["value"] = self.value
        if self.trace_id:
            saved["traceId"] = self.trace_id
        if self.series:
            saved["series"] = list(self.series)
        return saved


def people(
    metric: str, *, by: str, limit: int, filters: Sequence[Mapping[str, str]], expect: Expectation
) -> Ask:
    """How many different people have an event, by the largest values of a dimension."""
    request = {
        "metric": metric,
        "by": by,
        "agg": "uniq_users",
        "limit": limit,
        "filters": filters,
    }
    return Ask("top", request, expect)


def chosen(*names: str) -> list[dict[str, str]]:
    """Filters by the dashboard's variables: dimension and variable have one name."""
    return [{"key": name, "op": "=~", "value": f"${{{name}:regex}}"} for name in names]


def where(key: str, value: str, op: str = "=") -> dict[str, str]:
    """One filter."""
    return {"key": key, "op": op, "value": value}
