"""What the ledger says of the pipeline, and that the API says nothing."""

from typing import Final

from grafana.alerts.rule import Above, Reduce, Rule, RuleQuery, Severity, uid_of
from grafana.alerts.thresholds import TABLE
from grafana.dashboards import ledger, own, pipeline
from grafana.dashboards.ask import Ask
from grafana.dashboards.board import Board

MINUTE, HOUR = 60, 3_600
_NEVER: Final = 1e12
"""Seconds: no answer is above it, so only the lack of one fires."""


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
        uid=uid_of(name),
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
        panel=board.panel(panel),
    )


LEDGER = _ledger(
    "ledger-out-of-balance",
    "The ledger is out of balance",
    "{{ $labels.app }}, {{ $labels.signal }}: of the items accepted within six hours "
    "{{ $values.B.Value }} are neither stored nor explained (limit 0). Above it Seamark may have "
    "lost or doubled data: keep everything as it is, and read the runbook.",
    "offBy",
    board=ledger.DASHBOARD,
    panel="Off by over time",
    since_s=6 * HOUR,
)
INSERTS = _ledger(
    "insert-failures",
    "The store refuses items for good",
    "{{ $labels.app }}, {{ $labels.signal }}: the store refused {{ $values.B.Value }} items for "
    "good within the hour (limit 0). Such items are kept as dead letters, and no question finds "
    "them.",
    "deadLettered",
    board=pipeline.DASHBOARD,
    panel="Refused by the store for good",
)
DEAD_LETTERS = _ledger(
    "dead-letters-growing",
    "Dead letters are growing",
    "{{ $labels.app }}, {{ $labels.signal }}: {{ $values.B.Value }} items were rejected and kept "
    f"within half an hour (limit {TABLE.stack.dead_letters:g}). Their sender sends what cannot be "
    "read.",
    "deadLetters",
    board=ledger.DASHBOARD,
    panel="Dead letters",
    severity="warning",
    limit=TABLE.stack.dead_letters,
    since_s=30 * MINUTE,
    lasts="5m",
)
_BEHIND: Final = RuleQuery(Ask("ledger", {"step": "5m"}, series=("behind",)), 15 * MINUTE)
LAG = Rule(
    uid="seamark-log-lag",
    title="Received data does not reach the store or the archive",
    says=(
        "The {{ $labels.sink }} is {{ humanizeDuration $values.B.Value }} behind what was "
        f"received (limit {TABLE.stack.behind_seconds:g} s). What it has not got waits in the "
        "log, and is lost only when that is full; dashboards end where the store does."
    ),
    steps={
        "A": _BEHIND,
        "B": Reduce("A", "last"),
        "C": Above("B", TABLE.stack.behind_seconds, until=TABLE.stack.behind_seconds / 2),
    },
    severity="critical",
    lasts="5m",
    no_data="KeepLast",  # the API does not know: the next rule says so
    board=pipeline.DASHBOARD.uid,
    panel=pipeline.DASHBOARD.panel("Behind by"),
    labels={"app": own.APP},
)
API_AWAY = Rule(
    uid="seamark-api-away",
    title="Seamark's API does not answer Grafana",
    says=(
        "Grafana asked Seamark's API how far behind the store is (limit: an answer within two "
        "minutes). While it gets none, dashboards have no data and all other alerts of Seamark are "
        "blind; whether data is taken and kept is not known from here."
    ),
    steps={"A": _BEHIND, "B": Reduce("A", "last"), "C": Above("B", _NEVER)},
    severity="critical",
    lasts="2m",
    no_data="Alerting",  # it answers, and cannot ask the log
    keeps="1m",
    error="Alerting",
    board=pipeline.DASHBOARD.uid,
    panel=pipeline.DASHBOARD.panel("Behind by"),
    labels={"app": own.APP},
)
PIPELINE: Final = (LEDGER, INSERTS, DEAD_LETTERS, LAG, API_AWAY)
