"""Pipeline health: does what is sent arrive, and how far behind are the store and the archive.

The ledger shows the outcome of data; the last row is what Seamark's processes report of themselves.
"""

from grafana.dashboards import links, own
from grafana.dashboards.ask import Ask
from grafana.dashboards.board import Board, Row
from grafana.dashboards.expect import rows_of, signals
from grafana.dashboards.panels import CALM, NONE_IS_GOOD, Panel, PanelText, Steps, newest, totals
from grafana.dashboards.series import course

_ALL = signals("events", "traces", "logs")
_DISKS = {
    "dedup of rows": {"displayName": "dedup index of the store's processor"},
    "dedup of archive": {"displayName": "dedup index of the archive's processor"},
}


def _sum(title: str, why: str, measure: str, *, steps: Steps = CALM, width: int = 6) -> Panel:
    return totals(
        PanelText(
            title,
            why,
            "short",
            steps,
            (("Ledger", links.to("seamark-ledger")),),
        ),
        Ask("ledger", {"step": "5m"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        width=width,
    )


def _course(title: str, why: str, measure: str) -> Panel:
    return course(
        PanelText(title, why, "short", links=(("Ledger", links.to("seamark-ledger")),)),
        Ask("ledger", {"step": "auto"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        stacked=True,
    )


DASHBOARD = Board(
    uid="seamark-pipeline",
    title="Pipeline health",
    why=(
        "Does what is sent arrive: how far behind the store and the archive are, what was "
        "refused, dead-lettered or left over."
    ),
    since="now-3h",
    refresh="30s",
    rows=(
        Row(
            "Is it broken, for whom, since when?",
            (
                newest(
                    PanelText(
                        "Behind by",
                        "Everything received longer ago than this is in the store (in the "
                        "archive). When all is well about 30 s, and up to three minutes for "
                        "the archive; more is what waits in the log.",
                        "s",
                        ((None, "green"), (300, "yellow"), (600, "red")),
                    ),
                    Ask(
                        "ledger",
                        {"step": "5m"},
                        rows_of("rows", "app", "demo"),
                        series=("behind",),
                        legend="{{sink}}",
                    ),
                    width=8,
                ),
                _sum(
                    "Refused by the store for good",
                    "Items that no insert could put into the store; they are kept in the "
                    "log SEAMARK_DEAD. By app and signal.",
                    "deadLettered",
                    steps=NONE_IS_GOOD,
                    width=8,
                ),
                _sum(
                    "Off by",
                    "What the ledger is wrong by, where that is settled, by app and signal.",
                    "offBy",
                    steps=NONE_IS_GOOD,
                    width=8,
                ),
                _course(
                    "Items stored",
                    "Rows in the store by the minute of their receipt. A gap is a time in"
                    " which nothing arrived.",
                    "stored",
                ),
                _course(
                    "Requests rejected",
                    "Requests turned away as a whole: no key, too many, too large, or we "
                    "could not take them.",
                    "requestRejections",
                ),
            ),
        ),
        Row(
            "Where does it get stuck?",
            (
                _course(
                    "Not in the archive yet", "Stored, and waiting for the archive.", "unarchived"
                ),
                _course(
                    "Items rejected",
                    "The senders' faults: what the collector did not take.",
                    "rejected",
                ),
                _course(
                    "Sent twice",
                    "Duplicates that were dropped: retries of senders who did not hear our answer.",
                    "duplicate",
                ),
                _course("Limited", "Items over the limits of their app.", "limited"),
            ),
        ),
        Row(
            "What do Seamark's own processes say?",
            (
                course(
                    PanelText(
                        "Time to take a request",
                        "From a request's headers to its answer, the log's acknowledgement "
                        "included, over all routes that take telemetry: p50, p95, p99.",
                        "s",
                        ((None, "green"), (0.1, "red")),
                    ),
                    own.ingest_seconds("p50", "p95", "p99"),
                ),
                course(
                    PanelText(
                        "Time to answer a question",
                        "From a question's head to its answer, over all that are asked of the "
                        "store or its cache: p50, p95, p99.",
                        "s",
                        ((None, "green"), (1, "yellow"), (3, "red")),
                    ),
                    own.question_seconds("p50", "p95", "p99"),
                ),
                course(
                    PanelText(
                        "Answers from the cache",
                        "hit: given again; miss: read from the store; shared: an equal question "
                        "was under way; stale: given because the store was away; off: not asked.",
                        "short",
                    ),
                    own.cache_lookups(),
                    stacked=True,
                ),
                course(
                    PanelText(
                        "Unknown keys",
                        "Requests with a key that no app has, by the first 8 digits of the key's "
                        "SHA-256 and the network they came from: a sender with a mistyped key.",
                        "short",
                        ((None, "green"), (1, "yellow")),
                    ),
                    own.unknown_keys(),
                    stacked=True,
                ),
                course(
                    PanelText(
                        "Refused unread",
                        "Bytes of bodies that were not taken and whose items could not be counted, "
                        "by why. The ledger counts such requests, and no items of them.",
                        "bytes",
                        ((None, "green"), (1, "yellow")),
                    ),
                    own.unread_bytes(),
                    stacked=True,
                ),
                course(
                    PanelText(
                        "Inserts that failed",
                        "Tries to put a block into the store that failed and are made again, "
                        "by why. Nothing is lost, and everything behind it waits.",
                        "short",
                    ),
                    own.failed_inserts(),
                    stacked=True,
                ),
                course(
                    PanelText(
                        "Messages that wait in the log",
                        "What the store and the archive have not got yet, in the log's messages.",
                        "short",
                        ((None, "green"), (1_000_000, "red")),
                    ),
                    own.waiting_messages(),
                    series={"rows": {"displayName": "store"}},
                ),
                course(
                    PanelText(
                        "Streams that stand still",
                        "1: messages wait in that stream of the log, and none was written for a "
                        "minute.",
                        "short",
                        ((None, "green"), (1, "red")),
                    ),
                    own.stalled_streams(),
                ),
                course(
                    PanelText(
                        "Streams that are stopped",
                        "1: too much of that stream is refused, or its position contradicts the "
                        "sink; it waits for an operator.",
                        "short",
                        ((None, "green"), (1, "red")),
                    ),
                    own.stopped_streams(),
                ),
                course(
                    PanelText(
                        "Disk in use",
                        "By what is kept there: the log, the spool, the store, the archive, and "
                        "what the processors remember. Several may be on one disk.",
                        "percentunit",
                        ((None, "green"), (0.9, "red")),
                    ),
                    own.used_disk(),
                    series=_DISKS,
                ),
                course(
                    PanelText(
                        "Lost parts of the store",
                        "Parts that are gone or cannot be read, by table, until their rows are "
                        "filled in again from the log or the archive.",
                        "short",
                        ((None, "green"), (1, "red")),
                    ),
                    own.damaged_parts(),
                ),
                course(
                    PanelText(
                        "Series that are written",
                        "Different series of metrics, events and spans in this hour and the one "
                        "before, over all orgs. Questions become slow with them.",
                        "short",
                        ((None, "green"), (100_000, "red")),
                        (("Tenants and cardinality", links.to("seamark-tenants")),),
                    ),
                    own.active_series(),
                ),
                course(
                    PanelText(
                        "Age of the last backup",
                        "Time since the last `seamark backup` that ended well.",
                        "s",
                    ),
                    own.backup_age(),
                ),
                course(
                    PanelText(
                        "Time until certificates end",
                        "Of the certificates that the collector and the API listen with.",
                        "s",
                    ),
                    own.certificate_seconds(),
                ),
            ),
        ),
    ),
)
