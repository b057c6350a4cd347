"""What is watched. Every rule can fire on what the API answers today.

What Seamark's own processes report of themselves is watched by `own_rules.py`.
"""

from collections.abc import Sequence
from typing import Final

from grafana.alerts.own_rules import OWN
from grafana.alerts.rule import (
    Above,
    Math,
    Reduce,
    Resample,
    Rule,
    RuleGroup,
    RuleQuery,
    Severity,
    Step,
)
from grafana.dashboards import errors, ledger, own, pipeline, services, traffic, web_performance
from grafana.dashboards.ask import Ask, where
from grafana.dashboards.board import Board
from grafana.dashboards.panels import Panel
from grafana.dashboards.variables import SPANS
from grafana.dashboards.web_performance import VITALS, VitalPanels

FOLDER: Final = "Seamark alerts"
"""Not the dashboards' folder: alerting is provisioned first and makes folders by their titles."""
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def _panel(board: Board, title: str) -> Panel:
    return next(panel for panel in board.panels if panel.title == title)


def _count(
    metric: str, *filters: dict[str, str], by: Sequence[str] = ("app",), step: str = "1m"
) -> Ask:
    return Ask(
        "timeseries",
        {
            "metric": metric,
            "agg": ["count"],
            "groupBy": list(by),
            "granularity": step,
            "filters": list(filters),
        },
    )


def _ratio(bad: Ask, good: Ask, *, enough: int) -> dict[str, Step]:
    """More than 1 % in ten minutes, where there is enough to tell."""
    return {
        "A": RuleQuery(bad, 10 * MINUTE),
        "B": RuleQuery(good, 10 * MINUTE),
        "C": Reduce("A", "sum"),
        "D": Reduce("B", "sum"),
        "E": Math(f"($C / $D) * ($D >= {enough})"),
        "F": Above("E", 0.01),
    }


_SERVED = where("kind", "server|consumer", "=~")

SERVICE_ERRORS = Rule(
    uid="seamark-service-error-rate",
    title="More than 1 % of a service's calls fail",
    says=(
        "{{ $labels.service }} of {{ $labels.app }} fails "
        "{{ humanizePercentage $values.E.Value }} of its calls, for five "
        "minutes at least. Look which operation it is, and whether something was just released."
    ),
    steps=_ratio(
        _count(SPANS, _SERVED, where("status", "error"), by=("app", "service")),
        _count(SPANS, _SERVED, by=("app", "service")),
        enough=100,
    ),
    severity="critical",
    lasts="5m",
    # No failed call at all is what should be. That nothing is called is traffic's rule to tell.
    no_data="OK",
    board=services.DASHBOARD.uid,
    panel=_panel(services.DASHBOARD, "Errors over time"),
    chosen=("app", "service"),
)
PAGE_ERRORS = Rule(
    uid="seamark-page-error-rate",
    title="More than 1 % of page views meet an error",
    says=(
        "In {{ $labels.app }} there are errors for {{ humanizePercentage $values.E.Value }} "
        "of the page "
        "views, for five minutes at least. Look whether they are all of one release."
    ),
    steps=_ratio(_count("exception"), _count("page_view"), enough=100),
    severity="critical",
    lasts="5m",
    no_data="OK",  # as above
    board=errors.DASHBOARD.uid,
    panel=_panel(errors.DASHBOARD, "Errors by type"),
    chosen=("app",),
)
TRAFFIC = Rule(
    uid="seamark-traffic-drop",
    title="Traffic is more than 20 % below the last hour's",
    says=(
        "{{ $labels.app }} has {{ humanizePercentage $values.F.Value }} fewer page views a "
        "minute than in "
        "the hour before. Either people cannot reach it, or their telemetry cannot reach us."
    ),
    steps={
        # One question about both times: an app that fell silent still has its hour before.
        "A": RuleQuery(_count("page_view"), 76 * MINUTE, MINUTE),
        "B": Resample("A", "1m", 15 * MINUTE, MINUTE),
        "C": Resample("A", "1m", 75 * MINUTE, 16 * MINUTE),
        "D": Reduce("B", "mean", empty=0),
        "E": Reduce("C", "mean", empty=0),
        # Where there were few, a fifth more or less is chance.
        "F": Math("(1 - $D / ($E + 0.000001)) * ($E >= 10)"),
        "G": Above("F", 0.2),
    },
    severity="critical",
    lasts="10m",
    # Nobody was there for over an hour, or nobody ever: an alert fired when it began.
    no_data="OK",
    board=traffic.DASHBOARD.uid,
    panel=_panel(traffic.DASHBOARD, "Page views over time"),
    chosen=("app",),
)


