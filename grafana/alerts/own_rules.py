"""What is watched of Seamark's own processes, by what they report of themselves as app `seamark`.

None of these speaks up where nothing is reported: own metrics can be switched off, and a pipeline
that stands still is told by `seamark-log-lag`, which asks the ledger.
"""

from typing import Final, Literal

from grafana.alerts.rule import Above, Math, Reduce, Rule, RuleQuery, Severity
from grafana.dashboards import own, pipeline
from grafana.dashboards.ask import Ask
from grafana.dashboards.panels import Panel

SEAMARK: Final = {"app": own.APP}
"""Whom these are about: alerts are routed by the app."""
MINUTE: Final = 60
SLOW_S: Final = 0.1
MOST_WAITING: Final = 1_000_000
FULL: Final = 0.9
MOST_SERIES: Final = 100_000
ENOUGH_REQUESTS: Final = 100
"""In ten minutes; Seamark's own reports alone are fewer."""


def _panel(title: str) -> Panel:
    return next(panel for panel in pipeline.DASHBOARD.panels if panel.title == title)


INGEST = Rule(
    uid="seamark-ingest-slow",
    title="Taking telemetry takes longer than 100 ms",
    says=(
        "One request in a hundred waits {{ humanizeDuration $values.E.Value }} or longer for its "
        "answer. Nothing is lost, but senders hold on to more, and give up sooner. It is mostly "
        "the log's disk."
    ),
    steps={
        "A": RuleQuery(own.ingest_seconds("p99", step="1m"), 10 * MINUTE),
        "B": RuleQuery(own.ingest_seconds("count", step="1m"), 10 * MINUTE),
        "C": Reduce("A", "median"),
        "D": Reduce("B", "sum"),
        "E": Math(f"$C * ($D >= {ENOUGH_REQUESTS})"),
        "F": Above("E", SLOW_S),
    },
    severity="critical",
    lasts="5m",
    no_data="OK",
    board=pipeline.DASHBOARD.uid,
    panel=_panel("Time to take a request"),
    labels=SEAMARK,
)


def _above(  # a rule's own words and numbers, by name
    name: str,
    title: str,
    says: str,
    ask: Ask,
    *,
    since_s: int,
    reduced: Literal["sum", "last"],
    limit: float,
    severity: Severity = "critical",
    lasts: str,
    panel: str,
) -> Rule:
    """Fires where one measure is above a limit. What was never counted has no data: that is OK."""
    return Rule(
        uid=f"seamark-{name}",
        title=title,
        says=says,
        steps={
            "A": RuleQuery(ask, since_s),
            "B": Reduce("A", reduced),
            "C": Above("B", limit),
        },
        severity=severity,
        lasts=lasts,
        no_data="OK",
        board=pipeline.DASHBOARD.uid,
        panel=_panel(panel),
        labels=SEAMARK,
    )


RETRIES = _above(
    "insert-retries",
    "Inserts into the store fail",
    "{{ $values.B.Value }} tries to put a block into the store failed within ten minutes "
    "({{ $labels.reason }}). They are made again until they succeed; what was received "
    "meanwhile waits in the log.",
    own.failed_inserts(step="1m"),
    since_s=10 * MINUTE,
    reduced="sum",
    limit=0,
    lasts="2m",
    panel="Inserts that failed",
)
WAITING = _above(
    "log-lag-messages",
    "More than a million messages wait in the log",
    "{{ $values.B.Value }} messages wait in the log for {{ $labels.sink }}. Nothing is lost "
    "until the log is full; then senders are turned away.",
    own.waiting_messages(step="1m"),
    since_s=5 * MINUTE,
    reduced="last",
    limit=MOST_WAITING,
    severity="warning",
    lasts="5m",
    panel="Messages that wait in the log",
)
STALLED = _above(
    "stream-stalled",
    "A stream of the log stands still",
    "Messages wait in {{ $labels.stream }} for {{ $labels.sink }}, and none was written for "
    "longer than a minute, while others may move. Nothing is lost until the stream is full; "
    "`seamark deadletters show` says what stands at its head.",
    own.stalled_streams(step="1m"),
    since_s=5 * MINUTE,
    reduced="last",
    limit=0,
    lasts="1m",
    panel="Streams that stand still",
)
STOPPED = _above(
    "stream-stopped",
    "A stream of the log is stopped until somebody acts",
    "{{ $labels.sink }} has stopped to carry {{ $labels.stream }}: more of it is refused than "
    "may go to the dead letters, or the record of its position contradicts the sink. It is "
    "tried again every half minute. Nothing is lost until the stream is full.",
    own.stopped_streams(step="1m"),
    since_s=5 * MINUTE,
    reduced="last",
    limit=0,
    lasts="0s",
    panel="Streams that are stopped",
)
DISK = _above(
    "disk-full",
    "A disk is nearly full",
    "The disk that {{ $labels.disk }} is kept on is {{ humanizePercentage $values.B.Value }} "
    "full. Before it is full the collector turns away what is worth least; make room, or give "
    "it more.",
    own.used_disk(step="1m"),
    since_s=10 * MINUTE,
    reduced="last",
    limit=FULL,
    lasts="5m",
    panel="Disk in use",
)
SERIES = _above(
    "cardinality",
    "There are too many series",
    "{{ $values.B.Value }} different series of {{ $labels.kind }} were written in this hour "
    "and the one before. A name or a label holds ids; questions become slow for every tenant.",
    own.active_series(step="1m"),
    since_s=15 * MINUTE,
    reduced="last",
    limit=MOST_SERIES,
    severity="warning",
    lasts="15m",
    panel="Series that are written",
)
DAMAGED = Rule(
    uid="seamark-store-damaged",
    title="Rows of the store are lost",
    says=(
        "{{ $values.B.Value }} parts of {{ $labels.table }} are gone or cannot be read. Answers "
        "about their time are too small, and say so. Log and archive have the rows; the runbook "
        "says how to fill them in again."
    ),
    steps={
        "A": RuleQuery(own.damaged_parts(step="1m"), 10 * MINUTE),
        "B": Reduce("A", "last"),
        "C": Above("B", 0),
    },
    severity="critical",
    lasts="1m",
    no_data="OK",
    board=pipeline.DASHBOARD.uid,
    panel=_panel("Lost parts of the store"),
    labels=SEAMARK,
)
OWN: Final = (INGEST, RETRIES, WAITING, STALLED, STOPPED, DISK, SERIES, DAMAGED)
