"""The ledger: the outcome of every item that was sent."""

from grafana.dashboards.ask import Ask
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import TEXT, TIME, column, words
from grafana.dashboards.expect import signals
from grafana.dashboards.panels import NONE_IS_GOOD, Panel, PanelText, totals
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing

_ALL = signals("events", "traces", "logs")
_COUNT = column(width=80)
_OFF = column(width=130)
_SETTLED = words({"true": ("yes", "green"), "false": ("not yet", "text")})


def _course(title: str, why: str, measure: str) -> Panel:
    return course(
        PanelText(title, why, "short"),
        Ask("ledger", {"step": "auto"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        stacked=True,
    )


def _law(title: str, why: str, measure: str) -> Panel:
    return totals(
        PanelText(title, why, "short", NONE_IS_GOOD),
        Ask("ledger", {"step": "5m"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        width=8,
    )


DASHBOARD = Board(
    uid="seamark-ledger",
    title="Ledger",
    why=(
        "The outcome of every item that was sent: offered = accepted + rejected + sampled + "
        "limited; accepted = stored + duplicate + dead-lettered; archived = stored."
    ),
    since="now-3h",
    rows=(
        Row(
            "Does it add up? For whom not, since when?",
            (
                _law(
                    "Off by: store",
                    "Accepted, and neither stored, nor a duplicate, nor dead-lettered; where "
                    "that is settled. By app and signal.",
                    "offBy",
                ),
                _law(
                    "Off by: archive",
                    "Stored, and not archived, where that is settled. By app and signal.",
                    "archiveOffBy",
                ),
                totals(
                    PanelText(
                        "Dead letters kept",
                        "Rejected items that are kept as they were sent and can be mended"
                        " and sent again.",
                        "short",
                    ),
                    Ask(
                        "ledger",
                        {"step": "5m"},
                        _ALL,
                        series=("deadLetters",),
                        legend="{{app}} {{signal}}",
                    ),
                    width=8,
                ),
                _course("Off by over time", "Since when the ledger is wrong.", "offBy"),
                _course(
                    "Accepted over time",
                    "What we promised to keep, by minute of receipt.",
                    "accepted",
                ),
            ),
        ),
        Row(
            "The ledger",
            (
                listing(
                    PanelText(
                        "Ledger",
                        "Every step of time, app and signal. `Off by` says something "
                        "where it is settled: what is not may still be on its way.",
                        "short",
                    ),
                    Ask("ledger", {"step": "auto"}, _ALL),
                    columns={
                        "Time": TIME,
                        "App": column(width=85),
                        "Signal": column(width=75),
                        "Offered": _COUNT,
                        "Accepted": _COUNT,
                        "Stored": _COUNT,
                        "Archived": _COUNT,
                        "Off by (offered)": _OFF,
                        "Off by (stored)": _OFF,
                        "Off by (archived)": _OFF,
                        "Settled": {**column(width=80), **_SETTLED},
                        "Duplicate": _COUNT,
                        "Dead-lettered": _COUNT,
                        "Sampled": _COUNT,
                        "Limited": _COUNT,
                        "Dead letters": _COUNT,
                        "Rejected": TEXT,
                        "Rejected requests": TEXT,
                        "Settled in the archive": {**column(width=160), **_SETTLED},
                    },
                    newest="Time",
                    height=14,
                ),
            ),
        ),
        Row(
            "What was not kept, and why?",
            (
                _course(
                    "Rejected",
                    "Items that the senders got wrong; the table above says why.",
                    "rejected",
                ),
                _course(
                    "Dead letters",
                    "Rejected items that are kept. Growing: a release sends what cannot be read.",
                    "deadLetters",
                ),
                _course("Sampled out", "Left out because the app samples.", "sampled"),
                _course(
                    "Over the limit", "Left out because the app was over its limit.", "limited"
                ),
            ),
        ),
    ),
)
