"""What is watched of Seamark's own processes, by what they report of themselves as app `seamark`.

None of these fires where nothing is reported: own metrics can be switched off. For a pipeline that
stands still there is `seamark-log-lag`, which asks the ledger.
"""

from collections.abc import Mapping
from typing import Final, Literal

from grafana.alerts.rule import Above, Math, Reduce, Rule, RuleQuery, Severity, Step, uid_of
from grafana.alerts.shares import MINUTE, percent, share
from grafana.alerts.thresholds import TABLE
from grafana.dashboards import own, pipeline
from grafana.dashboards.ask import Ask

ENOUGH_REQUESTS: Final = 100
"""In ten minutes; Seamark's own reports alone are fewer."""
LIMITS: Final = TABLE.stack


def _own(
    name: str,
    title: str,
    says: str,
    steps: Mapping[str, Step],
    *,
    severity: Severity = "critical",
    lasts: str,
    panel: str,
) -> Rule:
    """What was never reported has no data: that is OK. Alerts are routed by the app."""
    return Rule(
        uid=uid_of(name),
        title=title,
        says=says,
        steps=steps,
        severity=severity,
        lasts=lasts,
        no_data="OK",
        board=pipeline.DASHBOARD.uid,
        panel=pipeline.DASHBOARD.panel(panel),
        labels={"app": own.APP},
    )


def _above(
    ask: Ask,
    limit: float,
    *,
    since_s: int,
    reduced: Literal["sum", "last"] = "last",
    until: float | None = None,
) -> Mapping[str, Step]:
    """`B` is one measure; fires where it is above a limit."""
    return {
        "A": RuleQuery(ask, since_s),
        "B": Reduce("A", reduced),
        "C": Above("B", limit, until=until),
    }


