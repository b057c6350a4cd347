"""Rules that fire on the events of `seamark alert test`, one for each severity."""

from typing import Final

from grafana.alerts.rule import Above, Reduce, Rule, RuleQuery, Severity, uid_of
from grafana.alerts.shares import MINUTE, count
from grafana.dashboards import pipeline


def _trial(severity: Severity) -> Rule:
    return Rule(
        uid=uid_of(f"alert-test-{severity}"),
        title=f"Test of an alert of severity {severity}",
        says=(
            "`seamark alert test` sent {{ $values.B.Value }} events as {{ $labels.app }} (limit "
            "0), and this message is the result: the collector, the store, the API, Grafana and "
            "this contact point work. Nothing is wrong. It is resolved five minutes after the "
            "event."
        ),
        steps={
            "A": RuleQuery(count(f"seamark.alert_test.{severity}"), 5 * MINUTE),
            "B": Reduce("A", "sum"),
            "C": Above("B", 0),
        },
        severity=severity,
        lasts="0s",
        keeps="0s",
        no_data="OK",  # no test was sent
        runbook="alert-test",
        board=pipeline.DASHBOARD.uid,
        panel=pipeline.DASHBOARD.panel("Items stored"),
    )


TRIALS: Final = (_trial("warning"), _trial("critical"))