def _vital(vital: VitalPanels) -> Rule:
    ask = Ask(
        "timeseries",
        {
            "metric": vital.metric,
            "agg": ["p75"],
            "groupBy": ["app", "page"],
            "granularity": "15m",
            "limit": 100,
        },
    )
    return Rule(
        uid=f"seamark-web-vital-{vital.name.lower()}",
        title=f"{vital.name} of a page has become worse",
        says=(
            f"{vital.name} (p75) of {{{{ $labels.page }}}} in {{{{ $labels.app }}}} is not "
            "good any more, and more "
            "than a quarter worse than the day before. Look whether it came with a release."
        ),
        steps={
            "A": RuleQuery(ask, HOUR),
            "B": RuleQuery(ask, 25 * HOUR, HOUR),
            "C": Reduce("A", "median"),
            "D": Reduce("B", "median"),
            "E": Math(f"($C / ($D + 0.000001)) * ($C > {vital.good:g})"),
            "F": Above("E", 1.25),
        },
        severity="warning",
        lasts="30m",
        no_data="OK",  # nobody looked at a page
        team="web",
        runbook="web-vital-regression",
        board=web_performance.DASHBOARD.uid,
        panel=_panel(web_performance.DASHBOARD, f"{vital.name} over time by release"),
        chosen=("app", "page"),
    )


def _ledger(
    name: str,
    title: str,
    says: str,
    measure: str,
    *,
    board: Board,
    panel: str,
    severity: Severity = "critical",
    limit: float = 0,
    since_s: int = HOUR,
    lasts: str = "0s",
) -> Rule:
    ask = Ask("ledger", {"step": "1m"}, series=(measure,))
    return Rule(
        uid=f"seamark-{name}",
        title=title,
        says=says,
        steps={
            "A": RuleQuery(ask, since_s),
            "B": Reduce("A", "sum"),
            "C": Above("B", limit),
        },
        severity=severity,
        lasts=lasts,
        no_data="OK",  # nothing was sent
        board=board.uid,
        panel=_panel(board, panel),
    )


LEDGER = _ledger(
    "ledger-out-of-balance",
    "The ledger is out of balance",
    "{{ $values.B.Value }} items of {{ $labels.app }} ({{ $labels.signal }}) were "
    "accepted and are neither "
    "stored nor explained. Seamark may have lost or doubled data: keep everything as it is.",
    "offBy",
    board=ledger.DASHBOARD,
    panel="Off by over time",
    since_s=6 * HOUR,
)
INSERTS = _ledger(
    "insert-failures",
    "The store refuses items for good",
    "{{ $values.B.Value }} items of {{ $labels.app }} ({{ $labels.signal }}) could not be"
    " put into the store and "
    "were set aside in the log. They are kept, but no question finds them.",
    "deadLettered",
    board=pipeline.DASHBOARD,
    panel="Refused by the store for good",
)
DEAD_LETTERS = _ledger(
    "dead-letters-growing",
    "Dead letters are growing",
    "{{ $values.B.Value }} items of {{ $labels.app }} ({{ $labels.signal }}) were "
    "rejected and kept within the "
    "last half hour. A sender has begun to send what cannot be read.",
    "deadLetters",
    board=ledger.DASHBOARD,
    panel="Dead letters",
    severity="warning",
    limit=100,
    since_s=30 * MINUTE,
    lasts="5m",
)
LAG = Rule(
    uid="seamark-log-lag",
    title="Received data does not reach the store or the archive",
    says=(
        "The {{ $labels.sink }} is {{ humanizeDuration $values.B.Value }} behind. Nothing is "
        "lost: it waits in "
        "the log, until that is full. Dashboards show the past as if nothing had happened since."
    ),
    steps={
        "A": RuleQuery(Ask("ledger", {"step": "5m"}, series=("behind",)), 15 * MINUTE),
        "B": Reduce("A", "last"),
        "C": Above("B", 600),
    },
    severity="critical",
    lasts="5m",
    # How far behind is always known, unless the API cannot ask the log: that is as bad.
    no_data="Alerting",
    error="Alerting",
    board=pipeline.DASHBOARD.uid,
    panel=_panel(pipeline.DASHBOARD, "Behind by"),
    labels={"app": own.APP},
)


def _test(severity: Severity) -> Rule:
    name = f"seamark.alert_test.{severity}"
    return Rule(
        uid=f"seamark-alert-test-{severity}",
        title=f"Test of an alert of severity {severity}",
        says=(
            "`seamark alert test` sent one event as {{ $labels.app }}, and this message comes of "
            "it: the collector, the store, the API, Grafana and this contact point work. "
            "Nothing is wrong. It is resolved about five minutes after the event."
        ),
        steps={
            "A": RuleQuery(_count(name), 5 * MINUTE),
            "B": Reduce("A", "sum"),
            "C": Above("B", 0),
        },
        severity=severity,
        lasts="0s",
        no_data="OK",  # nobody tests
        runbook="alert-test",
        board=pipeline.DASHBOARD.uid,
        panel=_panel(pipeline.DASHBOARD, "Items stored"),
    )


TESTS: Final = (_test("warning"), _test("critical"))

GROUPS: Final = (
    RuleGroup("Seamark: what people meet", "1m", (SERVICE_ERRORS, PAGE_ERRORS, TRAFFIC)),
    RuleGroup("Seamark: web vitals", "5m", tuple(_vital(vital) for vital in VITALS[:3])),
    RuleGroup("Seamark: the pipeline", "1m", (LEDGER, INSERTS, DEAD_LETTERS, LAG)),
    RuleGroup("Seamark: its own processes", "1m", OWN),
    RuleGroup("Seamark: tests of alerting", "30s", TESTS),
)
RULES: Final = tuple(rule for group in GROUPS for rule in group.rules)
