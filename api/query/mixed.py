"""What may not be added up in one answer: points of several kinds, or in several units."""

from collections.abc import Iterable

from api.reasons import QuestionReason
from seamark.wire.failures import Rejected


def reject_mixed(metric: str, rows: Iterable[list[tuple[str, str]]]) -> None:
    """Raise Rejected where the points behind one row of an answer have several (kind, unit)."""
    for kinds in rows:
        units = sorted({unit for _, unit in kinds})
        names = sorted({kind for kind, _ in kinds})
        if len(units) > 1:
            listed = ", ".join(unit or "(none)" for unit in units)
            raise Rejected(
                QuestionReason.MIXED_UNITS,
                f"{metric[:120]!r} has points in several units: {listed}. Group by unit, or filter "
                f'by one: {{"key": "unit", "value": "{units[-1]}"}}.',
                field="metric",
            )
        if len(names) > 1:
            raise Rejected(
                QuestionReason.MIXED_UNITS,
                f"{metric[:120]!r} has points of several kinds: {', '.join(names)}. Group "
                "or filter by type and monotonic.",
                field="metric",
            )
