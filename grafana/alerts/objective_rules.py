"""Burn-rate alerts of the objectives in `thresholds.toml`.

A budget of failed calls is for 30 days. Each pair of windows pages when both spend it so many times
too fast: the long one that it matters, the short one that it still goes on.
https://sre.google/workbook/alerting-on-slos/
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from grafana.alerts.rule import Above, Math, Reduce, Rule, RuleQuery, Severity, Step, uid_of
from grafana.alerts.shares import FAILED, FEWEST, at_least, calls, percent
from grafana.alerts.thresholds import TABLE, Objective
from grafana.dashboards import services
from grafana.dashboards.ask import where

MINUTE, HOUR = 60, 3_600


@dataclass(frozen=True, slots=True)
class BurnWindow:
    """A pair of windows, and how many times too fast is too fast."""

    name: str
    factor: float
    long_s: int
    short_s: int
    step: str
    severity: Severity
    words: str


WINDOWS: Final = (
    BurnWindow("fast", 14.4, HOUR, 5 * MINUTE, "1m", "critical", "one hour and five minutes"),
    BurnWindow("slow", 6, 6 * HOUR, 30 * MINUTE, "5m", "critical", "six hours and half an hour"),
    BurnWindow("steady", 1, 72 * HOUR, 6 * HOUR, "1h", "warning", "three days and six hours"),
)


def rules(objective: Objective) -> Iterator[Rule]:
    """One rule for each pair of windows."""
    whose = f"{objective.service} of {objective.app}" if objective.service else objective.app
    for window in WINDOWS:
        yield Rule(
            uid=uid_of(f"burn-{window.name}", objective.app, objective.service),
            title=f"Objective {percent(objective.target)} of {whose}: {window.name} burn",
            says=(
                f"{whose}: within {window.words} calls failed "
                "{{ $values.I.Value }} and {{ $values.J.Value }} times as often as the objective "
                f"of {percent(objective.target)} leaves room for (limit {window.factor:g} in both)."
            ),
            steps=_steps(objective, window),
            severity=window.severity,
            lasts="2m",
            no_data="OK",  # nothing failed, or nothing was called
            runbook="objective-burn",
            board=services.DASHBOARD.uid,
            panel=services.DASHBOARD.panel("Errors over time"),
            chosen=("app", "service") if objective.service else ("app",),
        )


def _steps(objective: Objective, window: BurnWindow) -> dict[str, Step]:
    filters = [where("app", objective.app)]
    by: tuple[str, ...] = ("app",)
    if objective.service:
        filters, by = [*filters, where("service", objective.service)], ("app", "service")
    bad = calls(FAILED, *filters, by=by, step=window.step)
    every = calls(*filters, by=by, step=window.step)
    return {
        "A": RuleQuery(bad, window.long_s),
        "B": RuleQuery(every, window.long_s),
        "C": RuleQuery(bad, window.short_s),
        "D": RuleQuery(every, window.short_s),
        "E": Reduce("A", "sum"),
        "F": Reduce("B", "sum"),
        "G": Reduce("C", "sum"),
        "H": Reduce("D", "sum"),
        "I": Math(f"$E / $F / {objective.budget:g}"),
        "J": Math(f"$G / $H / {objective.budget:g}"),
        "K": Math(
            f"({at_least('$E')} / $F / {objective.budget:g} > {window.factor:g}) "
            f"* ($J > {window.factor:g}) * ($E >= {FEWEST})"
        ),
        "L": Above("K", 0),
    }


OBJECTIVES: Final = tuple(rule for each in TABLE.objectives for rule in rules(each))
