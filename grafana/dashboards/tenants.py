"""Tenants and cardinality: who sends how much, and which values labels have."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask, chosen
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import NUMBER, TEXT, column, service
from grafana.dashboards.expect import Expectation, listed, rows, rows_of, signals
from grafana.dashboards.panels import NONE_IS_GOOD, Panel, PanelText, totals
from grafana.dashboards.series import course
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import APP, TextVariable

_ALL = signals("events", "traces", "logs")
_FILTERS = chosen("app")


def _values(dimension: str, expect: Expectation) -> Panel:
    return listing(
        PanelText(
            f"Values of {dimension}",
            f"Every value of {dimension} makes series of its own. Many values with few "
            "counts, or ids among them, make questions slow.",
            "short",
        ),
        Ask(
            "top", {"metric": "$metric", "by": dimension, "limit": 200, "filters": _FILTERS}, expect
        ),
        columns={
            "Value": column(dimension.capitalize(), least=110),
            "Count": NUMBER,
            "Share": NUMBER,
        },
        width=8,
    )


def _sent(title: str, why: str, measure: str) -> Panel:
    return course(
        PanelText(title, why, "short", links=(("Ledger", links.to("seamark-ledger")),)),
        Ask("ledger", {"step": "auto"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        stacked=True,
    )


def _total(title: str, why: str, measure: str) -> Panel:
    return totals(
        PanelText(
            title,
            why,
            "short",
            NONE_IS_GOOD if measure != "offered" else ((None, "blue"),),
        ),
        Ask("ledger", {"step": "5m"}, _ALL, series=(measure,), legend="{{app}} {{signal}}"),
        width=8,
    )


DASHBOARD = Board(
    uid="seamark-tenants",
    title="Tenants and cardinality",
    why="Who sends how much, whose items are turned away, and which values labels have.",
    variables=(APP, TextVariable("metric", "Metric", "page_view")),
    rows=(
        Row(
            "Is anybody turned away, who, since when?",
            (
                _total(
                    "Items over the limit",
                    "By app and signal. Anything here was lost to its sender.",
                    "limited",
                ),
                _total("Items rejected, by app", "What senders got wrong.", "rejected"),
                _total("Requests turned away", "Requests refused as a whole.", "requestRejections"),
                _sent(
                    "Items sent by app",
                    "Offered at ingest, by app and signal: who sends more than usual?",
                    "offered",
                ),
                _sent(
                    "Items rejected over time",
                    "Since when an app sends what cannot be read.",
                    "rejected",
                ),
            ),
        ),
        Row(
            "Which labels grow?",
            (
                _values("page", listed("/", "/product")),
                _values("release", listed("2.5.0")),
                _values("country", rows("values", 5)),
                _values("browser", rows("values", 3)),
                _values("platform", listed("web")),
                _values("feature", rows("values", 1)),
            ),
        ),
        Row(
            "Which operations are there?",
            (
                listing(
                    PanelText(
                        "Operations by service",
                        "Names of spans. Ids in names make a series each: use routes.",
                        "short",
                    ),
                    Ask(
                        "services",
                        {"by": "operation", "kinds": [], "limit": 500, "filters": _FILTERS},
                        rows_of("services", "service", "gateway"),
                    ),
                    columns={
                        "Service": service("app"),
                        "Operation": TEXT,
                        "Rate": column(width=110),
                        "Calls": NUMBER,
                    },
                ),
            ),
        ),
    ),
)
