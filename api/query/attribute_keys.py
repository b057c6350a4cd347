"""Whether an attribute occurs at all: look-ups that tell a misspelt key from one without rows."""

from typing import Final

from api.query.near import did_you_mean
from api.query.scoping import scope_conditions
from api.query.statement import AttributeUse, Statement, Values, fill
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

SAMPLED_ROWS: Final = 10_000
"""Rows whose keys are read to name near matches."""
MOST_KEYS: Final = 2_000
_ITEMS: Final = {
    "metric_points": "point",
    "metrics_1h": "series of this metric",
    "logs": "log record",
}


def plan_key_exists(use: AttributeUse, scope: tuple[str, str], metric: str = "") -> Statement:
    """One row where a row of the scope (and metric) has the key, else none; ends at the first."""
    values = Values()
    where = _where(values, scope, metric)
    name = values.text(use.name)
    held = " OR ".join(f"mapContains({map_}, {name})" for map_ in use.maps)
    return values.statement(
        fill("attribute_exists", table=use.table, where=" AND ".join([*where, f"({held})"]))
    )


def plan_keys(use: AttributeUse, scope: tuple[str, str], metric: str = "") -> Statement:
    """Keys of some rows of the scope (and metric); none only where it has no rows."""
    values = Values()
    where = _where(values, scope, metric)
    return values.statement(
        fill(
            "attribute_keys",
            keys=", ".join(f"mapKeys({map_})" for map_ in use.maps),
            table=use.table,
            where=" AND ".join(where),
            rows=values.add(SAMPLED_ROWS, "UInt64"),
            limit=values.add(MOST_KEYS, "UInt64"),
        )
    )


def _where(values: Values, scope: tuple[str, str], metric: str) -> list[str]:
    where = scope_conditions(values, *scope)
    return [*where, f"name = {values.text(metric)}"] if metric else where


def unknown_attribute(use: AttributeUse, keys: list[str]) -> Rejected[QuestionReason]:
    """The failure that names the key and near matches among `keys`."""
    item = _ITEMS.get(use.table, use.table.rstrip("s"))
    return Rejected(
        QuestionReason.UNKNOWN_ATTRIBUTE,
        f"No stored {item} has an attribute {use.key[:120]!r}.{did_you_mean(use.name, keys)}"
        f" Some that there are: {', '.join(sorted(keys)[:8])}.",
        field=use.field,
    )
