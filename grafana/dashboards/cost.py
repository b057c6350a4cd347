"""Cost: items stored are what disk, memory and the log pay for."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask
from grafana.dashboards.board import Board, Row
from grafana.dashboards.expect import signals
from grafana.dashboards.panels import Panel, PanelText, totals
from grafana.dashboards.series import course

_ALL = signals("events", "traces", "logs")


def _total(title: str, why: str, measure: str) -> Panel:
    return totals(
        PanelText(
            title,
            why,
            "short",
            links=(("Ledger", links.to("seamark-ledger")),),
        ),
        Ask("ledger", {"step": "1h"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        width=8,
    )


def _daily(title: str, why: str, measure: str, step: str) -> Panel:
    return course(
        PanelText(title, why, "short"),
        Ask("ledger", {"step": step}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        stacked=True,
    )


DASHBOARD = Board(
    uid="seamark-cost",
    title="Cost",
    why=(
        "Items stored are what disk, memory and the log pay for: who makes them, and what is "
        "paid for twice. Bytes are not in the ledger; multiply by your own price for a million"
        " items."
    ),
    since="now-7d",
    refresh="15m",
    rows=(
        Row(
            "What costs most, since when?",
            (
                _total("Stored items", "In the range, by app and signal.", "stored"),
                _total("Archived items", "Kept for long, by app and signal.", "archived"),
                _total(
                    "Duplicates dropped",
                    "Sent, carried and compared, but stored once: a sender's timeout is "
                    "too short, or ours are too slow.",
                    "duplicate",
                ),
                _daily(
                    "Stored by hour", "By app and signal: since when is it more?", "stored", "1h"
                ),
                _daily("Stored by day", "By app and signal, by day (UTC).", "stored", "1d"),
            ),
        ),
        Row(
            "What is paid for and not used?",
            (
                _daily(
                    "Rejected by day", "Carried to the collector for nothing.", "rejected", "1d"
                ),
                _daily("Left out by sampling", "What sampling saves.", "sampled", "1d"),
            ),
        ),
    ),
)
