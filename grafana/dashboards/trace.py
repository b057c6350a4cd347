"""One trace: where it failed, in which service, and what was said in it."""

from grafana.dashboards import links
from grafana.dashboards.ask import Ask
from grafana.dashboards.board import Board, Row
from grafana.dashboards.columns import column, words
from grafana.dashboards.expect import rows
from grafana.dashboards.panels import PanelText, one_trace, records
from grafana.dashboards.tables import listing
from grafana.dashboards.variables import TextVariable

_SPANS = Ask("trace", trace_id="$trace", expect=rows("spans", 2))
_STATUS = {
    **column("Status", width=70),
    **words({"0": ("–", "text"), "1": ("ok", "green"), "2": ("error", "red")}),
    "custom.align": "left",
}
"""A span's status by its number in OpenTelemetry."""

DASHBOARD = Board(
    uid="seamark-trace",
    title="One trace",
    why="All spans of a trace, the services they are of, and the log records written in it.",
    variables=(TextVariable("trace", "Trace ID"),),
    rows=(
        Row(
            "What failed, in which service, since when?",
            (
                one_trace(
                    PanelText(
                        "Trace",
                        "The spans of the trace in `Trace ID`, in order, with their "
                        "attributes and events.",
                        "short",
                    ),
                    _SPANS,
                    width=14,
                ),
                listing(
                    PanelText(
                        "Services in this trace",
                        "The same spans, one a line. A click on a service leads to it.",
                        "short",
                        links=(
                            (
                                "This service",
                                links.to("seamark-service", service=links.THIS),
                            ),
                        ),
                    ),
                    _SPANS,
                    columns={
                        "serviceName": column("Service", width=90),
                        "statusCode": _STATUS,
                        "operationName": {
                            **column("Operation", least=140),
                            "custom.wrapText": True,
                        },
                        "duration": column("Duration", width=85, unit="ms"),
                        "statusMessage": column("Error", least=120),
                    },
                    width=10,
                ),
            ),
        ),
        Row(
            "What was said in it?",
            (
                records(
                    PanelText(
                        "Log records of this trace",
                        "What services wrote while they worked on it.",
                        "short",
                    ),
                    Ask("logs", {"traceId": "$trace", "limit": 100}, rows("logs", 1)),
                    height=9,
                ),
            ),
        ),
    ),
)
