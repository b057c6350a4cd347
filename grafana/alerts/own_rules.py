"""What is watched of Seamark's own processes, by what they report of themselves as app `seamark`.

None of these fires where nothing is reported: own metrics can be switched off, and a pipeline that
stands still is told by `seamark-log-lag`, which asks the ledger.
"""

from typing import Final, Literal

from grafana.alerts.rule import Above, Math, Reduce, Rule, RuleQuery, Severity
from grafana.alerts.shares import MINUTE, percent, share
from grafana.alerts.thresholds import TABLE
from grafana.dashboards import own, pipeline
from grafana.dashboards.ask import Ask

SEAMARK: Final = {"app": own.APP}
"""Whom these are about: alerts are routed by the app."""
ENOUGH_REQUESTS: Final = 100
"""In ten minutes; Seamark's own reports alone are fewer."""
LIMITS: Final = TABLE.stack

INGEST = Rule(
    uid="seamark-ingest-slow",
    title=f"Taking telemetry takes longer than {1000 * LIMITS.ingest_p99_seconds:g} ms",
    says=(
        "p99 of the time to take a request is {{ humanizeDuration $values.E.Value }} (limit "
        f"{1000 * LIMITS.ingest_p99_seconds:g} ms; 0 s: too few requests to tell). What waits is "
        "not "
        "lost: senders hold on to it. It is mostly the log's disk."
    ),
    steps={
        "A": RuleQuery(own.ingest_seconds("p99", step="1m"), 10 * MINUTE),
        "B": RuleQuery(own.ingest_seconds("count", step="1m"), 10 * MINUTE),
        "C": Reduce("A", "median"),
        "D": Reduce("B", "sum"),
        "E": Math(f"$C * ($D >= {ENOUGH_REQUESTS})"),
        "F": Above("E", LIMITS.ingest_p99_seconds, until=0.8 * LIMITS.ingest_p99_seconds),
    },
    severity="critical",
    lasts="5m",
    no_data="OK",
    board=pipeline.DASHBOARD.uid,
    panel=pipeline.DASHBOARD.panel("Time to take a request"),
    labels=SEAMARK,
)
ERRORS = Rule(
    uid="seamark-ingest-errors",
    title=f"Requests that the collector answers 5xx: more than {percent(LIMITS.ingest_error_rate)}",
    says=(
        "The collector answered {{ humanizePercentage $values.F.Value }} of the requests within "
        "ten "
        f"minutes with 5xx (limit {percent(LIMITS.ingest_error_rate)}, and more than chance). SDKs "
        "send such requests again, for a while; what they give up is lost."
    ),
    steps=share(
        own.answered_requests("5..", step="1m"),
        own.answered_requests(step="1m"),
        limit=LIMITS.ingest_error_rate,
    ),
    severity="critical",
    lasts="2m",
    no_data="OK",
    board=pipeline.DASHBOARD.uid,
    panel=pipeline.DASHBOARD.panel("Requests rejected"),
    labels=SEAMARK,
)


def _above(  # a rule's own words and numbers, by name
    name: str,
    title: str,
    says: str,
    ask: Ask,
    *,
    since_s: int,
    reduced: Literal["sum", "last"] = "last",
    limit: float,
    until: float | None = None,
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
            "C": Above("B", limit, until=until),
        },
        severity=severity,
        lasts=lasts,
        no_data="OK",
        board=pipeline.DASHBOARD.uid,
        panel=pipeline.DASHBOARD.panel(panel),
        labels=SEAMARK,
    )