INGEST = _own(
    "ingest-slow",
    f"Taking telemetry takes longer than {1000 * LIMITS.ingest_p99_seconds:g} ms",
    "p99 of the time to take a request is {{ humanizeDuration $values.E.Value }} (limit "
    f"{1000 * LIMITS.ingest_p99_seconds:g} ms; 0 s: too few requests to tell). What waits is "
    "not lost: senders hold on to it. It is mostly the log's disk.",
    {
        "A": RuleQuery(own.ingest_seconds("p99", step="1m"), 10 * MINUTE),
        "B": RuleQuery(own.ingest_seconds("count", step="1m"), 10 * MINUTE),
        "C": Reduce("A", "median"),
        "D": Reduce("B", "sum"),
        "E": Math(f"$C * ($D >= {ENOUGH_REQUESTS})"),
        "F": Above("E", LIMITS.ingest_p99_seconds, until=0.8 * LIMITS.ingest_p99_seconds),
    },
    lasts="5m",
    panel="Time to take a request",
)
ERRORS = _own(
    "ingest-errors",
    f"Requests that the collector answers 5xx: more than {percent(LIMITS.ingest_error_rate)}",
    "The collector answered {{ humanizePercentage $values.F.Value }} of the requests within "
    f"ten minutes with 5xx (limit {percent(LIMITS.ingest_error_rate)}, and more than chance). "
    "SDKs send such requests again, for a while; what they give up is lost.",
    share(
        own.answered_requests("5..", step="1m"),
        own.answered_requests(step="1m"),
        limit=LIMITS.ingest_error_rate,
    ),
    lasts="2m",
    panel="Requests rejected",
)
RETRIES = _own(
    "insert-retries",
    "Inserts into the store fail",
    "{{ $values.B.Value }} tries to put a block into the store failed within ten minutes "
    "({{ $labels.reason }}; limit 0). They are made again until they succeed, and what was "
    "received meanwhile waits in the log.",
    _above(own.failed_inserts(step="1m"), 0, since_s=10 * MINUTE, reduced="sum"),
    lasts="2m",
    panel="Inserts that failed",
)
WAITING = _own(
    "log-lag-messages",
    "Many messages wait in the log",
    "{{ $values.B.Value }} messages wait in the log for {{ $labels.sink }} (limit "
    f"{LIMITS.waiting_messages:g}). Nothing of them is lost until the log is full; then senders "
    "are turned away.",
    _above(
        own.waiting_messages(step="1m"),
        LIMITS.waiting_messages,
        since_s=5 * MINUTE,
        until=LIMITS.waiting_messages / 2,
    ),
    severity="warning",
    lasts="5m",
    panel="Messages that wait in the log",
)
STALLED = _own(
    "stream-stalled",
    "A stream of the log stands still",
    "{{ $labels.stream }} for {{ $labels.sink }}: stands still is {{ $values.B.Value }} (limit 0; "
    "1 is messages that wait while none was written for a minute). Others may move. Nothing is "
    "lost until the stream is full; `seamark deadletters show` says what stands at its head.",
    _above(own.stalled_streams(step="1m"), 0, since_s=5 * MINUTE),
    lasts="1m",
    panel="Streams that stand still",
)
STOPPED = _own(
    "stream-stopped",
    "A stream of the log is stopped until somebody acts",
    "{{ $labels.stream }} for {{ $labels.sink }}: stopped is {{ $values.B.Value }} (limit 0; 1 is "
    "that more of it is refused than may go to the dead letters, or that the record of its "
    "position contradicts the sink). It is tried again every half minute; nothing is lost until "
    "it is full.",
    _above(own.stopped_streams(step="1m"), 0, since_s=5 * MINUTE),
    lasts="0s",
    panel="Streams that are stopped",
)
DISK = _own(
    "disk-full",
    "A disk is nearly full",
    "The disk that {{ $labels.disk }} is kept on is {{ humanizePercentage $values.B.Value }} full "
    f"(limit {percent(LIMITS.disk_used)}). Before it is full the collector turns away what is "
    "worth least.",
    _above(
        own.used_disk(step="1m"),
        LIMITS.disk_used,
        since_s=10 * MINUTE,
        until=LIMITS.disk_used - 0.05,
    ),
    lasts="5m",
    panel="Disk in use",
)
SERIES = _own(
    "cardinality",
    "There are too many series",
    "{{ $values.B.Value }} different series of {{ $labels.kind }} were written in this hour and "
    f"the one before (limit {LIMITS.active_series:g}). Above it, a name or a label may hold ids, "
    "and questions become slow for every tenant.",
    _above(
        own.active_series(step="1m"),
        LIMITS.active_series,
        since_s=15 * MINUTE,
        until=0.9 * LIMITS.active_series,
    ),
    severity="warning",
    lasts="15m",
    panel="Series that are written",
)
DAMAGED = _own(
    "store-damaged",
    "Rows of the store are lost",
    "{{ $values.B.Value }} parts of {{ $labels.table }} are gone or cannot be read (limit 0). "
    "Answers about their time are too small, and say so. Log and archive have the rows; the "
    "runbook says how to fill them in again.",
    _above(own.damaged_parts(step="1m"), 0, since_s=10 * MINUTE),
    lasts="1m",
    panel="Lost parts of the store",
)
BACKUP = _own(
    "backup-old",
    "The last backup is old",
    "The last `seamark backup` that ended well is {{ humanizeDuration $values.B.Value }} ago "
    f"(limit {LIMITS.backup_age_hours:g} h). What is only in the store and the log is as old as "
    "that in the copy.",
    _above(own.backup_age(step="1m"), LIMITS.backup_age_hours * 3600, since_s=10 * MINUTE),
    severity="warning",
    lasts="10m",
    panel="Age of the last backup",
)
CERTIFICATE = _own(
    "certificate",
    f"A certificate ends within {LIMITS.certificate_days:g} days",
    "The certificate of {{ $labels.listener }} is good for "
    "{{ humanizeDuration $values.B.Value }} "
    f"more (limit {LIMITS.certificate_days:g} days). When it has ended, senders and dashboards "
    "cannot connect.",
    {
        "A": RuleQuery(own.certificate_seconds(step="1m"), 10 * MINUTE),
        "B": Reduce("A", "last"),
        "C": Math(f"{LIMITS.certificate_days:g} * 86400 - $B"),
        "D": Above("C", 0),
    },
    severity="warning",
    lasts="10m",
    panel="Time until certificates end",
)
OWN: Final = (
    *(INGEST, ERRORS, RETRIES, WAITING, STALLED, STOPPED),
    *(DISK, SERIES, DAMAGED, BACKUP, CERTIFICATE),
)
