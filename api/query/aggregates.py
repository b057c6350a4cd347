"""Aggregates as they are named in questions, and as SQL over the columns of a rollup."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from api.reasons import QuestionReason
from seamark.wire.failures import Rejected

MAX_AGGREGATES: Final = 16
PLAIN: Final = (
    *("count", "sum", "avg", "min", "max", "rate", "uniq_users", "uniq_sessions"),
    *("last", "sum_last", "avg_last"),
)
_PERCENTILE: Final = re.compile(
    r"p(?:([0-9]{1,2}(?:\.[0-9]{1,4})?)|\(([0-9]{1,2}(?:\.[0-9]{1,4})?)\))\Z"
)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One column of an answer: its name as it was asked, and a level for percentiles (0 to 1)."""

    name: str
    kind: str
    level: float = 0.0


def parse_aggregates(names: Sequence[str]) -> list[Aggregate]:
    """`count`, …, `p95`, `p99.9`, `p(75)`. Raises Rejected for others, repeated, none, too many."""
    if not 1 <= len(names) <= MAX_AGGREGATES or len(set(names)) != len(names):
        raise Rejected(
            QuestionReason.INVALID_AGGREGATE,
            f"agg takes 1 to {MAX_AGGREGATES} different aggregates.",
            field="agg",
        )
    return [_parse(name, place) for place, name in enumerate(names)]


def _parse(name: str, place: int) -> Aggregate:
    if name in PLAIN:
        return Aggregate(name, name)
    match = _PERCENTILE.match(name)
    if match is None:
        raise Rejected(
            QuestionReason.INVALID_AGGREGATE,
            f"agg {name[:40]!r} is none of {', '.join(PLAIN)}, or a percentile like p50, p99.9.",
            field=f"agg[{place}]",
        )
    return Aggregate(name, "percentile", float(match[1] or match[2]) / 100)


def refuse_unknown(
    aggregates: Sequence[Aggregate], columns: Mapping[str, str], source: str
) -> None:
    """Raise Rejected for an aggregate that a source cannot give (`columns` lacks its kind)."""
    for place, aggregate in enumerate(aggregates):
        if aggregate.kind not in columns:
            raise Rejected(
                QuestionReason.INVALID_AGGREGATE,
                f"{source} have no {aggregate.name}; they have {', '.join(columns)}.",
                field=f"agg[{place}]",
            )


def levels_of(aggregates: Sequence[Aggregate]) -> list[float]:
    """The distinct percentile levels, ascending."""
    return sorted({a.level for a in aggregates if a.kind == "percentile"})


def level_literal(level: float) -> str:
    """A level as an SQL literal: parameters of aggregate functions must be constants."""
    return f"{level:.6f}"
