"""The ledger: what became of everything that was sent."""

from grafana.dashboards.ask import Ask
from grafana.dashboards.board import Board, Row
from grafana.dashboards.expect import signals
from grafana.dashboards.panels import NONE_IS_GOOD, Panel, Words, course, listing, number

_ALL = signals("events", "traces", "logs")
_OFF = {
    "custom.cellOptions": {"type": "color-text"},
    "thresholds": {
        "mode": "absolute",
        "steps": [{"value": None, "color": "green"}, {"value": 1, "color": "red"}],
    },
}


def _course(title: str, why: str, measure: str) -> Panel:
    return course(
        Words(title, why, "short"),
        Ask("ledger", {"step": "auto"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        stacked=True,
    )


def _law(title: str, why: str, measure: str) -> Panel:
    return number(
        Words(title, why, "short", NONE_IS_GOOD, empty="Nothing was sent"),
        Ask("ledger", {"step": "5m"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        calc="sum",
        width=8,
    )


DASHBOARD = Board(
    uid="seamark-ledger",
    title="Ledger",
    why=(
        "What became of everything that was sent: offered = accepted + rejected + sampled + "
        "limited; accepted = stored + duplicate + buried; archived = stored."
    ),
    since="now-3h",
    rows=(
        Row(
            "Does it add up? For whom not, since when?",
            (
                _law(
                    "Off by: store",
                    "Accepted, and neither stored, nor a duplicate, nor buried; where "
                    "that is settled. By app and signal.",
                    "offBy",
                ),
                _law(
                    "Off by: archive",
                    "Stored, and not archived, where that is settled. By app and signal.",
                    "archiveOffBy",
                ),
                number(
                    Words(
                        "Letters kept",
                        "Rejected items that are kept as they were sent and can be mended"
                        " and sent again.",
                        "short",
                        empty="Nothing was sent",
                    ),
                    Ask(
                        "ledger",
                        {"step": "5m"},
                        _ALL,
                        series=("letters",),
                        legend="{{app}} {{signal}}",
                    ),
                    calc="sum",
                    width=8,
                ),
                _course("Off by over time", "Since when the books are wrong.", "offBy"),
                _course(
                    "Accepted over time",
                    "What we promised to keep, by minute of receipt.",
                    "accepted",
                ),
            ),
        ),
        Row(
            "The books",
            (
                listing(
                    Words(
                        "Ledger",
                        "Every step of time, app and signal. `Off by` says something "
                        "where `Settled` is true.",
                        "short",
                    ),
                    Ask("ledger", {"step": "auto"}, _ALL),
                    columns={
                        "Off by (offered)": _OFF,
                        "Off by (stored)": _OFF,
                        "Off by (archived)": _OFF,
                    },
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
                    "Letters",
                    "Rejected items that are kept. Growing: somebody's release sends what"
                    " cannot be read.",
                    "letters",
                ),
                _course("Sampled out", "Left out because the app samples.", "sampled"),
                _course(
                    "Over the limit", "Left out because the app was over its limit.", "limited"
                ),
            ),
        ),
    ),
)
