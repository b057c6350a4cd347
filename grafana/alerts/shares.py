"""Steps that test whether a share of failures is significantly above a limit.

Two failures of a hundred are chance where one in a hundred may fail. What is compared is the lower
end of the confidence interval of the failures (the score interval of a Poisson count, `Z` standard
deviations wide), and there have to be `FEWEST` of them.
"""

from typing import Final

from grafana.alerts.rule import Above, Math, Reduce, RuleQuery, Step, Window
from grafana.dashboards.ask import Ask, where
from grafana.dashboards.variables import SPANS

Z: Final = 4
FEWEST: Final = 10
MINUTE: Final = 60
SERVED: Final = where("kind", "server|consumer", "=~")
FAILED: Final = where("status", "error")


def count(
    metric: str, *filters: dict[str, str], by: tuple[str, ...] = ("app",), step: str = "1m"
) -> Ask:
    """How many there are in each step of time."""
    request = {"metric": metric, "agg": ["count"], "groupBy": list(by), "granularity": step}
    return Ask("timeseries", {**request, "filters": list(filters)})


def calls(
    *filters: dict[str, str], by: tuple[str, ...] = ("app", "service"), step: str = "1m"
) -> Ask:
    """Calls that services took."""
    return count(SPANS, SERVED, *filters, by=by, step=step)


def at_least(failed: str) -> str:
    """An expression: the lower end of the confidence interval of a count of failures."""
    half = Z * Z / 2
    return f"({failed} + {half:g} - {Z} * ({failed} + {Z * Z / 4:g}) ** 0.5)"


def share(bad: Ask, good: Ask, *, limit: float, minutes: int = 10) -> dict[str, Step]:
    """`F` is the measured share, `D` the failures; fires where it is significantly > `limit`.

    Failures are asked for an hour, so that none lately is a zero.
    """
    return {
        "A": RuleQuery(bad, 60 * MINUTE),
        "B": RuleQuery(good, minutes * MINUTE),
        "C": Window("A", minutes),
        "D": Reduce("C", "last", empty=0),
        "E": Reduce("B", "sum"),
        "F": Math("$D / $E"),
        "G": Math(f"{at_least('$D')} / $E * ($D >= {FEWEST})"),
        "H": Above("G", limit),
    }


def percent(value: float) -> str:
    """As texts write it: 1 %."""
    return f"{100 * value:g} %"
