"""What people meet: calls and pages that fail, traffic that drops, sources that fell silent."""

from typing import Final

from grafana.alerts.rule import Above, Math, Reduce, Rule, RuleQuery, Window
from grafana.alerts.shares import FAILED, MINUTE, calls, count, percent, share
from grafana.alerts.thresholds import TABLE, AppScope
from grafana.dashboards import errors, ledger, services, traffic
from grafana.dashboards.ask import Ask

HOUR, WEEK = 3_600, 7 * 86_400
_SPREAD: Final = 5
"""Standard deviations of a Poisson count by which traffic has to be below what is expected."""
_VIEWS: Final = 600
"""In the hour before, below which an app's traffic says nothing."""
_REGULAR: Final = 45
"""Minutes of an hour in which a source has to have sent, so that its silence says something."""


def service_errors(scope: AppScope) -> Rule:
    """Calls of a service fail."""
    limit = scope.thresholds.service_error_rate
    return Rule(
        uid=scope.uid("service-error-rate"),
        title=f"Failed calls of a service: more than {percent(limit)}{scope.title}",
        says=(
            "{{ $labels.service }} of {{ $labels.app }}: {{ humanizePercentage $values.F.Value }} "
            f"of its calls failed within ten minutes (limit {percent(limit)}, and more than "
            "chance)."
        ),
        steps=share(calls(FAILED, *scope.filters), calls(*scope.filters), limit=limit),
        severity="critical",
        lasts="2m",
        # No call failed. Whether there are calls is the rule of traffic.
        no_data="OK",
        runbook="service-error-rate",
        board=services.DASHBOARD.uid,
        panel=services.DASHBOARD.panel("Errors over time"),
        chosen=("app", "service"),
    )


def page_errors(scope: AppScope) -> Rule:
    """Pages meet errors."""
    limit = scope.thresholds.page_error_rate
    return Rule(
        uid=scope.uid("page-error-rate"),
        title=f"Errors in pages: more than {percent(limit)} of the views{scope.title}",
        says=(
            "{{ $labels.app }}: errors for {{ humanizePercentage $values.F.Value }} of the page "
            f"views within ten minutes (limit {percent(limit)}, and more than chance)."
        ),
        steps=share(
            count("exception", *scope.filters), count("page_view", *scope.filters), limit=limit
        ),
        severity="critical",
        lasts="2m",
        no_data="OK",  # as above
        runbook="page-error-rate",
        board=errors.DASHBOARD.uid,
        panel=errors.DASHBOARD.panel("Errors by type"),
        chosen=("app",),
    )


def traffic_drop(scope: AppScope) -> Rule:
    """Fewer page views than in the hour before, and than at this time a week ago."""
    limit = scope.thresholds.traffic_drop
    views = count("page_view", *scope.filters)
    by_hour = count("page_view", *scope.filters, step="1h")
    # Of a quarter of an hour: D counted, $E / 4 expected by the hour before, $W / 8 by last week.
    below = f"($E / 4 - $D > {_SPREAD} * ($E / 4) ** 0.5)"
    last_week = f"(($W == 0) + ($D < $W / 8 * {1 - limit:g}) > 0)"
    return Rule(
        uid=scope.uid("traffic-drop"),
        title=f"Page views: more than {percent(limit)} fewer than expected{scope.title}",
        says=(
            "{{ $labels.app }}: {{ $values.D.Value }} page views in a quarter of an hour, "
            "{{ $values.E.Value }} in the hour before, {{ $values.W.Value }} in the two hours "
            f"around this time a week ago (limit {percent(limit)} fewer than both)."
        ),
        steps={
            # One question about both times: an app that fell silent still has its hour before.
            "A": RuleQuery(views, 76 * MINUTE, MINUTE),
            "B": Window("A", 15, MINUTE),
            "C": Window("A", 60, 16 * MINUTE),
            "D": Reduce("B", "last", empty=0),
            "E": Reduce("C", "last", empty=0),
            # Until now: an app that has no last week counts zero then.
            "V": RuleQuery(by_hour, WEEK + HOUR),
            "U": Window("V", 120, WEEK - HOUR),
            "W": Reduce("U", "last", empty=0),
            "F": Math(f"(1 - $D / ($E / 4 + 0.000001)) * {below} * {last_week} * ($E >= {_VIEWS})"),
            "G": Above("F", limit, until=limit / 2),
        },
        severity="critical",
        lasts="10m",
        # No page view for over an hour, or none ever: an alert fired when that began.
        no_data="OK",
        runbook="traffic-drop",
        board=traffic.DASHBOARD.uid,
        panel=traffic.DASHBOARD.panel("Page views over time"),
        chosen=("app",),
    )


SILENT: Final = Rule(
    uid="seamark-source-silent",
    title="A source that sent all the time has fallen silent",
    says=(
        "{{ $labels.app }} sent {{ $labels.signal }} in {{ $values.G.Value }} of 60 minutes, and "
        "in {{ $values.F.Value }} of the 15 after (limit: 0 after 45). It may be down, cut off, "
        "or refused; or Seamark's log, store or API is behind, which other alerts say."
    ),
    steps={
        "A": RuleQuery(Ask("ledger", {"step": "1m"}, series=("offered",)), 76 * MINUTE, MINUTE),
        "B": Math("$A > 0"),
        "C": Window("B", 15, MINUTE),
        "D": Window("B", 60, 16 * MINUTE),
        "F": Reduce("C", "last", empty=0),
        "G": Reduce("D", "last", empty=0),
        "H": Math(f"($F == 0) * ($G >= {_REGULAR})"),
        "I": Above("H", 0),
    },
    severity="critical",
    lasts="2m",
    no_data="OK",  # nothing has sent for an hour, or ever
    board=ledger.DASHBOARD.uid,
    panel=ledger.DASHBOARD.panel("Accepted over time"),
)

PEOPLE: Final = (
    *(
        make(scope)
        for make in (service_errors, page_errors, traffic_drop)
        for scope in TABLE.scopes
    ),
    SILENT,
)
