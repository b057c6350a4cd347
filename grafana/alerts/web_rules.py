"""Web vitals of a page that became worse."""

from typing import Final

from grafana.alerts.rule import Above, Math, Reduce, Rule, RuleQuery
from grafana.alerts.thresholds import TABLE, AppScope
from grafana.dashboards import web_performance
from grafana.dashboards.ask import Ask
from grafana.dashboards.web_performance import VITALS, VitalPanels

HOUR: Final = 3_600
_ENOUGH: Final = 20
"""Measurements within the hour, below which a percentile is chance."""


def vital_worse(vital: VitalPanels, scope: AppScope) -> Rule:
    """A percentile that is not good, and worse than the day before."""

    def ask(agg: str) -> Ask:
        request = {
            "metric": vital.metric,
            "agg": [agg],
            "groupBy": ["app", "page"],
            "granularity": "15m",
            "limit": 100,
        }
        return Ask("timeseries", request | {"filters": scope.filters} if scope.filters else request)

    limit = scope.thresholds.web_vital_worse
    return Rule(
        uid=scope.uid(f"web-vital-{vital.name.lower()}"),
        title=f"{vital.name} of a page is not good, and worse than the day before{scope.title}",
        says=(
            f"{vital.name} (p75) of {{{{ $labels.page }}}} in {{{{ $labels.app }}}}: "
            "{{ $values.C.Value }} in the last hour, {{ $values.D.Value }} in the day before "
            f"(limit {limit:g} times as much, and above {vital.good:g})."
        ),
        steps={
            "A": RuleQuery(ask("p75"), HOUR),
            "B": RuleQuery(ask("p75"), 25 * HOUR, HOUR),
            "M": RuleQuery(ask("count"), HOUR),
            "C": Reduce("A", "median"),
            "D": Reduce("B", "median"),
            "N": Reduce("M", "sum"),
            "E": Math(f"($C / ($D + 0.000001)) * ($C > {vital.good:g}) * ($N >= {_ENOUGH})"),
            "F": Above("E", limit, until=1 + (limit - 1) / 2),
        },
        severity="warning",
        lasts="30m",
        no_data="OK",  # no page was viewed
        team="web",
        runbook="web-vital-regression",
        board=web_performance.DASHBOARD.uid,
        panel=web_performance.DASHBOARD.panel(f"{vital.name} over time by release"),
        chosen=("app", "page"),
    )


WEB: Final = tuple(vital_worse(vital, scope) for vital in VITALS[:3] for scope in TABLE.scopes)
