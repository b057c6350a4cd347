"""What searches of raw rows share: conditions on their range and on a trace."""

from api.query.statement import Values
from api.query.timerange import TimeRange
from api.reasons import QuestionReason
from seamark.wire.failures import Rejected


def raw_time_conditions(values: Values, asked: TimeRange) -> list[str]:
    """Rows of a raw table within a range; their times are DateTime64(9)."""
    return [
        f"time >= fromUnixTimestamp64Milli({values.integer(asked.from_ms)}, 'UTC')",
        f"time < fromUnixTimestamp64Milli({values.integer(asked.to_ms)}, 'UTC')",
    ]


def trace_id_condition(values: Values, trace_id: str, field: str) -> str:
    """Rows of one trace. Raises Rejected unless it is 32 hexadecimal digits, not all zero."""
    text = trace_id.strip().lower()
    if len(text) != 32 or not set(text) <= set("0123456789abcdef") or not text.strip("0"):
        raise Rejected(
            QuestionReason.INVALID_FIELD,
            f"{field} is 32 hexadecimal digits, not all zero; this has {len(text)} characters.",
            field=field,
        )
    return f"trace_id = toFixedString(unhex({values.text(text)}), 16)"