RETRIES = _above(
    "insert-retries",
    "Inserts into the store fail",
    "{{ $values.B.Value }} tries to put a block into the store failed within ten minutes "
    "({{ $labels.reason }}; limit 0). They are made again until they succeed, and what was "
    "received "
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
    "Many messages wait in the log",
    "{{ $values.B.Value }} messages wait in the log for {{ $labels.sink }} (limit "
    f"{LIMITS.waiting_messages:g}). Nothing of them is lost until the log is full; then senders "
    "are "
    "turned away.",
    own.waiting_messages(step="1m"),
    since_s=5 * MINUTE,
    limit=LIMITS.waiting_messages,
    until=LIMITS.waiting_messages / 2,
    severity="warning",
    lasts="5m",
    panel="Messages that wait in the log",
)
STALLED = _above(
    "stream-stalled",
    "A stream of the log stands still",
    "{{ $labels.stream }} for {{ $labels.sink }}: stands still is {{ $values.B.Value }} (limit "
    "0; 1 "
    "is messages that wait while none was written for a minute). Others may move. Nothing is lost "
    "until the stream is full; `seamark deadletters show` says what stands at its head.",
    own.stalled_streams(step="1m"),
    since_s=5 * MINUTE,
    limit=0,
    lasts="1m",
    panel="Streams that stand still",
)
STOPPED = _above(
    "stream-stopped",
    "A stream of the log is stopped until somebody acts",
    "{{ $labels.stream }} for {{ $labels.sink }}: stopped is {{ $values.B.Value }} (limit 0; 1 "
    "is that "
    "more of it is refused than may go to the dead letters, or that the record of its position "
    "contradicts the sink). It is tried again every half minute; nothing is lost until it is full.",
    own.stopped_streams(step="1m"),
    since_s=5 * MINUTE,
    limit=0,
    lasts="0s",
    panel="Streams that are stopped",
)
DISK = _above(
    "disk-full",
    "A disk is nearly full",
    "The disk that {{ $labels.disk }} is kept on is {{ humanizePercentage $values.B.Value }} full "
    f"(limit {percent(LIMITS.disk_used)}). Before it is full the collector turns away what is "
    "worth "
    "least.",
    own.used_disk(step="1m"),
    since_s=10 * MINUTE,
    limit=LIMITS.disk_used,
    until=LIMITS.disk_used - 0.05,
    lasts="5m",
    panel="Disk in use",
)
SERIES = _above(
    "cardinality",
    "There are too many series",
    "{{ $values.B.Value }} different series of {{ $labels.kind }} were written in this hour and "
    "the "
    f"one before (limit {LIMITS.active_series:g}). Above it, a name or a label may hold ids, and "
    "questions become slow for every tenant.",
    own.active_series(step="1m"),
    since_s=15 * MINUTE,
    limit=LIMITS.active_series,
    until=0.9 * LIMITS.active_series,
    severity="warning",
    lasts="15m",
    panel="Series that are written",
)
DAMAGED = _above(
    "store-damaged",
    "Rows of the store are lost",
    "{{ $values.B.Value }} parts of {{ $labels.table }} are gone or cannot be read (limit 0). "
    "Answers "
    "about their time are too small, and say so. Log and archive have the rows; the runbook says "
    "how "
    "to fill them in again.",
    own.damaged_parts(step="1m"),
    since_s=10 * MINUTE,
    limit=0,
    lasts="1m",
    panel="Lost parts of the store",
)
BACKUP = _above(
    "backup-old",
    "The last backup is old",
    "The last `seamark backup` that ended well is {{ humanizeDuration $values.B.Value }} ago "
    "(limit "
    f"{LIMITS.backup_age_hours:g} h). What is only in the store and the log is as old as that in "
    "the "
    "copy.",
    own.backup_age(step="1m"),
    since_s=10 * MINUTE,
    limit=LIMITS.backup_age_hours * 3600,
    severity="warning",
    lasts="10m",
    panel="Disk in use",
)
CERTIFICATE = Rule(
    uid="seamark-certificate",
    title=f"A certificate ends within {LIMITS.certificate_days:g} days",
    says=(
        "The certificate of {{ $labels.listener }} is good for "
        "{{ humanizeDuration $values.B.Value }} "
        f"more (limit {LIMITS.certificate_days:g} days). When it has ended, senders and dashboards "
        "cannot connect."
    ),
    steps={
        "A": RuleQuery(own.certificate_seconds(step="1m"), 10 * MINUTE),
        "B": Reduce("A", "last"),
        "C": Math(f"{LIMITS.certificate_days:g} * 86400 - $B"),
        "D": Above("C", 0),
    },
    severity="warning",
    lasts="10m",
    no_data="OK",
    board=pipeline.DASHBOARD.uid,
    panel=pipeline.DASHBOARD.panel("Time to take a request"),
    labels=SEAMARK,
)
OWN: Final = (
    *(INGEST, ERRORS, RETRIES, WAITING, STALLED, STOPPED),
    *(DISK, SERIES, DAMAGED, BACKUP, CERTIFICATE),
)
